import type { Hit } from '../collections/records.ts';
import { reciprocalRankFusion } from './fusion.ts';
import type { Retriever, SearchOptions } from './retriever.ts';
import type { RetrievedWith } from './searches.ts';

/** How deep the rankings are that are fused, whatever k: the fused order must not depend on where it is cut. */
const fusionDepth = 1000;

/** What searches found. */
export interface Ranked {
  /** How many hits each search was asked for. */
  readonly depth: number;
  /** The ranking of each search; the hits, unless several were fused. */
  readonly rankings: readonly (readonly Hit[])[];
  readonly hits: readonly Hit[];
}

/** The k best documents of searches, of which several are fused by reciprocal ranks. Throws what the retriever throws. */
export async function rankedBy(
  searches: readonly RetrievedWith[],
  retriever: Retriever,
  options: SearchOptions,
): Promise<Ranked> {
  const isFused = searches.length > 1;
  const depth = isFused ? fusionDepth : options.k;
  const rankings: Hit[][] = [];
  for (const { weights, text = '' } of searches) {
    rankings.push(await retriever.search(weights ?? text, { ...options, k: depth }));
  }
  return { depth, rankings, hits: isFused ? reciprocalRankFusion(rankings, options.k) : rankings[0] };
}
