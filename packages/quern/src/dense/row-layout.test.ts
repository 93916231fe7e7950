import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { precisions, readRow, rowLayout, writeRow, type Precision } from './row-layout.ts';

const component = fc.float({
  noNaN: true,
  noDefaultInfinity: true,
  min: Math.fround(-1e3),
  max: Math.fround(1e3),
});
const vectors = fc
  .array(component, { minLength: 1, maxLength: 50 })
  .map((components) => Float32Array.from(components))
  .filter((vector) => vector.some((x) => Math.abs(x) > 1e-3));

function stored(
  vector: Float32Array,
  precision: Precision,
): { read: Float32Array; length: number; row: DataView } {
  const layout = rowLayout(precision, vector.length);
  const row = new DataView(new ArrayBuffer(layout.bytes));
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  writeRow(row, vector, length, layout);
  return { read: readRow(row, layout), length, row };
}

describe('a row', () => {
  it('holds each component as exactly as its precision allows', () => {
    fc.assert(
      fc.property(vectors, fc.constantFrom(...precisions), (vector, precision) => {
        const { read, length } = stored(vector, precision);
        const largest = Math.max(...vector.map(Math.abs)) / length;
        for (const [i, x] of vector.entries()) {
          const error = Math.abs(read[i] - x / length);
          // Half a unit in the last place; of bytes half a step, and what making the length 1 again changes.
          const allowed = {
            f32: Math.abs(x / length) * 2 ** -24 + 2 ** -149,
            f16: Math.abs(x / length) * 2 ** -11 * 1.001 + 2 ** -39,
            i8: (largest / 254) * (1 + Math.sqrt(vector.length)),
          }[precision];
          expect(error).toBeLessThanOrEqual(allowed);
        }
        const squares = read.reduce((sum, x) => sum + x * x, 0);
        expect(Math.abs(squares - 1)).toBeLessThan(precision === 'f16' ? 2 ** -9 : 1e-5);
      }),
    );
  });

  it('of halves has the nearest ones, whichever they are', () => {
    // A second component so large that the first is 2^15 times smaller than what the row holds of it at most.
    for (let exponent = -28; exponent < -1; exponent++) {
      for (const fraction of [1, 1 + 2 ** -11, 1 + 3 * 2 ** -12, 1.5, 2 - 2 ** -10]) {
        const small = fraction * 2 ** exponent;
        const { read } = stored(Float32Array.of(small, Math.sqrt(1 - small * small)), 'f16');
        expect(Math.abs(read[0] / small - 1)).toBeLessThanOrEqual(2 ** -11 * 1.001);
      }
    }
  });

  it('is filled with zeros to a multiple of eight components', () => {
    const { row } = stored(Float32Array.of(3, -4, 12), 'f32');
    expect(Array.from({ length: 8 }, (_, i) => row.getFloat32(4 * i, true))).toEqual([
      Math.fround(3 / 13),
      Math.fround(-4 / 13),
      Math.fround(12 / 13),
      0,
      0,
      0,
      0,
      0,
    ]);
  });
});
