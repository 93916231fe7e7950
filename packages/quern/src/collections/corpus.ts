import type { Warnings } from '../warnings.ts';
import type { Document, TermVector } from './records.ts';

/** A document with the place it was read from (`file:line`, `file (row 12)`, a file's path). */
export interface Placed<T> {
  readonly where: string;
  readonly document: T;
}

interface Documents<T> {
  /** Bytes of the files it is read from, compressed where they are; undefined where that is not known beforehand. */
  readonly bytes?: number;
  /**
   * The documents in the order of the files, read as they are asked for; every call reads from the beginning.
   * `onBytes` is told how many more of {@link bytes} have been read. Duplicate ids are not looked for.
   */
  documents(onBytes?: (count: number) => void): AsyncIterable<Placed<T>>;
}

/** A corpus of texts. */
export interface TextCorpus extends Documents<Document> {
  readonly kind: 'text';
}

/** A corpus of term frequencies, already analysed. */
export interface VectorCorpus extends Documents<TermVector> {
  readonly kind: 'vectors';
  /** The analyzer that made the terms, where it is known: queries must be analysed with the same. */
  readonly analyzer?: string;
}

/** The documents of a collection: texts, or term vectors. */
export type Corpus = TextCorpus | VectorCorpus;

/** Options of what opens corpora and collections. */
export interface CorpusOptions {
  /** Collects what was tolerated, e.g. empty documents. */
  readonly warnings?: Warnings;
  /** Stops the reading with `ABORTED`. */
  readonly signal?: AbortSignal;
}
