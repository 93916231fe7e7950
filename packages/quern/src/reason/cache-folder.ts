import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder of what Quern remembers from one run to the next: `QUERN_CACHE`, else `quern` in the system's folder for
 * caches, which is `XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`. Everything in
 * it can be removed at any time. Reasoned queries lie in `reasoned/` under it, hashes of files in `hashes/`.
 */
export function defaultCacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['QUERN_CACHE']) return env['QUERN_CACHE'];
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'quern');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'quern');
  if (platform !== 'win32') return join(homedir(), '.cache', 'quern');
  return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'quern');
}
