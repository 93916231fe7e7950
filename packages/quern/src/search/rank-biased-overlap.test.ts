import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenFile } from '../../test/golden-file.ts';
import { rankBiasedOverlap } from './rank-biased-overlap.ts';

const golden = goldenFile<{ a: string[]; b: string[]; p: number; overlap: number }[]>('overlap/overlap.json');

const ranking = fc.uniqueArray(
  fc.integer({ min: 0, max: 15 }).map((i) => `d${i}`),
  { maxLength: 12 },
);
const persistence = fc.double({ min: 0.3, max: 0.95, noNaN: true });

describe('rank-biased overlap', () => {
  it('is what the package rbo computes for rankings of the same depth', () => {
    expect(golden.length).toBeGreaterThan(100);
    for (const { a, b, p, overlap } of golden) expect(rankBiasedOverlap(a, b, p)).toBeCloseTo(overlap, 12);
  });

  it('is the same from either side, from 0 to 1', () => {
    fc.assert(
      fc.property(ranking, ranking, persistence, (a, b, p) => {
        const overlap = rankBiasedOverlap(a, b, p);
        expect(rankBiasedOverlap(b, a, p)).toBe(overlap);
        expect(overlap).toBeGreaterThanOrEqual(0);
        expect(overlap).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it('is 1 for equal rankings, and below for any others, of other depths too', () => {
    fc.assert(
      fc.property(ranking, ranking, persistence, (a, b, p) => {
        fc.pre(a.length > 0);
        expect(rankBiasedOverlap(a, a, p)).toBeCloseTo(1, 12);
        fc.pre(a.join() !== b.join());
        expect(rankBiasedOverlap(a, b, p)).toBeLessThan(1 - 1e-12);
      }),
    );
  });

  it('is 0 without a common id, and where a ranking is empty', () => {
    expect(rankBiasedOverlap(['a', 'b'], ['c', 'd'], 0.9)).toBe(0);
    expect(rankBiasedOverlap([], ['a'], 0.9)).toBe(0);
    expect(rankBiasedOverlap([], [], 0.9)).toBe(0);
  });

  it('is the lower, the higher the rank at which neighbours change places', () => {
    const ids = [...'abcdefghij'];
    const overlaps = ids.slice(1).map((_, i) => {
      const changed = ids.with(i, ids[i + 1]).with(i + 1, ids[i]);
      return rankBiasedOverlap(ids, changed, 0.9);
    });
    expect(overlaps).toEqual(overlaps.toSorted((a, b) => a - b));
    expect(new Set(overlaps.map((overlap) => overlap.toFixed(9))).size).toBe(9);
  });
});
