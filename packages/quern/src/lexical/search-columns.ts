import type { SharedMemory } from './web-assembly.ts';

/**
 * What a search reads of a segment: typed arrays in its shared memory. Sent to another thread, they are the same memory.
 */
export interface SearchColumns {
  readonly memory: SharedMemory;
  /** Places where each term's postings start; T + 1 of them. */
  readonly offsets: Uint32Array;
  /** Ascending document numbers within a term. */
  readonly documents: Int32Array;
  /** The postings' codes; see `posting-codes.ts`. */
  readonly codes: Uint16Array;
  /** The term frequency and the document length of each code. */
  readonly codeFrequencies: Uint32Array;
  readonly codeLengths: Uint32Array;
  /** The postings without a code of their own, ascending by term and document. */
  readonly rareTerms: Uint32Array;
  readonly rareDocuments: Uint32Array;
  readonly rareFrequencies: Uint32Array;
  /** The terms that many documents have, ascending, and where the code of document 0 lies once it lies by document, else 0. */
  readonly denseTerms: Uint32Array;
  readonly denseCodes: Uint32Array;
  /** Tokens of each document. */
  readonly lengths: Uint32Array;
  /** Document numbers in ascending byte order of ids, and its inverse. */
  readonly order: Uint32Array;
  readonly places: Uint32Array;
  /** Numbers of the deleted documents, ascending. */
  readonly deleted: Uint32Array;
}
