import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QuernError } from '../../errors.ts';
import { syncFolder } from '../../whole-file.ts';

/**
 * A folder in which there are only files and folders themselves: a link below it, which could show or overwrite what is
 * elsewhere, is never followed and is an error, and so is a pipe or a device. Paths are given part by part; errors name them
 * as they lie in the folder, not where that is.
 */
export class PlainTree {
  /** Its real path. */
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** The path of an entry, whether or not it is there. */
  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  /** Whether there is a folder. Throws `IO` where it, or a folder above it, is something else. */
  hasFolder(...parts: readonly string[]): Promise<boolean> {
    return this.#reached(parts, parts.length);
  }

  /** Makes a folder, and those above it that are missing, for the owner alone. Throws as {@link hasFolder}. */
  async makeFolder(...parts: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth);
      if (await this.hasFolder(...path)) continue;
      await mkdir(this.path(...path), { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw fileError(error, path.join('/'));
      });
      if (!(await this.hasFolder(...path)))
        throw new QuernError('IO', 'cannot be made', { where: path.join('/') });
      await syncFolder(this.path(...path.slice(0, -1)));
    }
  }

  /** Opens a file to be read; undefined where there is none. Throws `IO` where it is something else. */
  async openFile(...parts: readonly string[]): Promise<FileHandle | undefined> {
    const where = parts.join('/');
    if (!(await this.#reached(parts, parts.length - 1))) return undefined;
    // Of a link that takes a file's place at this moment the opening fails; a pipe would be waited for.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(this.path(...parts), flags).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error.code === 'ELOOP' ? isNot(where, 'link') : fileError(error, where);
    });
    if (file === undefined) return undefined;
    try {
      if ((await file.stat()).isFile()) return file;
    } catch (error) {
      await file.close();
      throw fileError(error, where);
    }
    await file.close();
    throw isNot(where, 'file');
  }

  /** The names in a folder; none where there is none. */
  async names(...parts: readonly string[]): Promise<string[]> {
    if (!(await this.hasFolder(...parts))) return [];
    return readdir(this.path(...parts)).catch((error: unknown) => {
      throw fileError(error, parts.join('/'));
    });
  }

  /**
   * The bytes of all files in a folder, and in those below it. With `isChecked`, throws `IO` for what is no file or folder; without,
   * that has no bytes.
   */
  async bytes(parts: readonly string[], { isChecked = false } = {}): Promise<number> {
    let sum = 0;
    for (const name of await this.names(...parts)) {
      const path = [...parts, name];
      const found = await lstat(this.path(...path)).catch(() => undefined);
      if (found?.isDirectory()) sum += await this.bytes(path, { isChecked });
      else if (found?.isFile()) sum += found.size;
      else if (found && isChecked) throw isNot(path.join('/'), found.isSymbolicLink() ? 'link' : 'file');
    }
    return sum;
  }

  /** Gives the entry `from` of a folder the name `to`, and makes that durable. */
  async rename(folder: string, from: string, to: string): Promise<void> {
    try {
      await rename(this.path(folder, from), this.path(folder, to));
    } catch (error) {
      throw fileError(error, `${folder}/${to}`);
    }
    await syncFolder(this.path(folder));
  }

  /** Removes an entry and, of a folder, all in it; of a link, the link. */
  async remove(...parts: readonly string[]): Promise<void> {
    try {
      await rm(this.path(...parts), { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      throw fileError(error, parts.join('/'));
    }
  }

  /** Whether the first `depth` parts are folders, one in the other; false where one is missing. */
  async #reached(parts: readonly string[], depth: number): Promise<boolean> {
    for (let i = 1; i <= depth; i++) {
      const where = parts.slice(0, i).join('/');
      const found = await lstat(this.path(...parts.slice(0, i))).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw fileError(error, where);
      });
      if (!found) return false;
      if (!found.isDirectory()) throw isNot(where, found.isSymbolicLink() ? 'link' : 'folder');
    }
    return true;
  }
}

function isNot(where: string, what: 'link' | 'file' | 'folder'): QuernError {
  return what === 'link'
    ? new QuernError('IO', 'is a symbolic link, and none is followed here', {
        where,
        hint: 'Put what it leads to in its place',
      })
    : new QuernError('IO', `is not a ${what}`, { where });
}
