import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathKindIfAny } from './files.ts';
import { compareBytes } from '../byte-order.ts';

/**
 * The folder of a data set's files in a Hugging Face cache: the snapshot that `refs/main` names, else the newest one;
 * undefined where there is none. `repository` reads `owner/name`.
 */
export async function cachedDataset(cache: string, repository: string): Promise<string | undefined> {
  const folder = join(cache, `datasets--${repository.replace('/', '--')}`);
  const main = (await readFile(join(folder, 'refs', 'main'), 'utf8').catch(() => '')).trim();
  if (/^[0-9a-f]{40}$/.test(main)) {
    const snapshot = join(folder, 'snapshots', main);
    if ((await pathKindIfAny(snapshot))?.isFolder) return snapshot;
  }
  return newestFolder(join(folder, 'snapshots'));
}

async function newestFolder(parent: string): Promise<string | undefined> {
  const names = await readdir(parent).catch(() => []);
  const folders: { path: string; changed: number }[] = [];
  for (const name of names) {
    const path = join(parent, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) folders.push({ path, changed: found.mtimeMs });
  }
  folders.sort((a, b) => b.changed - a.changed || compareBytes(a.path, b.path));
  return folders[0]?.path;
}
