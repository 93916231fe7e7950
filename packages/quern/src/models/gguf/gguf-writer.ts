import { pathKindIfAny } from '../../collections/files.ts';
import { QuernError } from '../../errors.ts';
import { RangedFile } from '../checkpoint/file-ranges.ts';
import {
  aligned,
  defaultAlignment,
  ggufMagic,
  ggufVersion,
  tensorBytes,
  tensorTypes,
  valueTypes,
  type GgufArray,
  type GgufMetadata,
  type GgufTensor,
  type GgufValue,
  type GgufValueType,
} from './gguf-format.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { writeNewFile } from '../new-file.ts';

/** Takes the bytes of a tensor, piece after piece. */
export type TensorSink = (bytes: ArrayBufferView) => Promise<void>;

/** A tensor to be written, and what hands its data to a sink: exactly {@link tensorBytes} of it. */
export interface WrittenTensor extends GgufTensor {
  write(sink: TensorSink): Promise<void>;
}

/**
 * Throws `ALREADY_EXISTS` where there is something at `path` that is no GGUF file, which must not be replaced by one.
 */
export async function checkReplaceable(path: string): Promise<void> {
  const kind = await pathKindIfAny(path);
  if (!kind) return;
  const isGguf = kind.bytes !== undefined && kind.bytes >= 4 && (await readMagic(path)) === ggufMagic;
  if (isGguf) return;
  const what = kind.isFolder ? 'is a folder' : 'is there already, and is no GGUF file';
  throw new QuernError('ALREADY_EXISTS', what, { where: path, hint: 'Choose another name' });
}

async function readMagic(path: string): Promise<number> {
  const file = await RangedFile.open(path);
  try {
    const magic = Buffer.alloc(4);
    await file.read(0, magic);
    return magic.readUInt32LE();
  } finally {
    await file.close();
  }
}

/**
 * Writes a GGUF file of version 3: the same input gives the same bytes. It is written beside `path` and renamed when it is
 * whole; what is there already is replaced. Returns its bytes. Throws what the tensors' `write` throws, and `IO` or
 * `DISK_FULL`.
 */
export function writeGguf(
  path: string,
  metadata: GgufMetadata,
  tensors: readonly WrittenTensor[],
): Promise<number> {
  return writeNewFile(path, async (file) => {
    await file.write(ggufHead(metadata, tensors));
    for (const tensor of tensors) {
      const end = file.bytes + tensorBytes(tensor);
      await tensor.write((bytes) => file.write(bytes));
      if (file.bytes !== end) throw new Error(`${tensor.name} has ${file.bytes - end} bytes too many`);
      await file.write(new Uint8Array(aligned(end, defaultAlignment) - end));
    }
    return file.bytes;
  });
}

/** All that stands before the first tensor's data: numbers, metadata, tensor infos, and zeros up to the alignment. */
export function ggufHead(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Uint8Array {
  const bytes = new GrowingBytes();
  bytes.uint32(ggufMagic).uint32(ggufVersion).uint64(tensors.length).uint64(metadata.size);
  for (const [key, value] of metadata) {
    bytes.string(key).uint32(valueTypes.indexOf(value.type));
    writeValue(bytes, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    bytes.string(tensor.name).uint32(tensor.dimensions.length);
    for (const size of tensor.dimensions) bytes.uint64(size);
    bytes.uint32(tensorTypes[tensor.type].id).uint64(offset);
    offset = aligned(offset + tensorBytes(tensor), defaultAlignment);
  }
  return bytes.pad(aligned(bytes.length, defaultAlignment) - bytes.length).view();
}

function writeValue(bytes: GrowingBytes, value: GgufValue): void {
  if (value.type === 'array') writeArray(bytes, value);
  else writeScalar(bytes, value.type, value.value);
}

function writeArray(bytes: GrowingBytes, { of, items }: GgufArray): void {
  bytes.uint32(valueTypes.indexOf(of)).uint64(items.length);
  for (const item of items) writeScalar(bytes, of, item);
}

function writeScalar(
  bytes: GrowingBytes,
  type: GgufValueType,
  value: number | bigint | boolean | string,
): void {
  switch (type) {
    case 'string':
      bytes.string(String(value));
      break;
    case 'uint64':
    case 'int64':
      bytes.uint64(BigInt.asUintN(64, BigInt(value)));
      break;
    case 'float32':
      bytes.float32(Number(value));
      break;
    case 'float64':
      bytes.float64(Number(value));
      break;
    case 'uint32':
    case 'int32':
      bytes.uint32(Number(value));
      break;
    case 'uint16':
    case 'int16':
      bytes.uint16(Number(value));
      break;
    default:
      bytes.uint8(Number(value));
  }
}
