import type { Weight, WeightDtype } from './checkpoint-weights.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from '../gguf/float-formats.ts';

/** About as many values are worked on at a time. */
const chunkValues = 1 << 20;

/** Whole rows of a weight, as they lie in the file. */
export interface RowChunk {
  /** The first row. */
  readonly row: number;
  readonly rows: number;
  /** The bytes of the rows; they are overwritten once the next but one chunk is asked for. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The length of a weight's rows, which is its last dimension. */
export function rowLength({ shape }: Pick<Weight, 'shape'>): number {
  return shape.at(-1) ?? 1;
}

/** A weight in chunks of rows. The next one is being read while the caller works on one. */
export async function* rowChunks(weight: Weight, signal?: AbortSignal): AsyncGenerator<RowChunk, void> {
  const rowBytes = rowLength(weight) * dtypeSizes[weight.dtype];
  const rows = rowBytes === 0 ? 0 : weight.bytes / rowBytes;
  const rowsAtOnce = Math.max(1, Math.floor(chunkValues / rowLength(weight)));
  const buffers = [0, 1].map(() => new Uint8Array(Math.min(rows, rowsAtOnce) * rowBytes));
  const read = async (row: number, buffer: Uint8Array<ArrayBuffer>): Promise<RowChunk> => {
    const count = Math.min(rowsAtOnce, rows - row);
    const bytes = buffer.subarray(0, count * rowBytes);
    await weight.read(row * rowBytes, bytes, signal);
    return { row, rows: count, bytes };
  };
  let next = read(0, buffers[0]);
  try {
    for (let row = 0; row < rows;) {
      const chunk = await next;
      row += chunk.rows;
      buffers.reverse();
      if (row < rows) next = read(row, buffers[0]);
      yield chunk;
    }
  } finally {
    // The file must not be closed under a read that nobody waits for.
    await next.catch(() => undefined);
  }
}

/** The values of rows of a weight; they are in `scratch` where they had to be converted, which must have room for them. */
export function rowValues(
  dtype: WeightDtype,
  { bytes }: Pick<RowChunk, 'bytes'>,
  scratch: Float32Array,
): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const values = scratch.subarray(0, halves.length);
  (dtype === 'F16' ? float16ToFloat32 : bfloat16ToFloat32)(halves, values);
  return values;
}

const dtypeSizes: Record<WeightDtype, number> = { F32: 4, F16: 2, BF16: 2 };
