import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { fileError, QuernError } from '../errors.ts';
import { ProcessLock } from '../process-lock.ts';
import type { EmbedderIdentity } from './embedder.ts';

const hashBytes = 32;
/** Before the records of a batch: their number and their CRC-32. */
const batchHeadBytes = 8;

/**
 * The vectors of texts that an embedder has made, in a file that only grows: a batch that was appended is there after a kill
 * at any moment. It begins with a line that says whose vectors they are; batches follow, each the number of its records, their
 * CRC-32, and the records: the SHA-256 of a text and its vector, 32-bit floating point, all little-endian.
 */
export class EmbeddingJournal {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #lock: ProcessLock;
  readonly #dimensions: number;
  /** Where in the file the vector of a text is, by the text's hash. */
  readonly #places = new Map<string, number>();
  #end: number;
  #closed: Promise<void> | undefined;

  private constructor(file: FileHandle, path: string, lock: ProcessLock, dimensions: number, end: number) {
    this.#file = file;
    this.#path = path;
    this.#lock = lock;
    this.#dimensions = dimensions;
    this.#end = end;
  }

  /**
   * Opens the journal at `path`, or begins one. What is damaged at its end, as after a kill, is cut off; a journal of another
   * embedder, or none, is begun anew: it is work saved, nothing more. Throws `LOCKED` while another has it open, and file errors.
   */
  static async open(path: string, embedder: EmbedderIdentity): Promise<EmbeddingJournal> {
    const lock = await ProcessLock.acquire(`${path}.lock`, { kind: 'embedding', where: path });
    let file: FileHandle | undefined;
    try {
      file = await openedOrMade(path);
      const head = headOf(embedder);
      const found = Buffer.alloc(head.length);
      await file.read(found, 0, head.length, 0);
      if (!found.equals(head)) {
        await file.truncate(0);
        await file.write(head, 0, head.length, 0);
      }
      const journal = new EmbeddingJournal(file, path, lock, embedder.dimensions, head.length);
      await journal.#readBatches();
      await file.truncate(journal.#end);
      await file.sync();
      return journal;
    } catch (error) {
      await file?.close();
      await lock.release();
      throw fileError(error, path);
    }
  }

  /** How many texts it has vectors of. */
  get size(): number {
    return this.#places.size;
  }

  /** Whether it has the vector of a text. */
  has(text: string): boolean {
    return this.#places.has(hashOf(text));
  }

  /** The vector of a text; undefined where it has none. */
  async get(text: string): Promise<Float32Array | undefined> {
    const place = this.#places.get(hashOf(text));
    if (place === undefined) return undefined;
    const vector = new Float32Array(this.#dimensions);
    await this.#read(new Uint8Array(vector.buffer), place);
    return vector;
  }

  /** Adds the vectors of texts, in their order; when this resolves they are on the disk. */
  async append(texts: readonly string[], vectors: readonly Float32Array[]): Promise<void> {
    if (texts.length === 0) return;
    const recordBytes = this.#recordBytes;
    const batch = Buffer.alloc(batchHeadBytes + texts.length * recordBytes);
    const hashes = texts.map(hashOf);
    for (const [i, hash] of hashes.entries()) {
      const vector = vectors[i]!;
      if (vector.length !== this.#dimensions) {
        throw new QuernError('BAD_REPLY', `a vector of ${vector.length} numbers, not ${this.#dimensions}`);
      }
      const place = batchHeadBytes + i * recordBytes;
      batch.write(hash, place, 'hex');
      batch.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), place + hashBytes);
    }
    batch.writeUInt32LE(texts.length, 0);
    batch.writeUInt32LE(crc32(batch.subarray(batchHeadBytes)), 4);
    try {
      await this.#file.write(batch, 0, batch.length, this.#end);
      await this.#file.datasync();
    } catch (error) {
      throw fileError(error, this.#path);
    }
    for (const [i, hash] of hashes.entries()) {
      this.#places.set(hash, this.#end + batchHeadBytes + i * recordBytes + hashBytes);
    }
    this.#end += batch.length;
  }

  /** Closes the file, which stays. */
  close(): Promise<void> {
    this.#closed ??= this.#file.close().then(() => this.#lock.release());
    return this.#closed;
  }

  get #recordBytes(): number {
    return hashBytes + 4 * this.#dimensions;
  }

  async #readBatches(): Promise<void> {
    const { size } = await this.#file.stat();
    const head = Buffer.alloc(batchHeadBytes);
    while (this.#end + batchHeadBytes <= size) {
      await this.#read(head, this.#end);
      const count = head.readUInt32LE(0);
      const bytes = count * this.#recordBytes;
      if (count === 0 || this.#end + batchHeadBytes + bytes > size) return;
      const records = Buffer.alloc(bytes);
      await this.#read(records, this.#end + batchHeadBytes);
      if (crc32(records) !== head.readUInt32LE(4)) return;
      for (let i = 0; i < count; i++) {
        const place = i * this.#recordBytes;
        const hash = records.toString('hex', place, place + hashBytes);
        this.#places.set(hash, this.#end + batchHeadBytes + place + hashBytes);
      }
      this.#end += batchHeadBytes + bytes;
    }
  }

  async #read(into: Uint8Array, place: number): Promise<void> {
    let read = 0;
    while (read < into.length) {
      const { bytesRead } = await this.#file.read(into, read, into.length - read, place + read);
      if (bytesRead === 0) throw new QuernError('CORRUPT_FILE', 'ends too early', { where: this.#path });
      read += bytesRead;
    }
  }
}

async function openedOrMade(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(path, 'w+');
  }
}

function headOf({ contentHash, dimensions }: EmbedderIdentity): Buffer {
  return Buffer.from(
    `${JSON.stringify({ format: 'quern embeddings', version: 1, contentHash, dimensions })}\n`,
  );
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
