import { QuernError } from '../errors.ts';
import type { Deletions } from './deletions.ts';
import type { IndexFile } from './index-file.ts';

/** The terms of a segment as they lie in its file, and how many living documents have each. */
export interface SegmentTerms {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly documentFrequencies: Uint32Array;
}

/** The terms of several segments that living documents have, in byte order. */
export interface MergedTerms {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  readonly documentFrequencies: Uint32Array;
  /** Per segment: the number here of each of its terms, or {@link noTerm}; ascending but for that. */
  readonly numbers: readonly Uint32Array[];
}

/** The number of a term that no living document has. */
export const noTerm = 0xffff_ffff;

/** Reads the terms of a segment. Throws `CORRUPT_FILE`. */
export async function segmentTerms(file: IndexFile, deletions: Deletions | undefined): Promise<SegmentTerms> {
  const { terms, postings } = file.table;
  const bytes = await file.array('terms', 'u8');
  const offsets = await file.places('term-offsets', 'u32', terms + 1, bytes.length);
  const places = await file.places('posting-offsets', 'u32', terms + 1, postings);
  const documentFrequencies = new Uint32Array(terms);
  for (let term = 0; term < terms; term++) documentFrequencies[term] = places[term + 1] - places[term];
  deletions?.terms.forEach((term, i) => {
    if (deletions.documentFrequencies[i] > documentFrequencies[term]) {
      throw file.corrupt('posting-offsets', `gives term ${term} fewer postings than were deleted`);
    }
    documentFrequencies[term] -= deletions.documentFrequencies[i];
  });
  return { bytes, offsets, documentFrequencies };
}

/** Merges the sorted terms of segments. Throws `BAD_INPUT` where they exceed what 32-bit places can reach. */
export function mergeTerms(segments: readonly SegmentTerms[]): MergedTerms {
  const sources = segments.map(({ bytes, offsets, documentFrequencies }) => ({
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offsets,
    documentFrequencies,
    numbers: new Uint32Array(documentFrequencies.length).fill(noTerm),
    next: firstLiving(documentFrequencies, 0),
  }));
  let atMost = 0;
  let mostBytes = 0;
  for (const { bytes, documentFrequencies } of sources) {
    atMost += documentFrequencies.length;
    mostBytes += bytes.length;
  }
  const bytes = Buffer.alloc(mostBytes);
  const offsets = new Float64Array(atMost + 1);
  const documentFrequencies = new Uint32Array(atMost);
  let merged = 0;
  for (;;) {
    // Segments are few, so the least of their next terms is looked for one by one.
    let least: (typeof sources)[number] | undefined;
    let start = 0;
    let end = 0;
    for (const source of sources) {
      const { next } = source;
      if (next === source.documentFrequencies.length) continue;
      const [from, to] = [source.offsets[next], source.offsets[next + 1]];
      if (!least || source.bytes.compare(least.bytes, start, end, from, to) < 0) {
        [least, start, end] = [source, from, to];
      }
    }
    if (!least) break;
    const place = offsets[merged];
    least.bytes.copy(bytes, place, start, end);
    offsets[merged + 1] = place + end - start;
    for (const source of sources) {
      const { next } = source;
      if (next === source.documentFrequencies.length) continue;
      const [from, to] = [source.offsets[next], source.offsets[next + 1]];
      if (source.bytes.compare(bytes, place, place + end - start, from, to) !== 0) continue;
      source.numbers[next] = merged;
      documentFrequencies[merged] += source.documentFrequencies[next];
      source.next = firstLiving(source.documentFrequencies, next + 1);
    }
    merged++;
  }
  if (offsets[merged] > noTerm) throw new QuernError('BAD_INPUT', 'the terms of the segments exceed 4 GiB');
  return {
    bytes: bytes.subarray(0, offsets[merged]),
    offsets: Uint32Array.from(offsets.subarray(0, merged + 1)),
    documentFrequencies: documentFrequencies.subarray(0, merged),
    numbers: sources.map(({ numbers }) => numbers),
  };
}

/** The first term from `term` on that a living document has, or the number of terms. */
function firstLiving(documentFrequencies: Uint32Array, term: number): number {
  while (term < documentFrequencies.length && documentFrequencies[term] === 0) term++;
  return term;
}
