import { inverseDocumentFrequency, lengthNorm, saturation } from './bm25.ts';
import type { Bm25Parameters, CorpusStatistics } from './bm25.ts';

/** The inverted file: compressed columns, one stretch a term. */
export interface PostingColumns {
  /** Places where each term's postings start; T + 1 of them. */
  readonly offsets: Uint32Array;
  /** Ascending document numbers within a term; signed, as V8 subtracts signed numbers faster. */
  readonly documents: Int32Array;
  readonly frequencies: Uint8Array | Uint16Array | Uint32Array;
  /** Tokens of each document. */
  readonly lengths: Uint32Array;
}

/**
 * The document weights `w(t,d) = idf(t) · saturation(tf, |d|)` of all postings for one choice of parameters, beside the
 * columns of the inverted file: 8 bytes a posting and 8 a document of memory from the first search on. A term's weights are
 * computed when it is first asked for, so opening an index computes nothing, and one search pays for its own terms.
 */
export class Impacts {
  readonly parameters: Bm25Parameters;
  /** One weight a posting; valid for the terms that were made ready. */
  readonly weights: Float64Array;
  readonly #ready: Uint8Array;
  readonly #norms: Float64Array;
  readonly #columns: PostingColumns;
  readonly #statistics: CorpusStatistics;

  constructor(columns: PostingColumns, statistics: CorpusStatistics, parameters: Bm25Parameters) {
    this.parameters = parameters;
    this.#columns = columns;
    this.#statistics = statistics;
    this.weights = new Float64Array(columns.documents.length);
    this.#ready = new Uint8Array(columns.offsets.length - 1);
    this.#norms = Float64Array.from(columns.lengths, (length) =>
      lengthNorm(length, statistics.averageLength, parameters),
    );
  }

  /** Makes the weights of a term's postings ready. */
  prepare(term: number): void {
    if (this.#ready[term]) return;
    const { offsets, documents, frequencies } = this.#columns;
    const [from, to] = [offsets[term], offsets[term + 1]];
    const idf = inverseDocumentFrequency(this.#statistics.documentsWithTerms, to - from);
    for (let i = from; i < to; i++) {
      this.weights[i] = idf * saturation(frequencies[i], this.#norms[documents[i]]);
    }
    this.#ready[term] = 1;
  }
}
