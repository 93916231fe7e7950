import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defaultCacheFolder } from './cache-folder.ts';

const home = homedir();

it.each<[string, Record<string, string>, NodeJS.Platform, string]>([
  ['QUERN_CACHE says', { QUERN_CACHE: '/a/cache', XDG_CACHE_HOME: '/xdg' }, 'darwin', '/a/cache'],
  ['XDG_CACHE_HOME says', { QUERN_CACHE: '', XDG_CACHE_HOME: '/xdg' }, 'linux', join('/xdg', 'quern')],
  ['the home folder has', {}, 'linux', join(home, '.cache', 'quern')],
  ['macOS has', {}, 'darwin', join(home, 'Library', 'Caches', 'quern')],
  ['Windows has', { LOCALAPPDATA: '/local' }, 'win32', join('/local', 'quern')],
  ['Windows has without a variable', {}, 'win32', join(home, 'AppData', 'Local', 'quern')],
])('is where %s', (_, env, platform, folder) => {
  expect(defaultCacheFolder(env, platform)).toBe(folder);
});
