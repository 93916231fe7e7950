import { open, type FileHandle } from 'node:fs/promises';
import { fileError, QuernError, throwIfAborted } from '../../errors.ts';

/** An open file that is read in ranges. */
export class RangedFile {
  readonly path: string;
  /** The bytes of the file. */
  readonly bytes: number;
  readonly #file: FileHandle;

  private constructor(path: string, bytes: number, file: FileHandle) {
    this.path = path;
    this.bytes = bytes;
    this.#file = file;
  }

  /** Opens a regular file. Throws `NOT_FOUND` or `IO`. */
  static async open(path: string): Promise<RangedFile> {
    if (path === '' || path.includes('\0')) {
      throw new QuernError('NOT_FOUND', `${JSON.stringify(path)} is not a path`);
    }
    try {
      const file = await open(path);
      const found = await file.stat();
      if (found.isFile()) return new RangedFile(path, found.size, file);
      await file.close();
      const what = found.isDirectory() ? 'is a folder, not a file' : 'is not a regular file';
      throw new QuernError('IO', what, { where: path });
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /** Fills `target` from `position` on. Throws `CORRUPT_FILE` where the file ends before, `ABORTED`, and `IO`. */
  async read(position: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    for (let done = 0; done < target.length;) {
      throwIfAborted(signal);
      const wanted = Math.min(target.length - done, 1 << 26);
      const { bytesRead } = await this.#file
        .read(target, done, wanted, position + done)
        .catch((error: unknown) => {
          throw fileError(error, this.path);
        });
      if (bytesRead === 0) {
        throw new QuernError('CORRUPT_FILE', `ends at byte ${position + done}, within its content`, {
          where: this.path,
          hint: 'It was cut while it was read: fetch or make it again',
        });
      }
      done += bytesRead;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
