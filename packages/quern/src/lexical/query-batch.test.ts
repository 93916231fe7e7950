import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SegmentTask } from './index-query.ts';
import {
  buffersOf,
  packedQueries,
  packedRankings,
  unpackedQueries,
  unpackedRankings,
} from './query-batch.ts';
import type { SegmentRanking } from './segment-search.ts';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const task: fc.Arbitrary<SegmentTask> = fc.record({
  terms: fc.array(fc.tuple(word, fc.double()), { maxLength: 5 }).map((pairs) => ({
    numbers: Uint32Array.from(pairs, ([number]) => number),
    weights: Float64Array.from(pairs, ([, weight]) => weight),
  })),
  path: fc.constantFrom('exhaustive', 'pruned'),
});
const ranking: fc.Arbitrary<SegmentRanking> = fc
  .record({
    documents: fc.array(word, { maxLength: 5 }).map((numbers) => Uint32Array.from(numbers)),
    scores: fc.constant(new Float32Array(0)),
    postingsRead: word,
  })
  .map((each) => ({ ...each, scores: Float32Array.from(each.documents, (number) => number / 3) }));

/** Queries of any number, each with one of `of` for each of so many segments, none included. */
function perSegment<T>(of: fc.Arbitrary<T>): fc.Arbitrary<{ segments: number; queries: T[][] }> {
  return fc.nat(3).chain((segments) =>
    fc.record({
      segments: fc.constant(segments),
      queries: fc.array(fc.array(of, { minLength: segments, maxLength: segments }), { maxLength: 6 }),
    }),
  );
}

it('brings queries to another thread as they are', () => {
  fc.assert(
    fc.property(perSegment(task), ({ segments, queries }) => {
      const parameters = { k1: 0.9, b: 0.4, averageLength: 7 };
      const excluded = Array.from({ length: segments }, (_, i) => [i, 5]);
      const batch = packedQueries(queries, { k: 3, parameters, excluded });
      const received = structuredClone(batch, { transfer: buffersOf(batch) });
      expect(received.settings).toEqual({ k: 3, parameters, excluded });
      expect(unpackedQueries(received)).toEqual(queries);
    }),
  );
});

it('brings rankings back as they are', () => {
  fc.assert(
    fc.property(perSegment(ranking), ({ segments, queries }) => {
      const batch = packedRankings(queries);
      const received = structuredClone(batch, { transfer: buffersOf(batch) });
      expect(unpackedRankings(received, segments)).toEqual(queries);
    }),
  );
});
