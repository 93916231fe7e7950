/** The C headers that an addon of Node is compiled with. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { LibTorchError } from '../errors.ts';
import type { Environment } from './run-program.ts';

/** The folder with `node_api.h`; undefined where there is none. Throws `SETUP` where `NODE_HEADERS` is set and has none. */
export function findNodeHeaders(env: Environment, home = homedir()): string | undefined {
  if (env['NODE_HEADERS']) {
    const named = resolve(env['NODE_HEADERS']);
    if (hasHeaders(named)) return named;
    throw new LibTorchError('SETUP', `NODE_HEADERS is ${named}, and there is no node_api.h in it`, {
      hint: 'Set it to the folder include/node of a Node',
    });
  }
  const version = process.versions.node;
  return [
    resolve(dirname(process.execPath), '../include/node'),
    '/usr/include/node',
    '/usr/local/include/node',
    join(home, '.cache/node-gyp', version, 'include/node'),
    join(home, 'Library/Caches/node-gyp', version, 'include/node'),
  ].find(hasHeaders);
}

/** {@link findNodeHeaders}; throws `SETUP` where there are none. */
export function nodeHeaders(env: Environment): string {
  const found = findNodeHeaders(env);
  if (found !== undefined) return found;
  throw new LibTorchError('SETUP', "Node's headers (node_api.h) are not there", {
    hint:
      "Fetch them with npx node-gyp install, or install the system's package (libnode-dev, nodejs-devel), " +
      'or set NODE_HEADERS to their folder',
  });
}

/** The folder of node-addon-api's headers. */
export function addonApiHeaders(): string {
  return dirname(createRequire(import.meta.url).resolve('node-addon-api'));
}

function hasHeaders(folder: string): boolean {
  return existsSync(join(folder, 'node_api.h'));
}
