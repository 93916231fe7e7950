import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { goldenFile } from '../../../test/golden-file.ts';
import { randomNumbers } from '../../../test/random-numbers.ts';
import { areFiniteBlocks, blockValues, q4_0, q8_0, type BlockFormat } from './quantization.ts';

interface GoldenBlocks {
  readonly blocks: string;
  readonly values: string;
}

const golden = goldenFile<{
  readonly values: string;
  readonly q8_0: GoldenBlocks;
  readonly q4_0: GoldenBlocks;
  readonly first: { readonly values: number[]; readonly q8_0: number[]; readonly q4_0: number[] };
}>('models/blocks.json');

const formats = { q8_0, q4_0 };

/** The values of the golden file: 64 rows of very different sizes, and 16 on a grid, where much ties. */
const values = ((): Float32Array => {
  const { uniform } = randomNumbers(7);
  const random = Array.from({ length: 64 * 256 }, () => uniform() * 2 ** 32);
  const scaled = random.map(
    (bits, i) => Math.fround(Math.fround(bits) / 2 ** 32 - 0.5) * 2 ** ((Math.floor(i / 256) % 40) - 20),
  );
  const grid = random.slice(0, 16 * 256).map((bits, i) => {
    const row = Math.floor(i / 256);
    return row === 3 || (row === 5 && i % 256 > 0) ? 0 : ((bits % 17) - 8) / 8;
  });
  return Float32Array.from([...scaled, ...grid]);
})();

function quantized(format: BlockFormat, source: Float32Array): Uint8Array {
  const blocks = new Uint8Array((source.length / blockValues) * format.bytes);
  format.quantize(source, blocks);
  return blocks;
}

function dequantized(format: BlockFormat, blocks: Uint8Array): Float32Array {
  const target = new Float32Array((blocks.length / format.bytes) * blockValues);
  format.dequantize(blocks, target);
  return target;
}

function digest(view: ArrayBufferView): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}

it('quantises and dequantises bit by bit as gguf.quants does', () => {
  expect(digest(values)).toBe(golden.values);
  for (const name of ['q8_0', 'q4_0'] as const) {
    const blocks = quantized(formats[name], values);
    expect(digest(blocks)).toBe(golden[name].blocks);
    expect(digest(dequantized(formats[name], blocks))).toBe(golden[name].values);
  }
});

it('writes single blocks as the golden file shows them', () => {
  const source = Float32Array.from(golden.first.values);
  expect(Array.from(quantized(q8_0, source))).toEqual(golden.first.q8_0);
  expect(Array.from(quantized(q4_0, source))).toEqual(golden.first.q4_0);
});

/** Blocks whose scale is a normal number of F16. */
const block = fc
  .tuple(
    fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: blockValues, maxLength: blockValues }),
    fc.integer({ min: -5, max: 10 }),
  )
  .map(([items, exponent]) => Float32Array.from([2, ...items.slice(1)], (value) => value * 2 ** exponent));

it('stays within half a step of the source in Q8_0, a rounded scale allowed for', () => {
  fc.assert(
    fc.property(block, (source) => {
      const step = Math.max(...source.map((value) => Math.abs(value))) / 127;
      const found = dequantized(q8_0, quantized(q8_0, source));
      const worst = Math.max(...source.map((value, i) => Math.abs(found[i] - value) / step));
      expect(worst).toBeLessThanOrEqual(0.5 + 127 * 2 ** -11 + 1e-4);
    }),
  );
});

it('stays within half a step of the source in Q4_0, but for the end that has no value: within a step', () => {
  fc.assert(
    fc.property(block, (source) => {
      const step = Math.max(...source.map((value) => Math.abs(value))) / 8;
      const found = dequantized(q4_0, quantized(q4_0, source));
      // The largest value is positive here, and becomes -8 steps of a negative scale: below -7.5 steps it is cut.
      const worst = source.map((value, i) => {
        return Math.abs(found[i] - value) / step - (value < -7.5 * step ? 0.5 : 0);
      });
      expect(Math.max(...worst)).toBeLessThanOrEqual(0.5 + 8 * 2 ** -11 + 1e-4);
    }),
  );
});

it('shows a value that is no number, infinite or too large in the scale', () => {
  for (const [format, tooLarge] of [
    [q8_0, 65_520 * 127],
    [q4_0, 65_520 * 8],
  ] as const) {
    for (const value of [NaN, Infinity, -Infinity, tooLarge, -tooLarge]) {
      const source = new Float32Array(2 * blockValues).fill(0.5);
      source[blockValues + 7] = value;
      expect(areFiniteBlocks(quantized(format, source), format)).toBe(false);
    }
    expect(areFiniteBlocks(quantized(format, new Float32Array(blockValues).fill(-60_000)), format)).toBe(
      true,
    );
  }
});
