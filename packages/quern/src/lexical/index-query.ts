import type {
  QueryTerms,
  SaturationParameters,
  SearchPath,
  SegmentRanking,
  SegmentSearch,
} from './segment-search.ts';

/** A query as the segments of an index take it; plain data, which can be sent to another thread. */
export interface IndexQuery {
  readonly k: number;
  readonly parameters: SaturationParameters;
  /** Of each segment. */
  readonly segments: readonly {
    readonly terms: QueryTerms;
    /** Numbers of documents that cannot be hits. */
    readonly excluded: readonly number[];
    readonly path: SearchPath;
  }[];
}

/**
 * The best documents of each segment, one segment after the other: what cannot be among the k best of all, for its score,
 * is left out.
 */
export function rankSegments(
  searches: readonly SegmentSearch[],
  { k, parameters, segments }: IndexQuery,
): SegmentRanking[] {
  const rankings: SegmentRanking[] = [];
  let best = new Float32Array(0);
  for (const [i, { terms, excluded, path }] of segments.entries()) {
    const floor = best.length < k ? 0 : best[best.length - k];
    const ranking = searches[i].run({ terms, k, floor, excluded, path, parameters });
    rankings.push(ranking);
    if (i + 1 < segments.length) best = merged(best, ranking.scores);
  }
  return rankings;
}

/** All scores, ascending. */
function merged(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const scores = new Float32Array(a.length + b.length);
  scores.set(a);
  scores.set(b, a.length);
  return scores.sort();
}
