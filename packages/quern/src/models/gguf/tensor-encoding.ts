import { QuernError } from '../../errors.ts';
import type { Weight } from '../checkpoint/checkpoint-weights.ts';
import { areFinite, areFiniteFloat16, bfloat16ToFloat16, float32ToFloat16 } from './float-formats.ts';
import { tensorTypes } from './gguf-format.ts';
import { areFiniteBlocks, blockValues, q4_0, q8_0, type BlockFormat } from './quantization.ts';
import type { ModelType } from './qwen2-metadata.ts';
import { rowChunks, rowLength, rowValues, type RowChunk } from '../checkpoint/weight-rows.ts';

/** The types that tensors are written in. */
export type WrittenType = 'F32' | 'F16' | 'Q8_0' | 'Q4_0';

/** Adds to whole rows of a weight, from the row given on. */
export type RowChange = (values: Float32Array, firstRow: number) => void;

/**
 * The type that a weight is written in where the model is to be of `type`: vectors in F32; embeddings and the output matrix
 * of a model in 4 bits in Q8_0, as errors there are felt most; rows that are not whole blocks in F16.
 */
export function writtenType(
  { ggufName, shape }: { readonly ggufName: string; readonly shape: readonly number[] },
  type: ModelType,
): WrittenType {
  if (shape.length === 1) return 'F32';
  if (type === 'f16') return 'F16';
  const isTable = ggufName === 'token_embd.weight' || ggufName === 'output.weight';
  const name = type === 'q8_0' || isTable ? 'Q8_0' : 'Q4_0';
  return rowLength({ shape }) % tensorTypes[name].blockValues === 0 ? name : 'F16';
}

/** Options of {@link encodedWeight}. */
export interface EncodingOptions {
  readonly change?: RowChange;
  readonly signal?: AbortSignal;
  /** Told how many more bytes of the weight are done. */
  readonly onBytes?: (count: number) => void;
}

/**
 * A weight as `type`, in pieces; each is overwritten once the next one is asked for. Throws `CORRUPT_FILE` for values that
 * are infinite or no numbers, and `UNSUPPORTED` for values beyond what the type can hold (F16 ends at 65,504): they are
 * never clamped. What is below the smallest value of F16 becomes zero.
 */
export async function* encodedWeight(
  weight: Weight,
  type: WrittenType,
  { change, signal, onBytes }: EncodingOptions = {},
): AsyncGenerator<ArrayBufferView, void> {
  let buffers: Buffers | undefined;
  for await (const chunk of rowChunks(weight, signal)) {
    const count = chunk.rows * rowLength(weight);
    // The first chunk is the largest.
    buffers ??= buffersFor(count, type);
    let encoded: ArrayBufferView;
    if (weight.dtype === 'BF16' && type === 'F16' && !change) {
      encoded = halvesOf(chunk.bytes, count);
    } else {
      const values = rowValues(weight.dtype, chunk, buffers.values);
      change?.(values, chunk.row);
      encoded = encodings[type](values, buffers.encoded);
    }
    if (!isFinite(encoded, type)) throw await unfit(weight, chunk, type);
    onBytes?.(chunk.bytes.length);
    yield encoded;
  }
}

interface Buffers {
  readonly values: Float32Array;
  readonly encoded: Uint8Array<ArrayBuffer>;
}

function buffersFor(count: number, type: WrittenType): Buffers {
  const { blockValues: size, blockBytes } = tensorTypes[type];
  return {
    values: new Float32Array(count),
    encoded: new Uint8Array(type === 'F32' ? 0 : (count / size) * blockBytes),
  };
}

/** `BF16` rows as `F16`, in their place. */
function halvesOf(bytes: Uint8Array<ArrayBuffer>, count: number): Uint16Array {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  bfloat16ToFloat16(halves, halves);
  return halves;
}

type Encoding = (
  values: Float32Array,
  target: Uint8Array<ArrayBuffer>,
) => Float32Array | Uint16Array | Uint8Array;

/** Each writes whole rows to `target`, and returns what it wrote. */
const encodings: Record<WrittenType, Encoding> = {
  F32: (values) => values,
  F16: (values, target) => {
    const halves = new Uint16Array(target.buffer, 0, values.length);
    float32ToFloat16(values, halves);
    return halves;
  },
  Q8_0: (values, target) => inBlocks(q8_0, values, target),
  Q4_0: (values, target) => inBlocks(q4_0, values, target),
};

function inBlocks(format: BlockFormat, values: Float32Array, target: Uint8Array): Uint8Array {
  const blocks = target.subarray(0, (values.length / blockValues) * format.bytes);
  format.quantize(values, blocks);
  return blocks;
}

function isFinite(encoded: ArrayBufferView, type: WrittenType): boolean {
  if (encoded instanceof Float32Array) return areFinite(encoded);
  if (encoded instanceof Uint16Array) return areFiniteFloat16(encoded);
  return areFiniteBlocks(encoded as Uint8Array, type === 'Q8_0' ? q8_0 : q4_0);
}

/** Why a weight cannot be written: its values are none, or are too large for the type. */
async function unfit(weight: Weight, { row, rows }: RowChunk, type: WrittenType): Promise<QuernError> {
  // Read again: the rows may have been converted in their place.
  const rowBytes = (weight.bytes / weight.shape.reduce((a, b) => a * b, 1)) * rowLength(weight);
  const bytes = new Uint8Array(rows * rowBytes);
  await weight.read(row * rowBytes, bytes);
  const values = rowValues(weight.dtype, { bytes }, new Float32Array(rows * rowLength(weight)));
  const where = weight.path;
  if (!areFinite(values)) {
    const hint = 'The training that wrote it diverged: take an earlier checkpoint';
    const what = `the tensor ${weight.name} holds a value that is infinite or no number`;
    return new QuernError('CORRUPT_FILE', what, { where, hint });
  }
  return new QuernError('UNSUPPORTED', `the tensor ${weight.name} holds a value too large for ${type}`, {
    where,
    hint: type === 'F16' ? 'Take q8_0, which reaches further' : undefined,
  });
}
