/**
 * The vectors of texts that were embedded so far, in a file that only grows, so that embedding a corpus goes on after a kill.
 * Little-endian:
 *
 *     "QUERNEMB"  version u32  bytes of the head u32  head: JSON, padded with blanks to 4 bytes  CRC-32 of all this u32
 *     batch: count u32  CRC-32 of what follows u32  count SHA-256 hashes  count vectors, f32        (as often as there are)
 *
 * A batch that is cut or does not match its checksum is the end: what follows is cut off when the journal is opened.
 */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { fileError, QuernError } from '../errors.ts';
import { readBytes } from '../lexical/file-writer.ts';
import { ProcessLock } from '../process-lock.ts';
import type { EmbedderIdentity } from './embedder.ts';

const magic = 'QUERNEMB';
const version = 1;
const hashBytes = 32;
const batchHead = 8;
/** The most bytes of a batch's vectors and hashes; more texts become several batches. */
const mostBatchBytes = 1 << 26;

/** A journal of embeddings, open for one process at a time. */
export class EmbeddingJournal {
  readonly path: string;
  readonly dimensions: number;
  readonly #file: FileHandle;
  readonly #lock: ProcessLock;
  /** Hash, as a string of bytes → where the vector lies. */
  readonly #places = new Map<string, number>();
  #end: number;
  #isFailed = false;

  private constructor(path: string, dimensions: number, file: FileHandle, lock: ProcessLock, end: number) {
    this.path = path;
    this.dimensions = dimensions;
    this.#file = file;
    this.#lock = lock;
    this.#end = end;
  }

  /**
   * Opens or begins the journal at `path`, whose folder exists, for the embedder with this identity. Throws
   * `ALREADY_EXISTS` where it is that of another embedder or anything else, `WRONG_VERSION`, `LOCKED` where it is open
   * elsewhere, and `CORRUPT_FILE` for a damaged head.
   */
  static async open(path: string, identity: EmbedderIdentity): Promise<EmbeddingJournal> {
    const lock = await ProcessLock.acquire(`${path}.lock`, { kind: 'embedding journal', where: path });
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'a+', 0o600);
      const end = await headEnd(file, path, headOf(identity));
      const journal = new EmbeddingJournal(path, identity.dimensions, file, lock, end);
      await journal.#readBatches();
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

  /** The vector of a text, read from the file; undefined where there is none. */
  async get(text: string): Promise<Float32Array | undefined> {
    const place = this.#places.get(hashOf(text));
    if (place === undefined) return undefined;
    const bytes = await readBytes(this.#file, this.path, place, 4 * this.dimensions);
    return new Float32Array(bytes.buffer, bytes.byteOffset, this.dimensions);
  }

  /**
   * Adds the vectors of texts; when it resolves they are on the disk. A text that has one keeps that. Throws `BAD_INPUT` for
   * a vector of another length or with a component that is not finite. Wait for one call before the next.
   */
  async append(texts: readonly string[], vectors: readonly Float32Array[]): Promise<void> {
    if (this.#isFailed) throw new QuernError('IO', 'could not be written before', { where: this.path });
    if (texts.length !== vectors.length) {
      throw new QuernError('USAGE', `${texts.length} texts cannot have ${vectors.length} vectors`);
    }
    const added = new Map<string, Float32Array>();
    for (const [i, text] of texts.entries()) {
      checkVector(vectors[i], this.dimensions, this.path);
      const hash = hashOf(text);
      if (!this.#places.has(hash) && !added.has(hash)) added.set(hash, vectors[i]);
    }
    const entries = [...added];
    const most = Math.max(1, Math.floor(mostBatchBytes / (hashBytes + 4 * this.dimensions)));
    for (let from = 0; from < entries.length; from += most) {
      await this.#appendBatch(entries.slice(from, from + most));
    }
  }

  /** Closes the file and gives the journal free. Closing twice does no harm. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await this.#lock.release();
  }

  async #appendBatch(entries: readonly (readonly [string, Float32Array])[]): Promise<void> {
    const vectorsAt = batchHead + hashBytes * entries.length;
    const batch = Buffer.alloc(vectorsAt + 4 * this.dimensions * entries.length);
    for (const [i, [hash, vector]] of entries.entries()) {
      batch.write(hash, batchHead + hashBytes * i, 'latin1');
      for (let j = 0; j < vector.length; j++) {
        batch.writeFloatLE(vector[j], vectorsAt + 4 * (i * this.dimensions + j));
      }
    }
    batch.writeUInt32LE(entries.length, 0);
    batch.writeUInt32LE(crc32(batch.subarray(batchHead)), 4);
    try {
      await this.#file.appendFile(batch);
      await this.#file.datasync();
    } catch (error) {
      // Half of it may be there: nothing may come after that before the journal is opened again.
      this.#isFailed = true;
      throw fileError(error, this.path);
    }
    for (const [i, [hash]] of entries.entries()) {
      this.#places.set(hash, this.#end + vectorsAt + 4 * this.dimensions * i);
    }
    this.#end += batch.length;
  }

  /** Learns where the vectors of whole batches lie, and cuts off what comes after them. */
  async #readBatches(): Promise<void> {
    const { size } = await this.#file.stat();
    const entryBytes = hashBytes + 4 * this.dimensions;
    while (this.#end + batchHead <= size) {
      const head = Buffer.from(await readBytes(this.#file, this.path, this.#end, batchHead));
      const count = head.readUInt32LE(0);
      const bytes = count * entryBytes;
      if (count === 0 || this.#end + batchHead + bytes > size) break;
      if (bytes > mostBatchBytes && count > 1) break;
      const content = Buffer.from(await readBytes(this.#file, this.path, this.#end + batchHead, bytes));
      if (crc32(content) !== head.readUInt32LE(4)) break;
      const vectorsAt = this.#end + batchHead + hashBytes * count;
      for (let i = 0; i < count; i++) {
        const hash = content.toString('latin1', hashBytes * i, hashBytes * (i + 1));
        this.#places.set(hash, vectorsAt + 4 * this.dimensions * i);
      }
      this.#end += batchHead + bytes;
    }
    if (this.#end < size) await this.#file.truncate(this.#end);
  }
}

function headOf({ contentHash, dimensions }: EmbedderIdentity): Buffer {
  const json = Buffer.from(JSON.stringify({ contentHash, dimensions, kind: 'document' }));
  const padded = Buffer.alloc(Math.ceil(json.length / 4) * 4, ' ');
  json.copy(padded);
  const head = Buffer.alloc(16);
  head.write(magic, 0, 'latin1');
  head.writeUInt32LE(version, 8);
  head.writeUInt32LE(padded.length, 12);
  const whole = Buffer.concat([head, padded]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(whole));
  return Buffer.concat([whole, checksum]);
}

/** Where the head ends, which is written where there is none yet. */
async function headEnd(file: FileHandle, path: string, head: Buffer): Promise<number> {
  const { size } = await file.stat();
  const found = Buffer.from(await readBytes(file, path, 0, Math.min(size, head.length)));
  if (size >= head.length && found.equals(head)) return head.length;
  // A head that was cut by a kill has nothing behind it.
  if (size < head.length && head.subarray(0, size).equals(found)) {
    await file.truncate(0);
    await file.appendFile(head);
    await file.datasync();
    return head.length;
  }
  if (size >= 12 && found.toString('latin1', 0, 8) === magic) {
    const other = found.readUInt32LE(8);
    if (other !== version) {
      throw new QuernError('WRONG_VERSION', `has format version ${other}; this Quern reads ${version}`, {
        where: path,
        hint: 'Delete it, and all texts are embedded again',
      });
    }
    if (!(await isWholeHead(file, path, size))) {
      throw new QuernError('CORRUPT_FILE', 'the head of the journal is damaged', {
        where: path,
        hint: 'Delete it, and all texts are embedded again',
      });
    }
  }
  throw new QuernError('ALREADY_EXISTS', 'is no journal of this embedder', {
    where: path,
    hint: 'Its vectors cannot be mixed with those of another: give another path, or delete it',
  });
}

/** Whether the file begins with a head of whichever embedder. */
async function isWholeHead(file: FileHandle, path: string, size: number): Promise<boolean> {
  if (size < 16) return false;
  const length = 16 + Buffer.from(await readBytes(file, path, 12, 4)).readUInt32LE(0);
  if (length > 4096 || size < length + 4) return false;
  const bytes = Buffer.from(await readBytes(file, path, 0, length + 4));
  return crc32(bytes.subarray(0, length)) === bytes.readUInt32LE(length);
}

function checkVector(vector: Float32Array, dimensions: number, where: string): void {
  if (vector.length !== dimensions) {
    throw new QuernError('BAD_INPUT', `a vector has ${vector.length} dimensions, not ${dimensions}`, {
      where,
    });
  }
  if (!vector.every(Number.isFinite)) {
    throw new QuernError('BAD_INPUT', 'a vector has a component that is not a finite number', { where });
  }
}

/** The SHA-256 of a text as a document, each byte a character. */
function hashOf(text: string): string {
  return createHash('sha256').update('document\0').update(text, 'utf8').digest('binary');
}
