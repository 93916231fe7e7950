/**
 * Folders in which something is made beside the place that it is for, `OUT.partial-PID-RANDOM`, until it is whole and renamed.
 * What a killed process left is known by its number and cleared by the next one.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError } from './errors.ts';
import { isAlive } from './process-state.ts';

/** Those that this process has made. */
const own = new Set<string>();

/** Whether a folder's name is one of those that something is being made in, or was. */
export function isFolderBeside(name: string): boolean {
  return /\.partial-\d+-[0-9a-f]{8}$/.test(name);
}

/** A path beside `out` that is not taken, for {@link makeFolderBeside} or to rename something to. */
export function pathBeside(out: string): string {
  const path = `${out}.partial-${process.pid}-${randomBytes(4).toString('hex')}`;
  own.add(path);
  return path;
}

/** Makes a folder beside `out`; its path. Throws what {@link fileError} makes of the file system's errors. */
export async function makeFolderBeside(out: string): Promise<string> {
  const path = pathBeside(out);
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    own.delete(path);
    throw fileError(error, dirname(out));
  }
}

/** Removes one. What cannot be removed now is left to the next process: it must not hide how this one went. */
export async function removeFolderBeside(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  own.delete(path);
}

/** Removes those beside `out` whose process is gone. */
export async function clearFoldersBeside(out: string): Promise<void> {
  const parent = dirname(out);
  const prefix = `${basename(out)}.partial-`;
  for (const entry of await readdir(parent).catch(() => [])) {
    const owner = entry.startsWith(prefix) && /^(\d+)-[0-9a-f]{8}$/.exec(entry.slice(prefix.length));
    if (!owner) continue;
    const path = join(parent, entry);
    // In a container every process may have the same number: trust only our own list for it.
    const pid = Number(owner[1]);
    const isAtWork = pid === process.pid ? own.has(path) : isAlive(pid);
    if (!isAtWork) await removeFolderBeside(path);
  }
}
