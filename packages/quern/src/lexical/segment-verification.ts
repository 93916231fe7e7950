import type { IndexFile } from './index-file.ts';
import { lowerBound } from './lower-bound.ts';
import { rareCode } from './posting-codes.ts';
import { rareRange } from './saturations.ts';
import type { SearchColumns } from './search-columns.ts';
import { vectorWords, visitRecords } from './section-records.ts';

/**
 * Holds the columns of a segment against each other, in one pass: postings ascend, each one's code is of its document's
 * length or it stands in the rare lists, which have no other, and its frequencies make up that length. Throws
 * `CORRUPT_FILE` naming the section that does not agree with those before it.
 */
export function verifyPostings(file: IndexFile, columns: SearchColumns): void {
  const { offsets, documents, codes, codeFrequencies, codeLengths, lengths } = columns;
  const { rareTerms, rareDocuments, rareFrequencies } = columns;
  const tokens = new Float64Array(lengths.length);
  let rare = 0;
  for (let term = 0; term + 1 < offsets.length; term++) {
    let last = -1;
    for (let i = offsets[term]; i < offsets[term + 1]; i++) {
      if (documents[i] <= last || documents[i] >= lengths.length) {
        throw file.corrupt('posting-documents', `posting ${i} is out of order`);
      }
      last = documents[i];
      if (codes[i] !== rareCode) {
        if (codeLengths[codes[i]] !== lengths[last]) {
          throw file.corrupt('posting-codes', `posting ${i} has the code of another length`);
        }
        tokens[last] += codeFrequencies[codes[i]];
        continue;
      }
      // The rare lists have the order of the postings, so the next entry must be this posting's.
      if (rareTerms[rare] !== term)
        throw file.corrupt('rare-terms', `lacks posting ${i}, or is out of order`);
      if (rareDocuments[rare] !== last) {
        throw file.corrupt('rare-documents', `lacks posting ${i}, or is out of order`);
      }
      if (rareFrequencies[rare] === 0) throw file.corrupt('rare-frequencies', 'has a frequency of 0');
      tokens[last] += rareFrequencies[rare++];
    }
  }
  if (rare < rareTerms.length) throw file.corrupt('rare-terms', 'has entries that are of no posting');
  const other = tokens.findIndex((sum, document) => sum !== lengths[document]);
  if (other >= 0) {
    const what = `document ${other} has ${tokens[other]} tokens in its postings, not ${lengths[other]}`;
    throw file.corrupt('document-lengths', what);
  }
}

/**
 * Holds the documents' vectors, whose records are at `places`, against the postings: they say the same, term by term.
 * Throws `CORRUPT_FILE` naming `vectors`. The columns have been verified.
 */
export async function verifyVectors(
  file: IndexFile,
  columns: SearchColumns,
  places: Float64Array,
): Promise<void> {
  const { offsets, documents } = columns;
  /** The first posting of each term that no vector has had yet. */
  const next = offsets.slice(0, -1);
  let entries = 0;
  await visitRecords(file, 'vectors', places, everyDocument(columns), (record, document) => {
    const words = vectorWords(file, record, document);
    const size = words[0];
    for (let i = 1; i <= size; i++) {
      const term = words[i];
      const posting = next[term]++;
      const isSame =
        posting < offsets[term + 1] &&
        documents[posting] === document &&
        frequencyOf(columns, term, posting) === words[i + size];
      if (!isSame) throw file.corrupt('vectors', `record ${document} is not what the postings say`);
    }
    entries += size;
  });
  if (entries < documents.length) throw file.corrupt('vectors', 'lacks terms that the postings have');
}

/** Reads the stored documents, whose records are at `places`, and verifies each one's checksum; throws `CORRUPT_FILE`. */
export function verifyStore(file: IndexFile, columns: SearchColumns, places: Float64Array): Promise<void> {
  return visitRecords(file, 'store', places, everyDocument(columns), () => undefined);
}

function everyDocument({ lengths }: SearchColumns): Uint32Array {
  return Uint32Array.from(lengths.keys());
}

function frequencyOf(columns: SearchColumns, term: number, posting: number): number {
  const { codes, codeFrequencies, documents, rareDocuments, rareFrequencies } = columns;
  if (codes[posting] !== rareCode) return codeFrequencies[codes[posting]];
  const [from, to] = rareRange(columns, term);
  return rareFrequencies[lowerBound(rareDocuments, from, to, documents[posting])];
}
