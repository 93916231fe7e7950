import { open, stat, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { fileError, QuernError } from '../errors.ts';
import { readBytes, readInto } from './file-writer.ts';
import { alignments, endMagic, footBytes, formatVersion, headBytes } from './index-format.ts';
import { padding, startMagic, wrongVersion } from './index-format.ts';
import type { IndexTable, Section, SectionType } from './index-format.ts';

/** Bytes of a section that are read and checked at a time. */
const pieceBytes = 1 << 20;

/** Gives room for `bytes` bytes: a buffer, and where in it. */
export type Allocate = (bytes: number) => { readonly buffer: ArrayBufferLike; readonly offset: number };

const ownBuffer: Allocate = (bytes) => ({ buffer: new ArrayBuffer(bytes), offset: 0 });

/** An open segment file: its table, and its sections on demand. */
export class IndexFile {
  readonly path: string;
  readonly table: IndexTable;
  /** CRC-32 of the table, and so of everything, as the table holds the checksums of the sections. */
  readonly checksum: number;
  /** Bytes of the file. */
  readonly size: number;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, table: IndexTable, checksum: number, size: number) {
    this.path = path;
    this.#file = file;
    this.table = table;
    this.checksum = checksum;
    this.size = size;
  }

  /** Opens the file at `path` and checks head, foot and table. Throws `NOT_FOUND`, `CORRUPT_FILE` or `WRONG_VERSION`. */
  static async open(path: string): Promise<IndexFile> {
    if (endianness() !== 'LE')
      throw new QuernError('IO', 'index files are little-endian, this machine is not');
    let file: FileHandle;
    try {
      // Opening a pipe would wait for a writer.
      const found = await stat(path);
      if (!found.isFile()) throw corruptFile(path, 'not a regular file');
      file = await open(path, 'r');
    } catch (error) {
      throw fileError(error, path);
    }
    try {
      const { size } = await file.stat();
      const { table, checksum } = await readTable(file, path, size);
      return new IndexFile(path, file, table, checksum, size);
    } catch (error) {
      await file.close();
      throw fileError(error, path);
    }
  }

  /** Whether the index has a section of this name. */
  has(name: string): boolean {
    return Object.hasOwn(this.table.sections, name);
  }

  /** Where a section lies; throws `CORRUPT_FILE` where the table lacks it. */
  place(name: string): Section {
    const section = this.has(name) ? this.table.sections[name] : undefined;
    if (!section) throw this.corrupt(name, 'the table lacks this section');
    return section;
  }

  /**
   * A section of unsigned numbers or doubles as a typed array of `length` elements, its checksum verified; in a buffer of
   * its own, or where `allocate` gives room for its bytes, the padding included.
   */
  async array(name: string, type: 'u8', length?: number, allocate?: Allocate): Promise<Uint8Array>;
  async array(name: string, type: 'u16', length?: number, allocate?: Allocate): Promise<Uint16Array>;
  async array(name: string, type: 'u32', length?: number, allocate?: Allocate): Promise<Uint32Array>;
  async array(name: string, type: 'i32', length?: number, allocate?: Allocate): Promise<Int32Array>;
  async array(name: string, type: 'f64', length?: number, allocate?: Allocate): Promise<Float64Array>;
  async array(
    name: string,
    type: SectionType,
    length?: number,
    allocate: Allocate = ownBuffer,
  ): Promise<ArrayBufferView> {
    const section = this.place(name);
    if (section.type !== type) throw this.corrupt(name, `has type ${section.type}, not ${type}`);
    const elements = section.bytes / alignments[section.type];
    if (length !== undefined && elements !== length) {
      throw this.corrupt(name, `holds ${elements} elements, not ${length}`);
    }
    const { buffer, offset } = allocate(section.bytes + padding(section.bytes));
    await this.#readVerified(name, section, (from, size) => new Uint8Array(buffer, offset + from, size));
    switch (section.type) {
      case 'u16':
        return new Uint16Array(buffer, offset, elements);
      case 'u32':
        return new Uint32Array(buffer, offset, elements);
      case 'i32':
        return new Int32Array(buffer, offset, elements);
      case 'f64':
        return new Float64Array(buffer, offset, elements);
      default:
        return new Uint8Array(buffer, offset, elements);
    }
  }

  /**
   * A section of `length` places in something of `end` elements: ascending numbers, the first 0 and the last `end`.
   * Throws `CORRUPT_FILE` where they are not.
   */
  async places(name: string, type: 'u32', length: number, end: number, to?: Allocate): Promise<Uint32Array>;
  async places(name: string, type: 'f64', length: number, end: number, to?: Allocate): Promise<Float64Array>;
  async places(name: string, type: 'u32' | 'f64', length: number, end: number, to?: Allocate) {
    const places = await (type === 'u32'
      ? this.array(name, type, length, to)
      : this.array(name, type, length, to));
    let ascend = places[0] === 0 && places[length - 1] === end;
    for (let i = 1; i < length && ascend; i++) ascend = places[i] >= places[i - 1];
    if (!ascend) throw this.corrupt(name, `its places do not ascend from 0 to ${end}`);
    return places;
  }

  /** The bytes of one record, its trailing checksum verified and removed. `number` is the document's. */
  async record(name: string, number: number, from: number, to: number): Promise<Uint8Array> {
    const section = this.place(name);
    if (!(from >= 0 && to >= from + 4 && to <= section.bytes)) {
      throw this.corrupt(name, `record ${number} lies outside of the section`);
    }
    const bytes = await readBytes(this.#file, this.path, section.offset + from, to - from);
    const end = bytes.length - 4;
    const expected = new DataView(bytes.buffer).getUint32(end, true);
    if (crc32(bytes.subarray(0, end)) !== expected) {
      throw this.corrupt(name, `the checksum of record ${number} does not match`);
    }
    return bytes.subarray(0, end);
  }

  /** Bytes of a section as they lie, not verified. */
  async bytes(name: string, from: number, length: number): Promise<Uint8Array> {
    return readBytes(this.#file, this.path, this.place(name).offset + from, length);
  }

  /** Reads every section and verifies its checksum; throws `CORRUPT_FILE` naming the first that fails. */
  async verify(): Promise<void> {
    const piece = new Uint8Array(pieceBytes);
    for (const [name, section] of Object.entries(this.table.sections)) {
      await this.#readVerified(name, section, (_, size) => piece.subarray(0, size));
    }
  }

  /** The error for a damaged section. */
  corrupt(section: string, what: string): QuernError {
    return corruptFile(`${this.path} (section ${section})`, what);
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Reads a section with its padding, piece by piece, into what `target` gives for each, and verifies its checksum. */
  async #readVerified(
    name: string,
    { offset, bytes, checksum }: Section,
    target: (from: number, size: number) => Uint8Array,
  ): Promise<void> {
    const end = bytes + padding(bytes);
    let actual = 0;
    for (let from = 0; from < end; from += pieceBytes) {
      const piece = target(from, Math.min(pieceBytes, end - from));
      await readInto(piece, this.#file, this.path, offset + from);
      actual = crc32(piece, actual);
    }
    if (actual !== checksum) throw this.corrupt(name, 'the checksum does not match');
  }
}

function corruptFile(where: string, what: string): QuernError {
  return new QuernError('CORRUPT_FILE', what, { where, hint: 'The file is damaged: build the index again' });
}

async function readTable(
  file: FileHandle,
  path: string,
  size: number,
): Promise<{ table: IndexTable; checksum: number }> {
  const cut = corruptFile(path, 'not a whole index file (its end is missing or overwritten)');
  if (size < headBytes + footBytes) throw cut;
  const head = Buffer.from(await readBytes(file, path, 0, headBytes));
  if (head.toString('latin1', 0, 8) !== startMagic || head.readUInt32LE(12) !== 0) {
    throw corruptFile(path, 'not an index file (its first bytes are wrong)');
  }
  const version = head.readUInt32LE(8);
  if (version !== formatVersion) throw wrongVersion(path, version);
  const foot = Buffer.from(await readBytes(file, path, size - footBytes, footBytes));
  const tableBytes = foot.readUInt32LE(4);
  if (foot.toString('latin1', 8, 16) !== endMagic || tableBytes > size - headBytes - footBytes) throw cut;
  const json = Buffer.from(await readBytes(file, path, size - footBytes - tableBytes, tableBytes));
  const checksum = crc32(json);
  if (checksum !== foot.readUInt32LE(0)) throw corruptFile(`${path} (table)`, 'the checksum does not match');
  const table = parsedTable(json, `${path} (table)`);
  const tableStart = size - footBytes - tableBytes;
  for (const [name, section] of Object.entries(table.sections)) {
    if (!isPlaced(section, tableStart)) {
      throw corruptFile(`${path} (section ${name})`, 'the table places it outside of the file');
    }
  }
  return { table, checksum };
}

function parsedTable(json: Buffer, where: string): IndexTable {
  let table: Partial<IndexTable> | null = null;
  try {
    table = JSON.parse(json.toString('utf8')) as Partial<IndexTable> | null;
  } catch {
    // Reported below.
  }
  const counts = ['documents', 'documentsWithTerms', 'terms', 'postings', 'tokens'] as const;
  if (
    table?.version !== formatVersion ||
    typeof table.analyzer !== 'string' ||
    !counts.every((name) => isCount(table[name])) ||
    typeof table.sections !== 'object' ||
    table.sections === null
  ) {
    throw corruptFile(where, 'does not say what an index has to say of itself');
  }
  return table as IndexTable;
}

function isPlaced(section: Section | null, end: number): boolean {
  if (typeof section !== 'object' || section === null) return false;
  const { type, offset, bytes } = section;
  return (
    Object.hasOwn(alignments, type) &&
    isCount(offset) &&
    isCount(bytes) &&
    bytes % alignments[type] === 0 &&
    offset >= headBytes &&
    offset + bytes + padding(bytes) <= end
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
