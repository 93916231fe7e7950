import type { Hit, TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { checkParameters, defaultBm25Parameters, queryWeights } from './bm25.ts';
import type { Bm25Parameters, CorpusStatistics, Scoring } from './bm25.ts';
import { DocumentIds } from './document-ids.ts';
import { ExhaustiveSearch, type QueryTerm } from './exhaustive-search.ts';
import { IndexFile } from './index-file.ts';
import type { IndexFacts } from './index-format.ts';
import { Impacts, type PostingColumns } from './postings.ts';
import { TermDictionary } from './term-dictionary.ts';
import { TopDocuments } from './top-documents.ts';

/** How one search is done. */
export interface LexicalSearchOptions {
  /** How many hits at most. */
  readonly k: number;
  /** Ids of documents that must not appear; unknown ones are ignored. */
  readonly excluded?: Iterable<string>;
  /** The document side's k1 and b. Default 0.9 and 0.4. */
  readonly parameters?: Bm25Parameters;
}

/** A stored document. */
export interface StoredDocument {
  readonly title: string;
  readonly text: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Weights up to this keep every score within the range of a 32-bit float. */
const heaviest = 1e30;

/** An open lexical index. Searching is synchronous and needs no file; vectors and stored documents are read on demand. */
export class LexicalIndex {
  readonly #file: IndexFile;
  readonly #dictionary: TermDictionary;
  readonly #ids: DocumentIds;
  readonly #columns: PostingColumns;
  readonly #vectorOffsets: Float64Array;
  readonly #storeOffsets: Float64Array | undefined;
  /** Of the parameters that were used last. */
  #scorer: { readonly impacts: Impacts; readonly exhaustive: ExhaustiveSearch } | undefined;
  #postingsRead = 0;
  readonly #statistics: CorpusStatistics;

  private constructor(
    file: IndexFile,
    dictionary: TermDictionary,
    ids: DocumentIds,
    columns: PostingColumns,
    vectorOffsets: Float64Array,
    storeOffsets: Float64Array | undefined,
  ) {
    this.#file = file;
    this.#dictionary = dictionary;
    this.#ids = ids;
    this.#columns = columns;
    this.#vectorOffsets = vectorOffsets;
    this.#storeOffsets = storeOffsets;
    const { documentsWithTerms, tokens } = file.table;
    this.#statistics = { documentsWithTerms, averageLength: tokens / Math.max(1, documentsWithTerms) };
  }

  /**
   * Opens the index in `folder`. Throws `NOT_FOUND`, `WRONG_VERSION`, or `CORRUPT_FILE` naming the section whose
   * checksum does not match.
   */
  static async open(folder: string): Promise<LexicalIndex> {
    const file = await IndexFile.open(folder);
    try {
      const { documents, terms, postings } = file.table;
      const termBytes = await file.array('terms', 'u8');
      const dictionary = new TermDictionary(
        termBytes,
        await file.places('term-offsets', 'u32', terms + 1, termBytes.length),
      );
      const idBytes = await file.array('ids', 'u8');
      const ids = new DocumentIds(
        idBytes,
        await file.places('id-offsets', 'f64', documents + 1, idBytes.length),
        await file.array('id-order', 'u32', documents),
      );
      if (ids.order.some((document) => document >= documents)) {
        throw file.corrupt('id-order', 'names a document that the index does not have');
      }
      const columns: PostingColumns = {
        offsets: await file.places('posting-offsets', 'u32', terms + 1, postings),
        documents: await file.array('posting-documents', 'i32', postings),
        frequencies: await file.array('posting-frequencies', 'narrow', postings),
        lengths: await file.array('document-lengths', 'u32', documents),
      };
      checkCounts(file, columns);
      const vectorOffsets = await offsetsOf(file, 'vectors', 'vector-offsets');
      const storeOffsets = file.has('store') ? await offsetsOf(file, 'store', 'store-offsets') : undefined;
      return new LexicalIndex(file, dictionary, ids, columns, vectorOffsets, storeOffsets);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** What the index holds, as its file says. */
  get facts(): IndexFacts {
    const { version: _, sections: __, ...facts } = this.#file.table;
    return facts;
  }

  /** The name of the analyzer that the documents went through. */
  get analyzer(): string {
    return this.#file.table.analyzer;
  }

  /** What the scoring formulas know of the corpus. */
  get statistics(): CorpusStatistics {
    return this.#statistics;
  }

  /** Whether documents were stored for display. */
  get hasStore(): boolean {
    return this.#storeOffsets !== undefined;
  }

  /** Postings read by all searches so far: the work they took. */
  get postingsRead(): number {
    return this.#postingsRead;
  }

  /** Whether the index has a document with this id. */
  has(id: string): boolean {
    return this.#ids.numberOf(id) >= 0;
  }

  /** How many documents have `term`; 0 where none. */
  documentFrequency(term: string): number {
    const number = this.#dictionary.numberOf(term);
    return number < 0 ? 0 : this.#columns.offsets[number + 1] - this.#columns.offsets[number];
  }

  /** The final weights w(t,q) of an analysed query under a scoring; see {@link queryWeights}. */
  queryWeights(terms: Iterable<string>, scoring: Scoring, parameters = defaultBm25Parameters): TermWeights {
    return queryWeights(terms, (term) => this.documentFrequency(term), this.#statistics, scoring, parameters);
  }

  /**
   * The k best documents for final term weights: `score(q,d) = Σ_t w(t,q) · w(t,d)` over the index's terms, summed in
   * double precision in a fixed order and rounded to a 32-bit float (see `compareHits` for why), ties by descending
   * byte order of ids. Documents without any of the terms are not in the ranking. Weights lie between 0 and 1e30;
   * terms of weight 0 and unknown terms have no effect.
   */
  search(
    weights: TermWeights,
    { k, excluded = [], parameters = defaultBm25Parameters }: LexicalSearchOptions,
  ): Hit[] {
    if (!Number.isSafeInteger(k) || k < 1) {
      throw new QuernError('USAGE', `k must be a positive whole number, not ${k}`);
    }
    const terms = this.#queryTerms(weights);
    const top = new TopDocuments(k, this.#ids.places, this.#ids.order);
    const without = Array.from(excluded, (id) => this.#ids.numberOf(id)).filter((document) => document >= 0);
    this.#postingsRead += this.#scorerFor(parameters).exhaustive.run(terms, without, top);
    const { documents, scores } = top.take();
    const hits: Hit[] = [];
    for (let i = 0; i < documents.length; i++) {
      hits.push({ id: this.#ids.id(documents[i]), score: scores[i], rank: i + 1 });
    }
    return hits;
  }

  /** Each matching term's share `w(t,q) · w(t,d)` of a document's score, the largest first. */
  contributions(
    weights: TermWeights,
    id: string,
    parameters = defaultBm25Parameters,
  ): { term: string; queryWeight: number; documentWeight: number; share: number }[] {
    const document = this.#documentNumber(id);
    const { impacts } = this.#scorerFor(parameters);
    const shares = [];
    for (const { term, weight } of this.#queryTerms(weights)) {
      const posting = this.#postingOf(term, document);
      if (posting < 0) continue;
      impacts.prepare(term);
      const documentWeight = impacts.weights[posting];
      shares.push({
        term: this.#dictionary.term(term),
        queryWeight: weight,
        documentWeight,
        share: weight * documentWeight,
      });
    }
    return shares.sort((a, b) => b.share - a.share || (a.term < b.term ? -1 : 1));
  }

  /** The terms of a document and their frequencies, in ascending byte order of terms. Throws `NOT_FOUND`. */
  async vector(id: string): Promise<ReadonlyMap<string, number>> {
    const document = this.#documentNumber(id);
    const record = await this.#file.record(
      'vectors',
      document,
      this.#vectorOffsets[document],
      this.#vectorOffsets[document + 1],
    );
    const words = new Uint32Array(record.buffer, 0, record.byteLength >> 2);
    const size = words[0];
    if (words.length !== 1 + 2 * size) throw this.#file.corrupt('vectors', `record ${document} is malformed`);
    const vector = new Map<string, number>();
    for (let i = 1; i <= size; i++) vector.set(this.#dictionary.term(words[i]), words[i + size]);
    return vector;
  }

  /** A stored document, or undefined where the index was built without storing. Throws `NOT_FOUND`. */
  async document(id: string): Promise<StoredDocument | undefined> {
    const document = this.#documentNumber(id);
    if (!this.#storeOffsets) return undefined;
    const [from, to] = [this.#storeOffsets[document], this.#storeOffsets[document + 1]];
    const record = await this.#file.record('store', document, from, to);
    try {
      return JSON.parse(Buffer.from(record).toString('utf8')) as StoredDocument;
    } catch {
      throw this.#file.corrupt('store', `record ${document} is not JSON`);
    }
  }

  /** Reads the whole file and verifies every checksum; throws `CORRUPT_FILE`. */
  verify(): Promise<void> {
    return this.#file.verify();
  }

  /** Closes the file. Searches still work; reading vectors and stored documents does not. */
  close(): Promise<void> {
    return this.#file.close();
  }

  #documentNumber(id: string): number {
    const number = this.#ids.numberOf(id);
    if (number < 0) throw new QuernError('NOT_FOUND', `the index has no document ${JSON.stringify(id)}`);
    return number;
  }

  #queryTerms(weights: TermWeights): QueryTerm[] {
    const terms: QueryTerm[] = [];
    for (const [text, weight] of weights) {
      if (!(weight >= 0 && weight <= heaviest)) {
        throw new QuernError('BAD_INPUT', `the weight of ${JSON.stringify(text)} is ${weight}`, {
          hint: `Term weights lie between 0 and ${heaviest}`,
        });
      }
      const term = weight > 0 ? this.#dictionary.numberOf(text) : -1;
      if (term >= 0) terms.push({ term, weight });
    }
    return terms.sort((a, b) => a.term - b.term);
  }

  /** The place of a term's posting for a document, or -1. */
  #postingOf(term: number, document: number): number {
    const { offsets, documents } = this.#columns;
    let from = offsets[term];
    let to = offsets[term + 1] - 1;
    while (from <= to) {
      const middle = from + ((to - from) >>> 1);
      if (documents[middle] === document) return middle;
      if (documents[middle] < document) from = middle + 1;
      else to = middle - 1;
    }
    return -1;
  }

  /** What scores with these parameters; only that of the last ones used is kept. */
  #scorerFor(parameters: Bm25Parameters): {
    readonly impacts: Impacts;
    readonly exhaustive: ExhaustiveSearch;
  } {
    const last = this.#scorer?.impacts.parameters;
    if (this.#scorer && last?.k1 === parameters.k1 && last.b === parameters.b) return this.#scorer;
    checkParameters(parameters);
    const impacts = new Impacts(this.#columns, this.#statistics, parameters);
    return (this.#scorer = { impacts, exhaustive: new ExhaustiveSearch(this.#columns, impacts) });
  }
}

/** The places of the documents' records in the section `records`. */
function offsetsOf(file: IndexFile, records: string, name: string): Promise<Float64Array> {
  return file.places(name, 'f64', file.table.documents + 1, file.place(records).bytes);
}

/** Throws `CORRUPT_FILE` unless the table's counts are those of the columns: what the formulas take is then sound. */
function checkCounts(file: IndexFile, { offsets, lengths }: PostingColumns): void {
  let tokens = 0;
  let withTerms = 0;
  for (let i = 0; i < lengths.length; i++) {
    tokens += lengths[i];
    if (lengths[i] > 0) withTerms++;
  }
  const { table } = file;
  if (tokens !== table.tokens || withTerms !== table.documentsWithTerms) {
    throw file.corrupt('document-lengths', 'does not add up to what the table says');
  }
  for (let term = 0; term < table.terms; term++) {
    if (offsets[term + 1] - offsets[term] > withTerms) {
      throw file.corrupt('posting-offsets', `gives term ${term} more postings than there are documents`);
    }
  }
}
