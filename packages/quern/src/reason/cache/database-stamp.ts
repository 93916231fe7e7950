/**
 * What a database file looked like when a process that had it open closed it: as long as it looks the same, nothing has
 * been written to it since, and it need not be read through before it is opened again.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';

/** Whether the file at `path` is as the stamp at `stampPath` says. */
export async function isAsStamped(path: string, stampPath: string): Promise<boolean> {
  const found = await readFile(stampPath, 'utf8').catch(() => undefined);
  return found !== undefined && found === (await stampOf(path));
}

/** Writes a stamp of the file at `path` as it is now. Where that cannot be done, the next check is not spared. */
export async function writeStamp(path: string, stampPath: string): Promise<void> {
  const passing = `${stampPath}.${randomUUID()}.tmp`;
  try {
    const stamp = await stampOf(path);
    if (stamp === (await readFile(stampPath, 'utf8').catch(() => undefined))) return;
    await writeFile(passing, stamp, { flag: 'wx', mode: 0o600 });
    await rename(passing, stampPath);
  } catch {
    await rm(passing, { force: true }).catch(() => undefined);
  }
}

/** The time of the last change of any kind is in it too, as it cannot be set by hand. */
async function stampOf(path: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
  return `${JSON.stringify([size, mtimeNs, ctimeNs, ino].map(String))}\n`;
}
