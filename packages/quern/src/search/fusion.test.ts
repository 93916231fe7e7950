import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';
import { reciprocalRankFusion } from './fusion.ts';

function rankingOf(ids: readonly string[]): Hit[] {
  return ids.map((id, i) => ({ id, score: ids.length - i, rank: i + 1 }));
}

const someRanking = fc
  .uniqueArray(fc.integer({ min: 0, max: 40 }).map(String), { maxLength: 30 })
  .map(rankingOf);
const all = 1000;

describe('reciprocal rank fusion', () => {
  it('sums 1 / (60 + rank)', () => {
    const fused = reciprocalRankFusion([rankingOf(['a', 'b', 'c']), rankingOf(['c', 'a'])], all);
    expect(fused).toEqual([
      { id: 'a', score: Math.fround(1 / 61 + 1 / 62), rank: 1 },
      { id: 'c', score: Math.fround(1 / 63 + 1 / 61), rank: 2 },
      { id: 'b', score: Math.fround(1 / 62), rank: 3 },
    ]);
  });

  it('goes by ranks, whatever the scores', () => {
    const ranking = [
      { id: 'a', score: -5, rank: 1 },
      { id: 'b', score: -500, rank: 2 },
    ];
    expect(reciprocalRankFusion([ranking], all).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('keeps a ranking that is fused with itself, and one that is fused with nothing', () => {
    fc.assert(
      fc.property(someRanking, (ranking) => {
        const ids = ranking.map(({ id }) => id);
        expect(reciprocalRankFusion([ranking, ranking], all).map(({ id }) => id)).toEqual(ids);
        expect(reciprocalRankFusion([ranking, []], all).map(({ id }) => id)).toEqual(ids);
      }),
    );
  });

  it('does not depend on the order of two rankings', () => {
    fc.assert(
      fc.property(someRanking, someRanking, (a, b) => {
        expect(reciprocalRankFusion([b, a], all)).toEqual(reciprocalRankFusion([a, b], all));
      }),
    );
  });

  it('yields every document once, in the order of rankings, and cuts at k', () => {
    fc.assert(
      fc.property(someRanking, someRanking, fc.integer({ min: 1, max: 50 }), (a, b, k) => {
        const fused = reciprocalRankFusion([a, b], all);
        const ids = new Set([...a, ...b].map(({ id }) => id));
        expect(new Set(fused.map(({ id }) => id))).toEqual(ids);
        expect(fused.length).toBe(ids.size);
        expect(fused.toSorted(compareHits)).toEqual(fused);
        expect(fused.map(({ rank }) => rank)).toEqual(fused.map((_, i) => i + 1));
        expect(reciprocalRankFusion([a, b], k)).toEqual(fused.slice(0, k));
      }),
    );
  });

  it('orders ties by descending id', () => {
    const fused = reciprocalRankFusion([rankingOf(['a', 'b']), rankingOf(['b', 'a'])], all);
    expect(fused.map(({ id }) => id)).toEqual(['b', 'a']);
  });
});
