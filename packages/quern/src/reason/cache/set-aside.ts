import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How many of those that were set aside are kept. */
const mostKept = 3;

/**
 * Renames the file or folder at `path` to `PATH.corrupt-TIMESTAMP` and returns that. The last three such are kept, older
 * ones removed.
 */
export async function setAside(path: string, now = new Date()): Promise<string> {
  const aside = await freeName(path, now);
  await rename(path, aside);
  const kept = (await readdir(dirname(path))).filter((name) => isAside(name, basename(path))).toSorted();
  for (const name of kept.slice(0, -mostKept)) {
    await rm(join(dirname(path), name), { recursive: true, force: true });
  }
  return aside;
}

/** In UTC to the millisecond, so that names are in the order of time. */
async function freeName(path: string, now: Date): Promise<string> {
  for (let time = now.getTime(); ; time++) {
    const stamp = new Date(time).toISOString().replace(/[-:.]/g, '');
    const aside = `${path}.corrupt-${stamp}`;
    const isFree = await lstat(aside).then(
      () => false,
      () => true,
    );
    if (isFree) return aside;
  }
}

function isAside(name: string, of: string): boolean {
  return name.startsWith(`${of}.corrupt-`) && /^\d{8}T\d{9}Z$/.test(name.slice(`${of}.corrupt-`.length));
}
