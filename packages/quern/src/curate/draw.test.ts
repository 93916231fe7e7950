import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LeastNumbers, lotOf, splitLot } from './draw.ts';
import { splitOf } from './split.ts';

it('the least numbers are those that sorting finds, in any order, and whatever is above the limit is none of them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (values, size) => {
        let least = new LeastNumbers(size);
        const taken: number[] = [];
        for (const value of values) {
          if (value <= least.limit) taken.push(value);
          least.add(value);
          // Goes on from its own state.
          const { kept, limit } = least.state;
          least = new LeastNumbers(size, kept, limit);
        }
        least.settle();
        const sorted = values.toSorted((a, b) => a - b);
        expect(least.limit).toBe(sorted[size - 1] ?? Infinity);
        for (const value of sorted.slice(0, size)) expect(taken).toContain(value);
      },
    ),
  );
});

it('a lot is uniform, and of the id and the seed alone', () => {
  const lots = Array.from({ length: 4000 }, (_, i) => lotOf(`beer.stackexchange.com/${i}`, 1));
  for (const of of ['draw', 'place'] as const) {
    const mean = lots.reduce((sum, lot) => sum + lot[of], 0) / lots.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  }
  expect(lotOf('beer.stackexchange.com/7', 1)).toEqual(lots[7]);
  expect(lotOf('beer.stackexchange.com/7', 2)).not.toEqual(lots[7]);
});

it('a split is of the id alone, and in its share', () => {
  const shares = { validation: 0.1, test: 0.2 };
  const splits = Array.from({ length: 5000 }, (_, i) => splitOf({ id: `q${i}` }, shares));
  const share = (name: string): number => splits.filter((split) => split === name).length / splits.length;
  expect(share('test')).toBeCloseTo(0.2, 1);
  expect(share('validation')).toBeCloseTo(0.1, 1);
  // Pinned: a change of the hash would move questions from test to train.
  expect([0, 1, 2, 3].map((i) => splitLot(`q${i}`).toFixed(6))).toMatchInlineSnapshot(`
    [
      "0.410996",
      "0.884478",
      "0.081491",
      "0.193690",
    ]
  `);
});
