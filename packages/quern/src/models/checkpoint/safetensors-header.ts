/** The header of a safetensors file (github.com/huggingface/safetensors): a JSON object that says what lies where. */
import { QuernError } from '../../errors.ts';
import { isJsonObject } from './json-file.ts';

/** The bytes of a value of each type. Types of less than a byte are not read. */
export const dtypeBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
  C64: 8,
} as const;

/** The type of a tensor's values. */
export type Dtype = keyof typeof dtypeBytes;

/** A tensor of a safetensors file. */
export interface SafetensorsTensor {
  readonly name: string;
  readonly dtype: Dtype;
  /** The sizes of its dimensions, the last one contiguous. */
  readonly shape: readonly number[];
  /** Where its data begins in the file. */
  readonly position: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  /** Texts that the writer added. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** The longest header, as in the reference. */
export const maxHeaderBytes = 100_000_000;

/** More than PyTorch can make. */
const maxDimensions = 64;

/** The bytes before the header: its length. */
export const lengthBytes = 8;

/**
 * The length of the header that the first eight bytes tell, for a file of `fileBytes`. Throws `CORRUPT_FILE` where it
 * cannot be.
 */
export function headerLength(first: Uint8Array, fileBytes: number, path: string): number {
  const length = new DataView(first.buffer, first.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > BigInt(fileBytes - lengthBytes)) {
    throw corrupt(path, `tells of a header of ${length} bytes, and only has ${fileBytes}`);
  }
  if (length > maxHeaderBytes)
    throw corrupt(path, `tells of a header of ${length} bytes, more than 100 million`);
  return Number(length);
}

/**
 * The tensors that a header describes. Throws `CORRUPT_FILE`, naming file and tensor, unless every value is of its kind
 * and the tensors' data fills the rest of the file from its beginning to its end without holes and overlaps.
 */
export function parseHeader(header: Uint8Array, fileBytes: number, path: string): SafetensorsHeader {
  const start = lengthBytes + header.length;
  const described = [...jsonMembers(header, path)];
  const metadata = new Map<string, string>();
  const tensors: SafetensorsTensor[] = [];
  for (const [name, value] of described) {
    if (name === '__metadata__') readMetadata(value, metadata, path);
    else tensors.push(readTensor(name, value, start, path));
  }
  tensors.sort((a, b) => a.position - b.position || a.bytes - b.bytes);
  let end = start;
  for (const { name, position, bytes } of tensors) {
    if (position !== end) {
      const fault =
        position < end ? 'overlaps the one before it' : `leaves a hole of ${position - end} bytes`;
      throw corrupt(path, `tensor ${quoted(name)} ${fault}`);
    }
    end += bytes;
  }
  if (end !== fileBytes) {
    throw corrupt(path, `its tensors end at byte ${end}, and the file has ${fileBytes} bytes`);
  }
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

function readTensor(name: string, value: unknown, start: number, path: string): SafetensorsTensor {
  const fail = (what: string): never => {
    throw corrupt(path, `tensor ${quoted(name)}: ${what}`);
  };
  if (!isJsonObject(value)) return fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) return fail(`its dtype ${quoted(dtype)} is unknown`);
  if (!isSizes(shape)) return fail('its shape is no list of whole numbers from 0');
  if (shape.length > maxDimensions) return fail(`it has ${shape.length} dimensions`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return fail('its data_offsets are no pair of ascending whole numbers');
  }
  const [from, to] = offsets;
  // A size of 0 makes it empty, however large the others are.
  const expected = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
  if (to - from !== expected) {
    return fail(`of type ${dtype} and shape [${shape}] needs ${expected} bytes, and has ${to - from}`);
  }
  if (!Number.isSafeInteger(start + to)) return fail('its data_offsets are too large');
  return { name, dtype, shape, position: start + from, bytes: to - from };
}

function readMetadata(value: unknown, metadata: Map<string, string>, path: string): void {
  if (!isJsonObject(value)) throw corrupt(path, '__metadata__ is not an object');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw corrupt(path, `__metadata__: ${quoted(key)} is not a text`);
    metadata.set(key, text);
  }
}

function jsonMembers(header: Uint8Array, path: string): [string, unknown][] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header));
  } catch (error) {
    throw corrupt(path, 'its header is not JSON in UTF-8', error);
  }
  // The format asks for an object from the first byte on; only its end may be padded.
  if (header[0] !== 0x7b || !isJsonObject(value)) throw corrupt(path, 'its header is not a JSON object');
  const members = Object.entries(value);
  const within = members.reduce((sum, [, member]) => sum + (isJsonObject(member) ? keysOf(member) : 0), 0);
  const counted = countMembers(header);
  if (counted.outer !== members.length || counted.inner !== within) {
    throw corrupt(path, 'its header has a key twice');
  }
  return members;
}

function keysOf(value: object): number {
  return Object.keys(value).length;
}

/** Counts the members of the outer object and of the objects right in it: JSON.parse keeps one of those with one key. */
function countMembers(json: Uint8Array): { outer: number; inner: number } {
  let depth = 0;
  let outer = 0;
  let inner = 0;
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case 0x22: // A string: skipped up to its closing quote.
        for (i++; json[i] !== 0x22; i++) if (json[i] === 0x5c) i++;
        break;
      case 0x7b:
      case 0x5b:
        depth++;
        break;
      case 0x7d:
      case 0x5d:
        depth--;
        break;
      case 0x3a:
        if (depth === 1) outer++;
        else if (depth === 2) inner++;
    }
  }
  return { outer, inner };
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(dtypeBytes, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

function corrupt(path: string, what: string, cause?: unknown): QuernError {
  const hint = 'It is damaged or was not fetched to its end: fetch or save it again';
  return new QuernError('CORRUPT_FILE', what, { where: path, hint, cause });
}
