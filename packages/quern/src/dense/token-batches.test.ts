import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { tokenBatches } from './token-batches.ts';

const sequences = fc.array(
  fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }).map((ids) => Int32Array.from(ids)),
  { maxLength: 40 },
);

it('every sequence is in one batch, none of which is over the limits but for a sequence alone', () => {
  fc.assert(
    fc.property(
      sequences,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 6 }),
      (all, area, most) => {
        const batches = tokenBatches(all, { area, sequences: most });
        expect(batches.flat().sort((a, b) => a - b)).toEqual(all.map((_, i) => i));
        for (const batch of batches) {
          const longest = Math.max(...batch.map((i) => all[i].length));
          expect(batch.length).toBeLessThanOrEqual(most);
          expect(batch.length === 1 || batch.length * longest <= area).toBe(true);
        }
      },
    ),
  );
});

it('what is in a batch does not depend on the order in which sequences come', () => {
  fc.assert(
    fc.property(sequences, (all) => {
      const limits = { area: 24, sequences: 4 };
      const contents = (list: readonly Int32Array[]): string[] =>
        tokenBatches(list, limits).map((batch) => batch.map((i) => list[i].join(' ')).join('|'));
      expect(contents(all.toReversed())).toEqual(contents(all));
    }),
  );
});

it('padding is little: batches go from the longest to the shortest', () => {
  const all = [1, 9, 2, 8, 1, 9].map((length) => new Int32Array(length));
  const batches = tokenBatches(all, { area: 18, sequences: 8 });
  expect(batches.map((batch) => batch.map((i) => all[i].length))).toEqual([
    [9, 9],
    [8, 2],
    [1, 1],
  ]);
});
