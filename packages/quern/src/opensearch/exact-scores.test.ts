import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inverseDocumentFrequency, lengthNorm, saturation } from '../lexical/bm25.ts';
import { exactRanking, exactShares, lengthInOneByte, type Candidate } from './exact-scores.ts';

const statistics = { documentsWithTerms: 1e6, averageLength: 180 };
const parameters = { k1: 0.9, b: 0.4 };
const scoring = {
  weights: new Map([['harbour', 1.7]]),
  documentFrequency: () => 321,
  statistics,
  parameters,
};

/** A term's part of a score as Lucene computes it, in 32-bit floats. */
function luceneScore(frequency: number, tokens: number): number {
  const weight = Math.fround(1.7 * inverseDocumentFrequency(1e6, 321));
  const norm = Math.fround(1 / Math.fround(lengthNorm(lengthInOneByte(tokens), 180, parameters)));
  return Math.fround(weight - Math.fround(weight / Math.fround(1 + Math.fround(frequency * norm))));
}

function candidate(id: string, frequency: number, tokens: number): Candidate {
  const score = luceneScore(frequency, tokens);
  return { id, score, tokens, parts: { harbour: score } };
}

describe('lengthInOneByte', () => {
  it('has the values of Lucene’s SmallFloat', () => {
    const known = [0, 1, 23, 24, 39, 40, 41, 42, 55, 56, 57, 60, 88, 100, 150, 1000, 1_000_000];
    expect(known.map(lengthInOneByte)).toEqual([
      0, 1, 23, 24, 39, 40, 40, 42, 54, 56, 56, 60, 88, 96, 144, 984, 983_064,
    ]);
  });

  it('takes 256 values at most, none above the length, none below it by more than an eighth', () => {
    const values = new Set<number>();
    for (let tokens = 0; tokens < 200_000; tokens++) {
      const value = lengthInOneByte(tokens);
      values.add(value);
      expect(value <= tokens && value > tokens * (7 / 8) - 1).toBe(true);
    }
    expect(values.size).toBeLessThan(256);
  });
});

describe('exact scores', () => {
  it('come back from Lucene’s for any frequency and length', () => {
    const frequencies = fc.integer({ min: 1, max: 500 });
    fc.assert(
      fc.property(frequencies, fc.integer({ min: 0, max: 100_000 }), (frequency, more) => {
        const tokens = frequency + more;
        const parts = { harbour: luceneScore(frequency, tokens) };
        const shares = exactShares({ id: 'd', score: parts.harbour, tokens, parts }, scoring);
        const idf = inverseDocumentFrequency(1e6, 321);
        const exact = 1.7 * idf * saturation(frequency, lengthNorm(tokens, 180, parameters));
        expect(shares.get('harbour')).toBe(exact);
        expect(parts.harbour).toBeGreaterThanOrEqual(exact * (1 - 1e-6));
      }),
    );
  });

  it('are proven to be the best only where no other document can be as good', () => {
    const close = [candidate('long', 3, 111), candidate('short', 3, 96)];
    const ranked = exactRanking(close, scoring, { k: 1, areAll: false });
    expect(ranked.hits.map(({ id, rank }) => [id, rank])).toEqual([['short', 1]]);
    expect(ranked.isProven).toBe(false);
    expect(exactRanking(close, scoring, { k: 1, areAll: true }).isProven).toBe(true);
    const far = [...close, candidate('other', 1, 400)];
    expect(exactRanking(far, scoring, { k: 2, areAll: false })).toMatchObject({
      isProven: true,
      hits: [{ id: 'short' }, { id: 'long' }],
    });
  });
});
