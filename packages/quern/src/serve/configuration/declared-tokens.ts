import { resolve } from 'node:path';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import { readSmallText } from '../../small-text.ts';
import type { YamlFile } from '../../yaml-file.ts';
import type { ConfigFile } from './config-schema.ts';
import type { DeclaredToken } from './service-config.ts';
import { leastTokenLength, tokenHash } from './tokens.ts';

/** The variable of a token of all scopes. */
const variableOfAll = 'QUERN_TOKEN';

/** Where tokens come from. */
interface TokenSources {
  /** What paths count from. */
  readonly folder: string;
  readonly env: Environment;
  readonly place: YamlFile['place'];
}

/**
 * The tokens that a configuration declares, and that of `QUERN_TOKEN`, by their hashes. Throws `BAD_INPUT` for one that is given
 * in no way or in several, that could be guessed, or is there twice, and what reading its file throws.
 */
export async function declaredTokens(
  { tokens }: ConfigFile,
  { folder, env, place }: TokenSources,
): Promise<DeclaredToken[]> {
  const declared: DeclaredToken[] = [];
  for (const [i, { name, scope, hash, file, variable }] of tokens.entries()) {
    const where = place(['tokens', i]);
    if ([hash, file, variable].filter((each) => each !== undefined).length !== 1) {
      throw new QuernError('BAD_INPUT', `the token ${name} needs one of hash, file and variable`, {
        where,
        hint: 'quern serve token makes a token and its hash',
      });
    }
    if (declared.some((other) => other.name === name) || name === variableOfAll) {
      throw new QuernError('BAD_INPUT', `${name} is the name of two tokens`, { where });
    }
    if (hash !== undefined) declared.push({ name, scope, hash: hash.slice('sha256:'.length) });
    else if (file !== undefined) {
      const path = resolve(folder, file);
      declared.push({ name, scope, hash: secretHash(await readSmallText(path, 'token'), path) });
    } else {
      const secret = env[variable!];
      if (secret === undefined || secret === '') {
        throw new QuernError('BAD_INPUT', `the variable ${variable!} of the token ${name} is not set`, {
          where,
        });
      }
      declared.push({ name, scope, hash: secretHash(secret, variable!) });
    }
  }
  const given = env[variableOfAll];
  if (given !== undefined) {
    declared.push({ name: variableOfAll, scope: 'admin', hash: secretHash(given, variableOfAll) });
  }
  const twice = declared.find(({ hash }, i) => declared.findIndex((other) => other.hash === hash) < i);
  if (!twice) return declared;
  throw new QuernError('BAD_INPUT', `the token ${twice.name} is the same as another`, {
    where: twice.name === variableOfAll ? variableOfAll : place(['tokens', declared.indexOf(twice)]),
  });
}

function secretHash(secret: string, where: string): string {
  const token = secret.trim();
  if (token.length >= leastTokenLength && !/\s/.test(token)) return tokenHash(token);
  const what = `a token has ${leastTokenLength} characters or more, and no white space`;
  throw new QuernError('BAD_INPUT', what, { where, hint: 'quern serve token makes one' });
}
