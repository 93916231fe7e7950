/**
 * Which segments are to be merged. Merges of segments of about the same size touch a posting once a tier, so an index
 * of n postings that is filled by many commits costs some n · log n postings of merging, and a search has to look into
 * a few segments a tier.
 */
import { maxSegmentEntries, maxSegmentPostings } from './index-format.ts';

/** What the policy knows of a segment. */
export interface SegmentSize {
  readonly documents: number;
  /** How many of them are deleted. */
  readonly deleted: number;
  /** Postings of those that are not. */
  readonly postings: number;
}

/** So many segments of a tier are merged. */
export const segmentsPerTier = 8;
/** A segment is rewritten when a larger share of its documents than this is deleted. */
export const mostDeleted = 0.3;
/** Segments of up to this many postings are in the lowest tier; each tier above holds eightfold segments. */
const lowestTier = 1 << 16;

/**
 * The places of the segments to be merged into one, ascending; a single one is to be rewritten without its deleted
 * documents. Undefined where all is well. The merged segment has at most `most` postings, and no
 * more documents than a segment may have.
 */
export function segmentsToMerge(
  segments: readonly SegmentSize[],
  most = maxSegmentPostings,
): readonly number[] | undefined {
  const tiers = new Map<number, number[]>();
  for (const [place, { postings }] of segments.entries()) {
    const tier = tierOf(postings);
    tiers.set(tier, [...(tiers.get(tier) ?? []), place]);
  }
  for (const tier of [...tiers.keys()].sort((a, b) => a - b)) {
    const places = tiers.get(tier)!;
    if (places.length < segmentsPerTier) continue;
    const chosen: number[] = [];
    let postings = 0;
    let documents = 0;
    for (const place of places.sort((a, b) => segments[a].postings - segments[b].postings || a - b)) {
      postings += segments[place].postings;
      documents += segments[place].documents - segments[place].deleted;
      if (postings > most || documents > maxSegmentEntries) break;
      chosen.push(place);
    }
    if (chosen.length > 1) return chosen.sort((a, b) => a - b);
  }
  const wasteful = segments.findIndex(({ documents, deleted }) => deleted > mostDeleted * documents);
  return wasteful < 0 ? undefined : [wasteful];
}

function tierOf(postings: number): number {
  let tier = 0;
  for (let size = lowestTier; postings > size; size *= segmentsPerTier) tier++;
  return tier;
}
