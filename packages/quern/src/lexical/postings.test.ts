import { describe, expect, it } from 'vitest';
import { Impacts, type PostingColumns } from './postings.ts';

// Three documents of 4, 2 and 0 tokens: term 0 is in both others (tf 3 and 2), term 1 in the first (tf 1).
const columns: PostingColumns = {
  offsets: Uint32Array.of(0, 2, 3),
  documents: Int32Array.of(0, 1, 0),
  frequencies: Uint8Array.of(3, 2, 1),
  lengths: Uint32Array.of(4, 2, 0),
};
const statistics = { documentsWithTerms: 2, averageLength: 3 };

describe('Impacts', () => {
  it('are idf times saturation of each posting, by hand', () => {
    const impacts = new Impacts(columns, statistics, { k1: 1, b: 0.5 });
    impacts.prepare(0);
    impacts.prepare(1);
    expect(impacts.weights[0]).toBeCloseTo((Math.log(3 / 2.5) * 3) / (3 + (0.5 + (0.5 * 4) / 3)), 12);
    expect(impacts.weights[1]).toBeCloseTo((Math.log(3 / 2.5) * 2) / (2 + (0.5 + (0.5 * 2) / 3)), 12);
    expect(impacts.weights[2]).toBeCloseTo(Math.log(3 / 1.5) / (1 + (0.5 + (0.5 * 4) / 3)), 12);
  });

  it('are computed for the terms that were asked for, and for those only', () => {
    const impacts = new Impacts(columns, statistics, { k1: 0.9, b: 0.4 });
    impacts.prepare(1);
    impacts.prepare(1);
    expect(Array.from(impacts.weights, (weight) => weight > 0)).toEqual([false, false, true]);
  });
});
