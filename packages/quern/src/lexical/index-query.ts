import type { SaturationParameters } from './saturations.ts';
import type { QueryTerms, SearchPath, SegmentRanking, SegmentSearch } from './segment-search.ts';

/** What all queries of a batch have in common. */
export interface SearchSettings {
  readonly k: number;
  readonly parameters: SaturationParameters;
  /** Of each segment, the numbers of documents that cannot be hits. */
  readonly excluded: readonly (readonly number[])[];
}

/** What one segment is to look for, and how. */
export interface SegmentTask {
  readonly terms: QueryTerms;
  readonly path: SearchPath;
}

/**
 * The best documents of each segment, one segment after the other: what cannot be among the k best of all, for its score,
 * is left out.
 */
export function rankSegments(
  searches: readonly SegmentSearch[],
  tasks: readonly SegmentTask[],
  { k, parameters, excluded }: SearchSettings,
): SegmentRanking[] {
  const rankings: SegmentRanking[] = [];
  let best = new Float32Array(0);
  for (const [i, { terms, path }] of tasks.entries()) {
    const floor = best.length < k ? 0 : best[best.length - k];
    const ranking = searches[i].run({ terms, k, floor, excluded: excluded[i], path, parameters });
    rankings.push(ranking);
    if (i + 1 < tasks.length) best = merged(best, ranking.scores);
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
