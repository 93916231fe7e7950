import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes } from '../byte-order.ts';
import { compareHits } from './ranking-order.ts';

const ids = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', 'é', '\ue000', '\uffee', '𝕏', '\u{10ffff}'),
  maxLength: 6,
});

describe('the order of ids', () => {
  it('is that of their UTF-8 bytes, for any two strings of whole characters', () => {
    fc.assert(
      fc.property(
        fc.oneof(ids, fc.string({ unit: 'binary' })),
        fc.oneof(ids, fc.string({ unit: 'binary' })),
        (a, b) => {
          expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('puts characters beyond U+FFFF last, where code units would not', () => {
    expect(compareBytes('\uff41', '𝕏')).toBeLessThan(0);
    expect(['𝕏', '\uff41'].sort()).toEqual(['𝕏', '\uff41']);
    expect(['𝕏', '\uff41'].sort(compareBytes)).toEqual(['\uff41', '𝕏']);
  });
});

describe('the order of hits', () => {
  it('is by falling score, and by falling bytes of the id among equal scores', () => {
    const hits = [
      { id: 'a', score: 1 },
      { id: 'b', score: 1 },
      { id: 'c', score: 2 },
      { id: 'B', score: 1 },
    ];
    expect(hits.sort(compareHits).map(({ id }) => id)).toEqual(['c', 'b', 'a', 'B']);
  });

  it('takes scores as equal that no 32-bit float tells apart, as trec_eval 9 does', () => {
    expect(compareHits({ id: 'a', score: 1.000_000_02 }, { id: 'b', score: 1.000_000_01 })).toBeGreaterThan(
      0,
    );
    expect(compareHits({ id: 'a', score: 1.000_000_2 }, { id: 'b', score: 1 })).toBeLessThan(0);
  });

  it('is a total order: antisymmetric, transitive, and 0 only for one id and score', () => {
    const hit = fc.record({ id: ids, score: fc.constantFrom(0, -0, 1, 1 + 1e-9, -2.5, 1e30) });
    fc.assert(
      fc.property(hit, hit, hit, (a, b, c) => {
        expect(Math.sign(compareHits(a, b)) + Math.sign(compareHits(b, a))).toBe(0);
        const [first, second, third] = [a, b, c].sort(compareHits) as [typeof a, typeof b, typeof c];
        expect(Math.max(compareHits(first, second), compareHits(second, third))).toBeLessThanOrEqual(0);
        expect(compareHits(first, third)).toBeLessThanOrEqual(0);
        const equal = a.id === b.id && Math.fround(a.score) === Math.fround(b.score);
        expect(compareHits(a, b) === 0).toBe(equal);
      }),
    );
  });
});
