import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { fileError, QuernError } from '../errors.ts';
import { parsed } from './options.ts';

/** Options of commands that serve something. */
export const serving = {
  host: () =>
    new Option('--host <address>', 'where it listens; elsewhere than here it asks for a token').default(
      '127.0.0.1',
    ),
  port: (value: number) =>
    new Option('--port <number>', '0: one that is free')
      .argParser(parsed(portNamed))
      .default(value, String(value)),
  tokenFile: () =>
    new Option('--token-file <file>', 'a file with the token that requests must show (or QUERN_TOKEN)'),
};

/** The token that requests must show, without the white space around it. Throws `USAGE` for an empty one. */
export async function givenToken(tokenFile: string | undefined): Promise<string | undefined> {
  const given =
    tokenFile === undefined
      ? process.env['QUERN_TOKEN']
      : await readFile(tokenFile, 'utf8').catch((error: unknown) => {
          throw fileError(error, tokenFile);
        });
  if (given === undefined) return undefined;
  const token = given.trim();
  if (token !== '') return token;
  throw new QuernError('USAGE', 'the token is empty', { where: tokenFile ?? 'QUERN_TOKEN' });
}

/** A port. Throws `USAGE`. */
export function portNamed(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new QuernError('USAGE', 'it must be a whole number from 0 to 65535');
}
