import { parse } from 'yaml';
import { QuernError } from '../../errors.ts';
import type { Environment } from '../../collections/environment.ts';

const prefix = 'QUERN_SERVE_';

/** Settings that a variable can give: those that are one value, by what follows the prefix in capitals. */
const settings: Readonly<Record<string, readonly string[]>> = {
  HOST: ['listen', 'host'],
  PORT: ['listen', 'port'],
  HOSTS: ['listen', 'hosts'],
  ORIGINS: ['listen', 'origins'],
  PROXY: ['listen', 'proxy'],
  DATA: ['data'],
  CACHE: ['cache'],
  LOG_LEVEL: ['log', 'level'],
  LOG_QUESTIONS: ['log', 'questions'],
  LIMITS_BODY: ['limits', 'body'],
  LIMITS_UPLOAD: ['limits', 'upload'],
  LIMITS_UPLOAD_RATE: ['limits', 'uploadRate'],
  LIMITS_UPLOAD_TIME: ['limits', 'uploadTime'],
  LIMITS_DATA: ['limits', 'data'],
  LIMITS_QUERY: ['limits', 'query'],
  LIMITS_K: ['limits', 'k'],
  LIMITS_EXCLUDED: ['limits', 'excluded'],
  LIMITS_TEXTS: ['limits', 'texts'],
  LIMITS_ITEMS: ['limits', 'items'],
  LIMITS_REQUESTS: ['limits', 'requests'],
  LIMITS_CONNECTIONS: ['limits', 'connections'],
  LIMITS_PER_MINUTE: ['limits', 'perMinute'],
  LIMITS_BODY_TIME: ['limits', 'bodyTime'],
  LIMITS_GRACE: ['limits', 'grace'],
};

/** Lists, which are written between commas. */
const lists: ReadonlySet<string> = new Set(['HOSTS', 'ORIGINS']);

/** The names of the variables that are read. */
export const environmentNames: readonly string[] = Object.keys(settings).map((name) => prefix + name);

/** A setting from elsewhere than the file. */
export interface Setting {
  /** The keys that lead to it. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** What gives it: a variable, or an option. */
  readonly where: string;
}

/** What the environment sets. Throws `BAD_INPUT` for a variable of ours that is none, which would be left out without a word. */
export function environmentSettings(env: Environment): Setting[] {
  return Object.entries(env).flatMap(([variable, text]): Setting[] => {
    // What `quern serve --config` is read from, by itself.
    if (!variable.startsWith(prefix) || variable === `${prefix}CONFIG` || text === undefined) return [];
    const name = variable.slice(prefix.length);
    if (!Object.hasOwn(settings, name)) {
      throw new QuernError('BAD_INPUT', 'is no variable of quern serve', {
        where: variable,
        hint: `There are ${environmentNames.join(', ')}`,
      });
    }
    return [{ path: settings[name]!, value: valueOf(name, text), where: variable }];
  });
}

function valueOf(name: string, text: string): unknown {
  if (lists.has(name)) return text.split(',').flatMap((part) => part.trim() || []);
  if (!/^(?:true|false|\d+)$/.test(text)) return text;
  return parse(text) as unknown;
}
