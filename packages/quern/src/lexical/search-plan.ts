import { blockSize } from './search-memory.ts';
import type { SearchPath } from './segment-search.ts';

/** What the choice of a path depends on. */
export interface PlannedSearch {
  readonly k: number;
  /** Documents of the segment, the deleted ones too. */
  readonly documents: number;
  /** Terms of the query that the segment has. */
  readonly terms: number;
  /** Their postings. */
  readonly postings: number;
}

/** How a segment is searched for a query, and why so. */
export interface SegmentPlan extends Omit<PlannedSearch, 'k'> {
  readonly path: SearchPath;
  readonly reason: string;
}

/** How an index is searched for a query. */
export interface SearchPlan {
  /** Each segment's, the largest first. */
  readonly segments: readonly SegmentPlan[];
}

/**
 * Of so many documents at most one is to be found: less is left out for the sake of more hits. In small segments there is
 * less to leave out, and what was found in one block does not help in the next.
 */
const documentsPerHit = 400;
const documentsPerHitOfFew = 1500;
/** So many postings a document make it worth leaving some out. */
const postingsPerDocument = 1 / 4;
const postingsPerDocumentOfFew = 3;
/** Up to so many documents are few. */
const fewDocuments = 4 * blockSize;

/**
 * The path for a search of a segment, chosen by what `bench/lexical.ts` measured; `path`, where given, is taken instead.
 * Pruning pays where few hits are to be found among many documents, and where there are postings to leave out.
 */
export function plannedSegment(search: PlannedSearch, path?: SearchPath): SegmentPlan {
  const { k, documents, terms, postings } = search;
  const plan = (taken: SearchPath, reason: string): SegmentPlan => ({
    path: taken,
    reason,
    documents,
    terms,
    postings,
  });
  if (path !== undefined) return plan(path, 'asked for');
  const perHit = documents <= fewDocuments ? documentsPerHitOfFew : documentsPerHit;
  if (k * perHit > documents) return plan('exhaustive', `fewer than ${perHit} documents a hit`);
  const perDocument = documents <= fewDocuments ? postingsPerDocumentOfFew : postingsPerDocument;
  if (postings < perDocument * documents) return plan('exhaustive', 'few postings to leave out');
  return plan('pruned', 'few hits among many documents');
}
