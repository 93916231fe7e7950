import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { QuernError, fileError } from '../errors.ts';

/** What lies at a path, symbolic links followed. */
export interface PathKind {
  readonly isFolder: boolean;
  /** Bytes of a regular file; undefined for folders, pipes and devices. */
  readonly bytes?: number;
}

/** What lies at `path`. Throws `NOT_FOUND` (or `IO`) as a {@link QuernError}. */
export async function pathKind(path: string): Promise<PathKind> {
  if (path === '' || path.includes('\0')) {
    throw new QuernError('NOT_FOUND', `${JSON.stringify(path)} is not a path`);
  }
  try {
    const found = await stat(path);
    return { isFolder: found.isDirectory(), bytes: found.isFile() ? found.size : undefined };
  } catch (error) {
    throw fileError(error, path);
  }
}

/** What lies at `path`, undefined where nothing does. */
export async function pathKindIfAny(path: string): Promise<PathKind | undefined> {
  try {
    return await pathKind(path);
  } catch (error) {
    if (error instanceof QuernError && (error.code === 'NOT_FOUND' || isBelowFile(error))) return undefined;
    throw error;
  }
}

/** The path of the first of `names` that is a file in `folder`, undefined where none is. */
export async function firstFile(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const path = join(folder, name);
    const kind = await pathKindIfAny(path);
    if (kind && !kind.isFolder) return path;
  }
  return undefined;
}

/** Bytes of the file at `path` (undefined for pipes). Throws `NOT_FOUND`, and `IO` for a folder. */
export async function fileBytes(path: string): Promise<number | undefined> {
  const kind = await pathKind(path);
  if (kind.isFolder) throw new QuernError('IO', 'is a folder, not a file', { where: path });
  return kind.bytes;
}

function isBelowFile(error: QuernError): boolean {
  return (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOTDIR';
}
