import { resolve } from 'node:path';
import { QuernError } from '../../errors.ts';
import type { Environment } from '../../collections/environment.ts';
import { nearestName } from '../../train/configuration/nearest-name.ts';
import { configKeys, type ConfigKey } from './config-keys.ts';

const prefix = 'QUERN_SERVE_';

/** The keys that a variable can give, by what follows the prefix. */
const byVariable: ReadonlyMap<string, ConfigKey> = new Map(
  configKeys.flatMap((key) => (key.variable === undefined ? [] : [[key.variable, key] as const])),
);

/** The names of the variables that are read. */
export const environmentNames: readonly string[] = [...byVariable.keys()].map((name) => prefix + name);

/** A setting from elsewhere than the file. */
export interface Setting {
  /** The keys that lead to it. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** What gives it: a variable, or an option. */
  readonly where: string;
}

/**
 * What the environment sets; lists are written between commas, paths count from the current folder. Throws `BAD_INPUT` for a
 * variable of ours that is none, which would be left out without a word.
 */
export function environmentSettings(env: Environment): Setting[] {
  return Object.entries(env).flatMap(([variable, text]): Setting[] => {
    // What `quern serve --config` is read from, by itself.
    if (!variable.startsWith(prefix) || variable === `${prefix}CONFIG` || text === undefined) return [];
    const name = variable.slice(prefix.length);
    const key = byVariable.get(name);
    if (key) return [{ path: key.path, value: valueOf(key, text), where: variable }];
    throw new QuernError('BAD_INPUT', 'is no variable of quern serve', {
      where: variable,
      hint: hintFor(name),
    });
  });
}

function hintFor(name: string): string {
  if (name.includes('TOKEN')) return 'A token is QUERN_TOKEN';
  const near = nearestName(
    name,
    [...byVariable.keys()].map((each) => each.toLowerCase()),
  );
  return near === undefined ? 'docs/SERVICE.md lists them' : `Did you mean ${prefix}${near.toUpperCase()}?`;
}

function valueOf({ isList, isPath = false }: ConfigKey, text: string): unknown {
  if (isList) {
    const parts = text.split(',').flatMap((part) => part.trim() || []);
    return isPath ? parts.map((part) => resolve(part)) : parts;
  }
  if (isPath) return text === '' ? '' : resolve(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : text;
}
