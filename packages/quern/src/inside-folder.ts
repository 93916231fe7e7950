import { constants } from 'node:fs';
import { open, readdir, realpath, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Opens a file of a folder, which is given as its real path. Undefined where there is none, or something else than a plain file
 * that lies there itself: a link in the folder could show what is elsewhere, and a pipe would never be opened.
 */
export async function openInside(
  folder: string,
  ...names: readonly string[]
): Promise<FileHandle | undefined> {
  const path = join(folder, ...names);
  if (!(await isItself(path))) return undefined;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(orMissing);
  if (file === undefined) return undefined;
  try {
    if ((await file.stat()).isFile()) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/** The text of a file that {@link openInside} opens, of its first bytes alone where it `isCut`. */
export async function readInside(
  mostBytes: number,
  folder: string,
  ...names: readonly string[]
): Promise<{ readonly text: string; readonly isCut: boolean } | undefined> {
  const file = await openInside(folder, ...names);
  if (file === undefined) return undefined;
  try {
    return await firstText(file, mostBytes);
  } finally {
    await file.close();
  }
}

/** The text of an open file, of its first bytes alone where it `isCut`, whatever is appended meanwhile. */
export async function firstText(
  file: FileHandle,
  mostBytes: number,
): Promise<{ readonly text: string; readonly isCut: boolean }> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, mostBytes));
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return { text: bytes.toString('utf8', 0, length), isCut: size > mostBytes };
}

/** When a file was last written, in milliseconds since 1970; undefined as of {@link openInside}. */
export async function writtenInside(folder: string, name: string): Promise<number | undefined> {
  const file = await openInside(folder, name);
  if (file === undefined) return undefined;
  try {
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
  }
}

/** The names in a folder of a folder; none where there is none, or a link. */
export async function namesInside(folder: string, name: string): Promise<string[]> {
  const path = join(folder, name);
  if (!(await isItself(path))) return [];
  return (await readdir(path).catch(orMissing)) ?? [];
}

async function isItself(path: string): Promise<boolean> {
  return (await realpath(path).catch(orMissing)) === path;
}

/** Undefined for what is not there, or was not by the time that it was opened. */
function orMissing(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
  throw error;
}
