import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildsFolder } from './location.ts';

it.each([
  ['LIBTORCH_BUILDS', { LIBTORCH_BUILDS: '/builds', QUERN_CACHE: '/cache' }, '/builds'],
  ['QUERN_CACHE', { LIBTORCH_BUILDS: '', QUERN_CACHE: '/cache' }, join('/cache', 'libtorch')],
  ['XDG_CACHE_HOME', { XDG_CACHE_HOME: '/caches' }, join('/caches', 'quern', 'libtorch')],
])('builds lie where %s says', (_, env, folder) => {
  expect(buildsFolder(env)).toBe(folder);
});

it("builds lie in Quern's part of the system's caches where nothing is said", () => {
  expect(buildsFolder({}).startsWith(homedir())).toBe(true);
  expect(buildsFolder({}).endsWith(join('quern', 'libtorch'))).toBe(true);
});
