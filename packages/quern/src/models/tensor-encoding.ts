import { QuernError } from '../errors.ts';
import type { Weight } from './checkpoint-weights.ts';
import { areFiniteFloat16, bfloat16ToFloat16, float32ToFloat16 } from './float-formats.ts';
import { tensorTypes } from './gguf-format.ts';
import { areFiniteBlocks, q4_0, q8_0 } from './quantization.ts';
import type { ModelType } from './qwen2-metadata.ts';
import { rowChunks, rowLength, rowValues } from './weight-rows.ts';

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

/**
 * A weight as `type`, in pieces; each is overwritten once the next but one is asked for. Throws `CORRUPT_FILE` for values
 * that are infinite or no numbers, `UNSUPPORTED` for values beyond what the type can hold (F16 ends at 65,504): they are
 * never clamped.
 */
export async function* encodedWeight(
  weight: Weight,
  type: WrittenType,
  { change, signal, onBytes }: EncodingOptions = {},
): AsyncGenerator<ArrayBufferView, void> {
  let values = new Float32Array(0);
  for await (const chunk of rowChunks(weight, signal)) {
    const count = chunk.rows * rowLength(weight);
    if (weight.dtype === 'BF16' && type === 'F16' && !change) {
      const halves = new Uint16Array(chunk.bytes.buffer, chunk.bytes.byteOffset, count);
      bfloat16ToFloat16(halves, halves);
      if (areFiniteFloat16(halves)) {
        onBytes?.(chunk.bytes.length);
        yield halves;
        continue;
      }
      throw tooLarge(weight, type);
    }
    if (values.length < count) values = new Float32Array(count);
    const rows = rowValues(weight, chunk, values);
    change?.(rows, chunk.row);
    onBytes?.(chunk.bytes.length);
    yield encodedRows(weight, rows, type);
  }
}

interface EncodingOptions {
  readonly change?: RowChange;
  readonly signal?: AbortSignal;
  /** Told how many more bytes of the weight are done. */
  readonly onBytes?: (count: number) => void;
}

function encodedRows(weight: Weight, rows: Float32Array, type: WrittenType): ArrayBufferView {
  if (type === 'F32') return rows;
  if (type === 'F16') {
    const halves = new Uint16Array(rows.length);
    float32ToFloat16(rows, halves);
    if (!areFiniteFloat16(halves)) throw tooLarge(weight, type);
    return halves;
  }
  const format = type === 'Q8_0' ? q8_0 : q4_0;
  const blocks = new Uint8Array((rows.length / tensorTypes[type].blockValues) * format.bytes);
  format.quantize(rows, blocks);
  if (!areFiniteBlocks(blocks, format)) throw tooLarge(weight, type);
  return blocks;
}

function tooLarge({ name, path }: Weight, type: WrittenType): QuernError {
  return new QuernError('UNSUPPORTED', `the tensor ${name} holds a value too large for ${type}, or none`, {
    where: path,
    hint: type === 'F16' ? 'Take q8_0, which reaches further' : undefined,
  });
}
