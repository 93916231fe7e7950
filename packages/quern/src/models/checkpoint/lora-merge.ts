import type { Weight } from './checkpoint-weights.ts';
import type { LoraPair } from './lora-adapter.ts';
import type { RowChange } from '../gguf/tensor-encoding.ts';
import { rowChunks, rowLength, rowValues } from './weight-rows.ts';

/**
 * What adds the products of `pairs`, all of one matrix, to rows of it: `W + Σ scale * B A` (Hu et al., arXiv 2106.09685,
 * equation 3), in binary32. Undefined where there are none. The pairs' matrices are read whole: they are small.
 */
export async function mergedChange(
  pairs: readonly LoraPair[],
  signal?: AbortSignal,
): Promise<RowChange | undefined> {
  if (pairs.length === 0) return undefined;
  const factors = await Promise.all(
    pairs.map(async ({ a, b, rank, scale }) => ({
      a: await allValues(a, signal),
      b: await allValues(b, signal),
      rank,
      scale,
    })),
  );
  const columns = rowLength(pairs[0].target);
  return (values, firstRow) => {
    for (const { a, b, rank, scale } of factors) {
      for (let start = 0, row = firstRow; start < values.length; start += columns, row++) {
        for (let k = 0; k < rank; k++) {
          const factor = scale * b[row * rank + k];
          const from = k * columns;
          for (let j = 0; j < columns; j++) values[start + j] += factor * a[from + j];
        }
      }
    }
  };
}

async function allValues(weight: Weight, signal?: AbortSignal): Promise<Float32Array> {
  const all = new Float32Array(weight.shape.reduce((a, b) => a * b, 1));
  const scratch = new Float32Array(all.length);
  for await (const chunk of rowChunks(weight, signal)) {
    all.set(rowValues(weight.dtype, chunk, scratch), chunk.row * rowLength(weight));
  }
  return all;
}
