import { createHash, type Hash } from 'node:crypto';
import { constants, copyFile, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, throwIfAborted } from '../../errors.ts';
import { syncFolder } from '../../whole-file.ts';
import type { HubFile } from './hub-listing.ts';

/**
 * A file that is coming in, and the checksum of what came so far. It keeps its passing name until it is whole and right.
 */
export class IncomingFile {
  readonly #path: string;
  readonly #expected: HubFile;
  readonly #file: FileHandle;
  #hash: Hash;
  #received = 0;

  private constructor(path: string, expected: HubFile, file: FileHandle) {
    this.#path = path;
    this.#expected = expected;
    this.#file = file;
    this.#hash = newHash(expected);
  }

  /** Opens the file at `path`, and takes over what an earlier run left in it: that is read once, for the checksum. */
  static async open(path: string, expected: HubFile, signal?: AbortSignal): Promise<IncomingFile> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, constants.O_RDWR | constants.O_CREAT);
      const incoming = new IncomingFile(path, expected, file);
      const { size } = await file.stat();
      if (size > expected.size) await incoming.restart();
      else await incoming.#readBack(size, signal);
      return incoming;
    } catch (error) {
      await file?.close();
      throw fileError(error, path);
    }
  }

  /** The bytes that are there. */
  get received(): number {
    return this.#received;
  }

  get isWhole(): boolean {
    return this.#received === this.#expected.size;
  }

  /** Whether the bytes that are there are the file. */
  isRight(): boolean {
    const { sha256, blobId } = this.#expected;
    return this.isWhole && this.#hash.copy().digest('hex') === (sha256 ?? blobId);
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    try {
      for (let done = 0; done < chunk.length;) {
        const { bytesWritten } = await this.#file.write(
          chunk,
          done,
          chunk.length - done,
          this.#received + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw fileError(error, this.#path);
    }
    this.#received += chunk.length;
  }

  /** Throws away what is there. */
  async restart(): Promise<void> {
    this.#hash = newHash(this.#expected);
    this.#received = 0;
    await this.#file.truncate(0).catch((error: unknown) => {
      throw fileError(error, this.#path);
    });
  }

  /** Makes the file durable and gives it its final name. */
  async finish(path: string): Promise<void> {
    try {
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#path, path);
      await syncFolder(dirname(path));
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /**
   * The same by way of a copy, for a file that another program may be writing to and would go on to under its final
   * name. False where the copy is not right.
   */
  async finishCopy(path: string): Promise<boolean> {
    const own = `${this.#path}.copy`;
    let copy: IncomingFile | undefined;
    try {
      await copyFile(this.#path, own);
      // What the other has put behind the end is not the file's.
      const cut = await open(own, 'r+');
      await cut.truncate(this.#expected.size).finally(() => cut.close());
      copy = await IncomingFile.open(own, this.#expected);
      if (!copy.isRight()) return false;
      await copy.finish(path);
      await this.remove();
      return true;
    } catch (error) {
      throw fileError(error, own);
    } finally {
      await copy?.close();
      await rm(own, { force: true }).catch(() => undefined);
    }
  }

  /** Closes the file; what is there stays for the next run. Doing so twice does no harm. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }

  /** Closes the file and removes it. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
  }

  async #readBack(size: number, signal: AbortSignal | undefined): Promise<void> {
    const buffer = new Uint8Array(Math.min(size, 1 << 20));
    while (this.#received < size) {
      throwIfAborted(signal);
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#received);
      if (bytesRead === 0) return;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#received += bytesRead;
    }
  }
}

/** SHA-256 of the content, or git's SHA-1, which begins with a header. */
function newHash({ sha256, size }: HubFile): Hash {
  return sha256 === undefined ? createHash('sha1').update(`blob ${size}\0`) : createHash('sha256');
}
