import { blockSize, type SearchPath } from './segment-search.ts';

/** What the choice of a path depends on. */
export interface PlannedSearch {
  readonly k: number;
  /** Documents of the segment. */
  readonly documents: number;
  /** Postings of the query's terms. */
  readonly postings: number;
}

/** Blocks below which pruning has no time to pay. */
const fewestBlocks = 4;

/**
 * The path for a search of a segment: the pruned one where there are enough blocks after the first, whose scores give it
 * something to prune by, postings to save, and few hits to find among many documents; measured in `bench/lexical.ts`.
 */
export function plannedPath({ k, documents, postings }: PlannedSearch): SearchPath {
  if (documents < fewestBlocks * blockSize) return 'exhaustive';
  if (postings < documents) return 'exhaustive';
  return k * 100 <= documents ? 'pruned' : 'exhaustive';
}
