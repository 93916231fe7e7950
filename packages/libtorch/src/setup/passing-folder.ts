/** Folders and files that get their names when they are whole. */
import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Lets `make` fill a folder beside `whole`, and gives that name to it, or to the folder in it that `make` returns. */
export async function inPassingFolder(
  whole: string,
  make: (passing: string) => Promise<string | void>,
): Promise<void> {
  const passing = passingPath(whole);
  try {
    await mkdir(passing);
    const made = (await make(passing)) ?? passing;
    await rm(whole, { recursive: true, force: true });
    await rename(made, whole);
  } finally {
    await rm(passing, { recursive: true, force: true });
  }
}

/** Makes a folder and those above it. Node's own way to never ends where the system makes no folders, as in `/proc`. */
export async function makeFolder(path: string): Promise<void> {
  const above = dirname(path);
  if (above !== path && !existsSync(above)) await makeFolder(above);
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  });
}

/** Writes a file that is whole or as it was before. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const passing = passingPath(path);
  try {
    await writeFile(passing, text, { flush: true });
    await rename(passing, path);
  } finally {
    await rm(passing, { force: true });
  }
}

/** A name beside `path` that no other has, and that tells which process gave it. */
export function passingPath(path: string): string {
  return `${path}.${process.pid}-${randomUUID()}.tmp`;
}

/** Removes what processes that were killed left under passing names in a folder. */
export async function clearPassing(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /\.(\d+)-[-\da-f]+\.tmp$/.exec(basename(name))?.[1];
    if (pid !== undefined && !isRunning(Number(pid)))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Whether there is a process of this number on this machine. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
