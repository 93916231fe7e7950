import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileError, QuernError } from '../errors.ts';
import { isAlive } from '../process-state.ts';

const bufferBytes = 1 << 20;

/** What another machine left counts as dead after a day, in milliseconds. */
const abandonedAfter = 86_400_000;

/** This machine or container, in eight digits: numbers of processes mean nothing on another. */
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** The passing names of the files that this process is writing. */
const growing = new Set<string>();

/**
 * A file of any size that is written from its beginning to its end under a passing name beside the final one,
 * `.NAME.PID-HOST-RANDOM.tmp`, and renamed when it is whole and durable. What a killed process left is cleared when the
 * same file is next written.
 */
export class NewFile {
  /** The final path, links followed. */
  readonly path: string;
  readonly #passing: string;
  readonly #file: FileHandle;
  readonly #buffer = new Uint8Array(bufferBytes);
  #used = 0;
  #bytes = 0;

  private constructor(path: string, passing: string, file: FileHandle) {
    this.path = path;
    this.#passing = passing;
    this.#file = file;
  }

  /** Starts a file. Throws `NOT_FOUND` where the folder does not exist, `IO` where `path` is no regular file. */
  static async create(given: string): Promise<NewFile> {
    const path = await realpath(given).catch(() => resolve(given));
    const there = await stat(path).catch(() => undefined);
    if (there && !there.isFile()) {
      const what = there.isDirectory() ? 'is a folder, not a file' : 'is not a regular file';
      throw new QuernError('IO', what, { where: path });
    }
    await clearAbandoned(path);
    const random = randomBytes(4).toString('hex');
    const passing = join(dirname(path), `.${basename(path)}.${process.pid}-${host}-${random}.tmp`);
    growing.add(passing);
    try {
      return new NewFile(path, passing, await open(passing, 'wx'));
    } catch (error) {
      growing.delete(passing);
      const cause = (error as NodeJS.ErrnoException).code;
      throw fileError(error, cause === 'ENOENT' || cause === 'ENOTDIR' ? dirname(path) : path);
    }
  }

  /** The bytes appended so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends the bytes of `view`, which may be used again once this has resolved. */
  async write(view: ArrayBufferView): Promise<void> {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    this.#bytes += bytes.length;
    if (this.#used + bytes.length > bufferBytes) await this.#flush();
    if (bytes.length > bufferBytes) return this.#put(bytes);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Makes the content durable and gives the file its name, in place of an older one. */
  async finish(): Promise<void> {
    await this.#flush();
    try {
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#passing, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw fileError(error, this.path);
    }
    growing.delete(this.#passing);
  }

  /** Removes what was written. Does no harm after {@link finish}. */
  async discard(): Promise<void> {
    if (!growing.has(this.#passing)) return;
    await this.#file.close().catch(() => undefined);
    await rm(this.#passing, { force: true }).catch(() => undefined);
    growing.delete(this.#passing);
  }

  async #flush(): Promise<void> {
    const used = this.#used;
    this.#used = 0;
    await this.#put(this.#buffer.subarray(0, used));
  }

  async #put(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, Math.min(bytes.length - done, 1 << 30));
        done += bytesWritten;
      }
    } catch (error) {
      throw fileError(error, this.path);
    }
  }
}

/** Writes a file through `write` and gives it its name when that has resolved; a failure leaves nothing of it. */
export async function writeNewFile<T>(path: string, write: (file: NewFile) => Promise<T>): Promise<T> {
  const file = await NewFile.create(path);
  try {
    const result = await write(file);
    await file.finish();
    return result;
  } finally {
    await file.discard();
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; there the rename has to do.
  const handle = await open(folder).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

async function clearAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `.${basename(path)}.`;
  for (const name of await readdir(folder).catch(() => [])) {
    const owner =
      name.startsWith(prefix) && /^(\d+)-([0-9a-f]{8})-[0-9a-f]{8}\.tmp$/.exec(name.slice(prefix.length));
    if (!owner) continue;
    const passing = join(folder, name);
    if (await isAbandoned(passing, Number(owner[1]), owner[2])) {
      await rm(passing, { force: true }).catch(() => undefined);
    }
  }
}

async function isAbandoned(passing: string, pid: number, machine: string): Promise<boolean> {
  if (machine !== host) {
    const { mtimeMs } = await stat(passing).catch(() => ({ mtimeMs: Infinity }));
    return Date.now() - mtimeMs > abandonedAfter;
  }
  return pid === process.pid ? !growing.has(passing) : !isAlive(pid);
}
