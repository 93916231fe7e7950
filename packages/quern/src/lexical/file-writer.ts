import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { fileError, QuernError } from '../errors.ts';

const flushAt = 1 << 20;

/** Bytes appended to a file through a buffer, with a running count and CRC-32 of all that was appended. */
export class FileWriter {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #buffer = new Uint8Array(flushAt);
  #used = 0;
  #position: number;
  #checksum = 0;
  #written = 0;

  private constructor(path: string, file: FileHandle, position: number) {
    this.path = path;
    this.#file = file;
    this.#position = position;
  }

  /** Creates the file at `path`, emptying one that is there. */
  static async create(path: string): Promise<FileWriter> {
    try {
      return new FileWriter(path, await open(path, 'w+'), 0);
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /** A second writer on the same file, which starts at `position`; the file is closed through the first. */
  at(position: number): FileWriter {
    return new FileWriter(this.path, this.#file, position);
  }

  /** The bytes appended so far. */
  get written(): number {
    return this.#written;
  }

  /** The CRC-32 of the bytes appended so far. */
  get checksum(): number {
    return this.#checksum;
  }

  /** Appends the bytes of `view`. */
  async write(view: ArrayBufferView): Promise<void> {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    // zlib forgets the running checksum when handed no bytes.
    if (bytes.length === 0) return;
    this.#checksum = crc32(bytes, this.#checksum);
    this.#written += bytes.length;
    if (this.#used + bytes.length <= flushAt) {
      this.#buffer.set(bytes, this.#used);
      this.#used += bytes.length;
      return;
    }
    await this.flush();
    if (bytes.length <= flushAt) {
      this.#buffer.set(bytes);
      this.#used = bytes.length;
    } else await this.#put(bytes);
  }

  /** Hands everything appended so far to the operating system. */
  async flush(): Promise<void> {
    const used = this.#used;
    this.#used = 0;
    await this.#put(this.#buffer.subarray(0, used));
  }

  /** Reads `length` bytes at `position` of what was flushed. */
  async read(position: number, length: number): Promise<Uint8Array> {
    return readBytes(this.#file, this.path, position, length);
  }

  /** Flushes, makes the content durable and closes the file. After an error the file is still to be discarded. */
  async close(): Promise<void> {
    await this.flush();
    try {
      await this.#file.sync();
      await this.#file.close();
    } catch (error) {
      throw fileError(error, this.path);
    }
  }

  /** Closes the file, which will be removed, without writing what is left to write. Closing twice does no harm. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }

  async #put(bytes: Uint8Array): Promise<void> {
    let done = 0;
    try {
      while (done < bytes.length) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#position);
        done += bytesWritten;
        this.#position += bytesWritten;
      }
    } catch (error) {
      throw fileError(error, this.path);
    }
  }
}

/** `length` bytes at `position` of an open file; throws as {@link readInto} does. */
export async function readBytes(
  file: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await readInto(bytes, file, path, position);
  return bytes;
}

/** Fills `bytes` from `position` of an open file; throws `CORRUPT_FILE` where the file ends before, and `IO`. */
export async function readInto(
  bytes: Uint8Array,
  file: FileHandle,
  path: string,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    // One call reads at most 2 GiB.
    const wanted = Math.min(bytes.length - done, 1 << 30);
    const { bytesRead } = await file.read(bytes, done, wanted, position + done).catch((error: unknown) => {
      throw fileError(error, path);
    });
    if (bytesRead === 0) {
      throw new QuernError('CORRUPT_FILE', `ends at byte ${position + done}, within its content`, {
        where: path,
        hint: 'The file was cut while it was open: build it again',
      });
    }
    done += bytesRead;
  }
}
