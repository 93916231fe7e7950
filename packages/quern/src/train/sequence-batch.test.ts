import { describe, expect, it } from 'vitest';
import { hasLibTorch } from '../../test/has-libtorch.ts';
import { randomIntegers } from '../random.ts';
import { microBatches, sequenceBatch } from './sequence-batch.ts';

const random = randomIntegers(5);
const lengths = Array.from({ length: 60 }, () => 1 + (random() % 120));

it.each([1, 50, 100, 240, 1000, 1e6])(
  'keeps micro-batches within %d tokens, and leaves nothing out',
  (budget) => {
    const batches = microBatches(lengths, budget);
    expect(batches.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    for (const batch of batches) {
      const padded = batch.length * Math.max(...batch.map((i) => lengths[i]));
      expect(batch.length === 1 || padded <= budget).toBe(true);
    }
  },
);

const shapes = (of: readonly number[]): number[][] =>
  microBatches(of, 240).map((batch) => batch.map((i) => of[i]));

it('makes micro-batches of the same lengths whatever their order', () => {
  expect(shapes(lengths.toReversed())).toEqual(shapes(lengths));
  expect(shapes(lengths.toSorted((a, b) => a - b))).toEqual(shapes(lengths));
  expect(microBatches([5, 5, 5, 5], 10)).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(microBatches([], 10)).toEqual([]);
});

describe.skipIf(!hasLibTorch)('a batch', () => {
  it('foretells each token of a completion from the one before it', () => {
    const { tokens, places, targets } = sequenceBatch(
      [
        { prompt: [1, 2, 3], completion: [4, 5] },
        { prompt: [6], completion: [7] },
      ],
      'cpu',
    );
    expect(tokens.shape).toEqual([2, 4]);
    expect(Array.from(tokens.data(), Number)).toEqual([1, 2, 3, 4, 6, 0, 0, 0]);
    expect(Array.from(places.data(), Number)).toEqual([2, 3, 4]);
    expect(Array.from(targets.data(), Number)).toEqual([4, 5, 7]);
    for (const each of [tokens, places, targets]) each.dispose();
  });
});
