/** What stands before the tensors' data of a GGUF file, read from its first bytes. */
import { QuernError } from '../../errors.ts';
import {
  aligned,
  defaultAlignment,
  ggufMagic,
  ggufVersion,
  tensorBytes,
  tensorTypes,
} from './gguf-format.ts';
import { valueBytes, valueTypes } from './gguf-format.ts';
import type { GgufArray, GgufTensor, GgufValue, GgufValueType, TensorTypeName } from './gguf-format.ts';
import type { GgufInfo, PlacedTensor } from './gguf-reader.ts';

/** Thrown where more of the file has to be read to go on. */
export class UnreadBytes extends Error {}

/**
 * Reads the head of a file of `fileBytes`, of which `bytes` are the first. Lists are left out unless `withLists`. Throws
 * {@link UnreadBytes} where the head goes on beyond `bytes`, `CORRUPT_FILE` and `UNSUPPORTED`.
 */
export function parseGgufHead(
  bytes: Uint8Array,
  fileBytes: number,
  path: string,
  withLists: boolean,
): GgufInfo {
  const reader = new HeadReader(bytes, fileBytes, path);
  const version = readVersion(reader);
  // The least that a tensor's info and a member of the metadata take.
  const tensorCount = reader.count(24, 'tensors');
  const memberCount = reader.count(13, 'metadata');
  const metadata = new Map<string, GgufValue>();
  const keys = new Set<string>();
  for (let i = 0; i < memberCount; i++) {
    const key = reader.text(maxKeyBytes);
    if (keys.has(key)) reader.fail(`the key ${quoted(key)} is there twice`);
    keys.add(key);
    const value = readValue(reader, withLists);
    if (value) metadata.set(key, value);
  }
  const alignment = readAlignment(metadata, reader);
  const tensors: (GgufTensor & { readonly offset: number })[] = [];
  for (let i = 0; i < tensorCount; i++) tensors.push(readTensor(reader, alignment));
  const start = aligned(reader.at, alignment);
  return { version, metadata, tensors: placed(tensors, start, alignment, reader), bytes: fileBytes };
}

const maxKeyBytes = 65_535;
const maxTensorNameBytes = 64;
const maxDimensions = 4;

/** Far more than any vocabulary has; what is read of a damaged file stays small. */
const maxListItems = 1 << 24;

const typeNames = new Map(
  Object.entries(tensorTypes).map(([name, { id }]) => [id as number, name as TensorTypeName]),
);

function readVersion(reader: HeadReader): number {
  if (reader.fileBytes < 4 || reader.uint32() !== ggufMagic) reader.fail('is not a GGUF file');
  const version = reader.uint32();
  if (version === 2 || version === ggufVersion) return version;
  const isBigEndian = version > 0xffff && (version & 0xffff) === 0;
  throw new QuernError(
    'UNSUPPORTED',
    isBigEndian ? 'is a big-endian GGUF file' : `has GGUF version ${version}`,
    {
      where: reader.path,
      hint: 'Versions 2 and 3 are read',
    },
  );
}

function readAlignment(metadata: ReadonlyMap<string, GgufValue>, reader: HeadReader): number {
  const value = metadata.get('general.alignment');
  if (!value) return defaultAlignment;
  if (
    value.type !== 'uint32' ||
    value.value < 1 ||
    value.value > 1 << 30 ||
    (value.value & (value.value - 1)) !== 0
  ) {
    return reader.fail('general.alignment is no power of two');
  }
  return value.value;
}

/** A value; undefined for a list that was skipped. */
function readValue(reader: HeadReader, withLists: boolean): GgufValue | undefined {
  const type = reader.valueType();
  if (type !== 'array') return { type, value: reader.scalar(type) } as GgufValue;
  const of = reader.valueType();
  if (of === 'array') {
    throw new QuernError('UNSUPPORTED', 'has a list of lists in its metadata', { where: reader.path });
  }
  const length = reader.count(valueBytes[of] ?? 8, 'items of a list');
  if (length > maxListItems) reader.fail(`has a list of ${length} items in its metadata`);
  if (!withLists) {
    reader.skip(of, length);
    return undefined;
  }
  const items: unknown[] = [];
  for (let i = 0; i < length; i++) items.push(reader.scalar(of));
  return { type, ...({ of, items } as GgufArray) };
}

function readTensor(reader: HeadReader, alignment: number): GgufTensor & { readonly offset: number } {
  const name = reader.text(maxTensorNameBytes);
  const rank = reader.uint32();
  if (rank > maxDimensions) reader.fail(`tensor ${quoted(name)} has ${rank} dimensions`);
  const dimensions: number[] = [];
  let values = 1;
  for (let i = 0; i < rank; i++) {
    const size = reader.uint64();
    values *= size;
    if (size === 0 || !Number.isSafeInteger(values)) {
      reader.fail(`tensor ${quoted(name)} has an impossible size`);
    }
    dimensions.push(size);
  }
  const id = reader.uint32();
  const offset = reader.uint64();
  const type = typeNames.get(id);
  if (type === undefined) {
    throw new QuernError('UNSUPPORTED', `tensor ${quoted(name)} has the unknown type ${id}`, {
      where: reader.path,
    });
  }
  if ((dimensions[0] ?? 1) % tensorTypes[type].blockValues !== 0) {
    reader.fail(`tensor ${quoted(name)} has rows of ${dimensions[0]} values, no whole blocks of ${type}`);
  }
  if (offset % alignment !== 0)
    reader.fail(`tensor ${quoted(name)} does not start at a multiple of ${alignment}`);
  return { name, dimensions, type, offset };
}

/** The tensors with their places, one after the other without a hole but what alignment asks for, as llama.cpp wants it. */
function placed(
  tensors: readonly (GgufTensor & { readonly offset: number })[],
  start: number,
  alignment: number,
  reader: HeadReader,
): PlacedTensor[] {
  const names = new Set<string>();
  let end = 0;
  return tensors.map(({ offset, ...tensor }) => {
    const bytes = tensorBytes(tensor);
    if (names.has(tensor.name)) reader.fail(`the tensor ${quoted(tensor.name)} is there twice`);
    names.add(tensor.name);
    if (offset !== end) {
      reader.fail(`tensor ${quoted(tensor.name)} starts at ${offset} of the data, not at ${end}`);
    }
    if (start + offset + bytes > reader.fileBytes) {
      reader.fail(`tensor ${quoted(tensor.name)} ends at byte ${start + offset + bytes}, the file before it`);
    }
    end = aligned(offset + bytes, alignment);
    return { ...tensor, position: start + offset, bytes };
  });
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}

/** Reads one value after the other. */
class HeadReader {
  readonly fileBytes: number;
  readonly path: string;
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array, fileBytes: number, path: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.fileBytes = fileBytes;
    this.path = path;
  }

  fail(what: string): never {
    throw new QuernError('CORRUPT_FILE', what, {
      where: this.path,
      hint: 'It is damaged or was not fetched to its end: fetch or export it again',
    });
  }

  /** Moves on by `count` bytes; returns where they begin. */
  #take(count: number): number {
    const from = this.at;
    if (from + count > this.fileBytes) this.fail(`ends at byte ${this.fileBytes}, within its metadata`);
    if (from + count > this.#bytes.length) throw new UnreadBytes();
    this.at = from + count;
    return from;
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** A number of 64 bits, which has to be below 2^53. */
  uint64(): number {
    const from = this.#take(8);
    const value = this.#bytes.readUInt32LE(from) + this.#bytes.readUInt32LE(from + 4) * 2 ** 32;
    return Number.isSafeInteger(value) ? value : this.fail(`tells of ${value} at byte ${from}`);
  }

  /** How many `things` follow, each of which takes `least` bytes of the file or more. */
  count(least: number, things: string): number {
    const count = this.uint64();
    if (count * least > this.fileBytes - this.at)
      this.fail(`tells of ${count} ${things}, more than it has room for`);
    return count;
  }

  text(maxBytes = this.fileBytes): string {
    const length = this.count(1, 'bytes of a text');
    if (length > maxBytes) this.fail(`has a name of ${length} bytes`);
    const from = this.#take(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  valueType(): GgufValueType {
    const id = this.uint32();
    return valueTypes[id] ?? this.fail(`has a value of the unknown type ${id} in its metadata`);
  }

  scalar(type: Exclude<GgufValueType, 'array'>): string | number | bigint | boolean {
    if (type === 'string') return this.text();
    const from = this.#take(valueBytes[type] ?? 0);
    switch (type) {
      case 'uint8':
        return this.#bytes.readUInt8(from);
      case 'int8':
        return this.#bytes.readInt8(from);
      case 'uint16':
        return this.#bytes.readUInt16LE(from);
      case 'int16':
        return this.#bytes.readInt16LE(from);
      case 'uint32':
        return this.#bytes.readUInt32LE(from);
      case 'int32':
        return this.#bytes.readInt32LE(from);
      case 'float32':
        return this.#bytes.readFloatLE(from);
      case 'float64':
        return this.#bytes.readDoubleLE(from);
      case 'uint64':
        return this.#bytes.readBigUInt64LE(from);
      case 'int64':
        return this.#bytes.readBigInt64LE(from);
      case 'bool': {
        const value = this.#bytes.readUInt8(from);
        return value > 1 ? this.fail(`has a truth value of ${value}`) : value === 1;
      }
    }
  }

  /** Passes over as many values. */
  skip(type: Exclude<GgufValueType, 'array'>, count: number): void {
    if (type !== 'string') this.#take(count * (valueBytes[type] ?? 0));
    else for (let i = 0; i < count; i++) this.#take(this.count(1, 'bytes of a text'));
  }
}
