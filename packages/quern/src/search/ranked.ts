import type { Hit } from '../collections/records.ts';
import { fusedRankings, type Fusion } from './fusion.ts';
import { fusionDepth, HybridRetriever } from './hybrid-retriever.ts';
import type { Retriever, SearchOptions } from './retriever.ts';
import type { RetrievedWith } from './searches.ts';

/** What searches found. */
export interface Ranked {
  /** How many hits each search was asked for. */
  readonly depth: number;
  /** The ranking of each search; the hits, unless several were fused. */
  readonly rankings: readonly (readonly Hit[])[];
  /** How several rankings were fused, and how much each counted; absent where there is one. */
  readonly fused?: { readonly by: Fusion; readonly weights: readonly number[] };
  readonly hits: readonly Hit[];
}

/**
 * The k best documents of searches, of which several are fused: as a hybrid says, the searches of one of its parts sharing the
 * part's weight, else by reciprocal ranks; what is fused is 1,000 deep, so there may be fewer than k. Throws what the retriever throws.
 */
export async function rankedBy(
  searches: readonly RetrievedWith[],
  retriever: Retriever,
  options: SearchOptions,
): Promise<Ranked> {
  const isFused = searches.length > 1;
  const depth = isFused ? fusionDepth : options.k;
  const rankings = await Promise.all(
    searches.map((search) => {
      const { weights, text = '' } = search;
      return searcherOf(search, retriever).search(weights ?? text, { ...options, k: depth });
    }),
  );
  if (!isFused) return { depth, rankings, hits: rankings[0] };
  const by = retriever instanceof HybridRetriever ? retriever.fusion : 'rrf';
  const weights = searches.map((search) => weightOf(search, searches, retriever));
  const weighted = rankings.map((hits, i) => ({ hits, weight: weights[i] }));
  return { depth, rankings, fused: { by, weights }, hits: fusedRankings(weighted, by, options.k) };
}

/** Who does a search: the part of a hybrid that it is for, else the retriever. */
export function searcherOf({ part }: Pick<RetrievedWith, 'part'>, retriever: Retriever): Retriever {
  return part !== undefined && retriever instanceof HybridRetriever
    ? retriever.parts[part].retriever
    : retriever;
}

function weightOf({ part }: RetrievedWith, searches: readonly RetrievedWith[], retriever: Retriever): number {
  if (part === undefined || !(retriever instanceof HybridRetriever)) return 1;
  return retriever.parts[part].weight / searches.filter((other) => other.part === part).length;
}
