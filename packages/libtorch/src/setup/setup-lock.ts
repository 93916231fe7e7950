/** One setup at a time in a folder of builds. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LibTorchError } from '../errors.ts';
import { isRunning, passingPath } from './passing-folder.ts';
import { aborted } from './run-program.ts';

/** How often a holder says that it is alive, and how long it may be silent, in milliseconds. */
const beat = 5_000;
const silence = 60_000;

/**
 * Does `work` while this process is the only one that sets up in `folder`; `onWait` is called where another is first. A
 * holder that died, or was stopped for long, is not waited for.
 *
 * Throws `SETUP` where something else has the name of the lock, `ABORTED`, and what `work` throws.
 */
export async function withSetupLock<T>(
  folder: string,
  {
    signal,
    onWait,
    interval = 500,
  }: { readonly signal?: AbortSignal; readonly onWait: () => void; readonly interval?: number },
  work: () => Promise<T>,
): Promise<T> {
  const path = join(folder, 'setup.lock');
  const own: Holder = { pid: process.pid, host: hostname(), token: randomUUID() };
  let hasWaited = false;
  while (!(await isTaken(path, own))) {
    if (await isDeadCleared(path)) continue;
    if (!hasWaited) onWait();
    hasWaited = true;
    await pause(interval, undefined, { signal }).catch(() => {
      throw aborted();
    });
  }
  const beating = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, beat);
  try {
    return await work();
  } finally {
    clearInterval(beating);
    if (holderOf(textOf(path))?.token === own.token) await rm(path, { force: true });
  }
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly token: string;
}

async function isTaken(path: string, own: Holder): Promise<boolean> {
  return writeFile(path, JSON.stringify(own), { flag: 'wx' }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

/** Removes the lock of a holder that died; false where it may be alive. */
async function isDeadCleared(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return true;
  if (!found.isFile()) {
    throw new LibTorchError('SETUP', `${path} is no file, and the lock of a setup is one`, {
      hint: 'Remove it',
    });
  }
  const text = textOf(path);
  const holder = holderOf(text);
  // A date in the future is no sign of life either.
  const isSilent = Math.abs(Date.now() - found.mtimeMs) > silence;
  const isGone = holder?.host === hostname() && !isRunning(holder.pid);
  if (!isSilent && !isGone) return false;
  const aside = passingPath(path);
  await rename(path, aside).catch(() => undefined);
  // Another may have cleared it and taken the lock since it was read: what was moved is its lock then.
  const moved = textOf(aside);
  if (moved !== undefined && moved !== text) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Who holds the lock; undefined where that is not written yet. */
function holderOf(text: string | undefined): Holder | undefined {
  try {
    return JSON.parse(text ?? '') as Holder;
  } catch {
    return undefined;
  }
}
