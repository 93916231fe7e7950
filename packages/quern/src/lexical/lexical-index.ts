import { availableParallelism } from 'node:os';
import { compareHits } from '../collections/ranking-order.ts';
import type { Hit, TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { checkParameters, defaultBm25Parameters, queryWeights } from './bm25.ts';
import type { Bm25Parameters, CorpusStatistics, Scoring } from './bm25.ts';
import type { IndexFacts } from './index-format.ts';
import { GrowingSearch } from './growing-search.ts';
import { LocatedWeights } from './located-weights.ts';
import { openSnapshot, type IndexState, type Manifest } from './manifest.ts';
import { openSegmentFiles } from './segment-files.ts';
import { plannedSegment, type SearchPlan, type SegmentPlan } from './search-plan.ts';
import { checkWeight, segmentTerms } from './query-terms.ts';
import { rankSegments, type SearchSettings, type SegmentTask } from './index-query.ts';
import { SearchThreads, type PlannedQuery } from './search-threads.ts';
import { searchPaths, type SearchPath, type SegmentRanking, type SegmentSearch } from './segment-search.ts';
import { Segment, type StoredDocument } from './segment.ts';
import { TermLookup } from './term-statistics.ts';

/** More threads than these on each core are not started: each has working memory of its own. */
const threadsPerCore = 4;

export type { StoredDocument } from './segment.ts';

/** How one search is done. */
export interface LexicalSearchOptions {
  /** How many hits at most. */
  readonly k: number;
  /** Ids of documents that must not appear; unknown ones are ignored. */
  readonly excluded?: Iterable<string>;
  /** The document side's k1 and b. Default 0.9 and 0.4. */
  readonly parameters?: Bm25Parameters;
  /** The path to take; chosen by the planner when not given. The hits are the same on either. */
  readonly path?: SearchPath;
}

/** How a batch of searches is done. */
export interface BatchSearchOptions extends LexicalSearchOptions {
  /**
   * How many threads search. Default: as many as the machine runs at once; at most four times as many. They stay, with their
   * working memory, until the index is closed.
   */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/**
 * An open lexical index: a snapshot of it, which stays as it is while others write to the index. Searching is synchronous
 * and needs no file; vectors and stored documents are read on demand.
 */
export class LexicalIndex {
  /** The name of the analyzer that the documents went through. */
  readonly analyzer: string;
  /** Whether documents were stored for display. */
  readonly hasStore: boolean;
  /** What the scoring formulas know of the corpus. */
  readonly statistics: CorpusStatistics;
  /** Which state of the index it is a snapshot of. */
  readonly state: IndexState;
  /** The largest first: its k-th score lets the others leave out the most. */
  readonly #segments: readonly Segment[];
  readonly #searches: readonly SegmentSearch[];
  readonly #lookup: TermLookup;
  #threads: SearchThreads | undefined;
  #facts: IndexFacts | undefined;
  #postingsRead = 0;
  #isClosed = false;

  private constructor(segments: readonly Segment[], { analyzer, stored, ...manifest }: Manifest) {
    const { generation, content, previousContent } = manifest;
    this.state = { generation, content, previousContent };
    this.hasStore = stored;
    this.#segments = segments.toSorted((a, b) => b.documents - a.documents);
    this.#searches = this.#segments.map(({ search }) => search);
    this.analyzer = analyzer;
    let documentsWithTerms = 0;
    let tokens = 0;
    for (const { table, deletions } of segments) {
      documentsWithTerms += table.documentsWithTerms - (deletions?.documentsWithTerms ?? 0);
      tokens += table.tokens - (deletions?.tokens ?? 0);
    }
    this.statistics = { documentsWithTerms, averageLength: tokens / Math.max(1, documentsWithTerms) };
    this.#lookup = new TermLookup(this.#segments, documentsWithTerms);
  }

  /**
   * Opens the index in `folder`. Throws `NOT_FOUND`, `WRONG_VERSION`, or `CORRUPT_FILE` naming the section whose
   * checksum does not match or the file that is missing.
   */
  static async open(folder: string): Promise<LexicalIndex> {
    return openSnapshot(folder, async (manifest) => {
      const segments: Segment[] = [];
      try {
        for (const entry of manifest.segments) {
          segments.push(await Segment.load(await openSegmentFiles(folder, entry, manifest)));
        }
        return new LexicalIndex(segments, manifest);
      } catch (error) {
        for (const segment of segments) await segment.close();
        throw error;
      }
    });
  }

  /** What the index holds: its live documents and their terms. */
  get facts(): IndexFacts {
    return (this.#facts ??= factsOf(this.#segments, this.analyzer));
  }

  /** Postings read by all searches so far: the work they took. */
  get postingsRead(): number {
    return this.#postingsRead;
  }

  /** Whether the index has a document with this id. */
  has(id: string): boolean {
    this.#checkOpen();
    return this.#segments.some((segment) => segment.documentNumber(id) >= 0);
  }

  /** How many documents have `term`; 0 where none. */
  documentFrequency(term: string): number {
    return this.#lookup.of(term).documentFrequency;
  }

  /** The final weights w(t,q) of an analysed query under a scoring; see {@link queryWeights}. */
  queryWeights(terms: Iterable<string>, scoring: Scoring, parameters = defaultBm25Parameters): TermWeights {
    const frequency = (term: string): number => this.documentFrequency(term);
    const weights = queryWeights(terms, frequency, this.statistics, scoring, parameters);
    const located = segmentTerms(weights, this.#lookup, this.#segments.length);
    return new LocatedWeights(weights, this.#lookup, located);
  }

  /**
   * The k best documents for final term weights: `score(q,d) = Σ_t w(t,q) · w(t,d)` over the index's terms, summed in
   * double precision in a fixed order and rounded to a 32-bit float (see `compareHits` for why), ties by descending
   * byte order of ids. Documents without any of the terms are not in the ranking. Weights lie between 0 and 1e30;
   * terms of weight 0 and unknown terms have no effect.
   */
  search(weights: TermWeights, options: LexicalSearchOptions): Hit[] {
    const settings = this.#settings(options);
    const { tasks } = this.#planned(weights, options);
    return this.#hits(rankSegments(this.#searches, tasks, settings), options.k);
  }

  /**
   * The hits of many queries, one query's after the other, each as {@link search} finds them, found on several threads that
   * share the index's memory. It is only a few batches ahead of its caller, so it takes little memory however many queries
   * there are; they must stay as they are until it is done. Throws as `search` does, `ABORTED`, and `IO` where a thread fails.
   */
  async *searchEach(
    queries: readonly TermWeights[],
    options: BatchSearchOptions,
  ): AsyncGenerator<Hit[], void> {
    const { threads = availableParallelism(), signal, k } = options;
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new QuernError('USAGE', `threads must be a positive whole number, not ${threads}`);
    }
    const settings = this.#settings(options);
    const most = Math.min(threads, threadsPerCore * availableParallelism());
    this.#threads ??= new SearchThreads(this.#segments.map(({ columns }) => columns));
    const planned = (number: number): PlannedQuery => this.#planned(queries[number], options);
    for await (const rankings of this.#threads.rankings(queries.length, most, settings, planned, signal)) {
      yield this.#hits(rankings, k);
    }
  }

  /** The hits of many queries, all at once: those that {@link searchEach} gives, and what it throws. */
  async searchAll(queries: readonly TermWeights[], options: BatchSearchOptions): Promise<Hit[][]> {
    const all: Hit[][] = [];
    // The caller may go on with both.
    for await (const hits of this.searchEach([...queries], { ...options })) all.push(hits);
    return all;
  }

  /** A search whose query grows by and by, at the cost of what is added; `parameters` and `excluded` as of {@link search}. */
  growingSearch({
    parameters = defaultBm25Parameters,
    excluded,
  }: Omit<LexicalSearchOptions, 'k' | 'path'> = {}): GrowingSearch {
    const settings = this.#settings({ k: 1, parameters, excluded });
    return new GrowingSearch({
      segments: this.#segments,
      lookup: this.#lookup,
      parameters: settings.parameters,
      excluded: settings.excluded,
      onPostings: (count) => (this.#postingsRead += count),
    });
  }

  /** How {@link search} goes about a query, and why so. */
  plan(weights: TermWeights, options: LexicalSearchOptions): SearchPlan {
    this.#settings(options);
    return { segments: this.#planned(weights, options).plans };
  }

  /** Each matching term's share `w(t,q) · w(t,d)` of a document's score, the largest first. */
  contributions(
    weights: TermWeights,
    id: string,
    parameters = defaultBm25Parameters,
  ): { term: string; queryWeight: number; documentWeight: number; share: number }[] {
    const { segment, place, document } = this.#placeOf(id);
    checkParameters(parameters);
    const { averageLength } = this.statistics;
    const shares = [];
    for (const [term, queryWeight] of weights) {
      checkWeight(term, queryWeight);
      const { numbers, idf } = this.#lookup.of(term);
      const number = queryWeight > 0 ? numbers[place] : -1;
      const posting = number < 0 ? -1 : segment.search.postingOf(number, document);
      if (posting < 0) continue;
      const documentWeight =
        idf * segment.search.saturationAt(number, posting, { ...parameters, averageLength });
      shares.push({ term, queryWeight, documentWeight, share: queryWeight * documentWeight });
    }
    return shares.sort((a, b) => b.share - a.share || (a.term < b.term ? -1 : 1));
  }

  /** The terms of a document and their frequencies, in ascending byte order of terms. Throws `NOT_FOUND`. */
  async vector(id: string): Promise<ReadonlyMap<string, number>> {
    const { segment, document } = this.#placeOf(id);
    return segment.vector(document);
  }

  /** A stored document, or undefined where the index was built without storing. Throws `NOT_FOUND`. */
  async document(id: string): Promise<StoredDocument | undefined> {
    const { segment, document } = this.#placeOf(id);
    return segment.document(document);
  }

  /** Reads every file whole, verifies every checksum and that what it holds agrees; throws `CORRUPT_FILE`. */
  async verify(): Promise<void> {
    this.#checkOpen();
    for (const segment of this.#segments) await segment.verify();
  }

  /** Ends the threads and closes the files; the index is of no use any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#threads?.close(closed());
    for (const segment of this.#segments) await segment.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed();
  }

  #placeOf(id: string): { segment: Segment; place: number; document: number } {
    this.#checkOpen();
    for (const [place, segment] of this.#segments.entries()) {
      const document = segment.documentNumber(id);
      if (document >= 0) return { segment, place, document };
    }
    throw new QuernError('NOT_FOUND', `the index has no document ${JSON.stringify(id)}`);
  }

  /** What the options say, checked. */
  #settings({ k, parameters = defaultBm25Parameters, excluded, path }: LexicalSearchOptions): SearchSettings {
    this.#checkOpen();
    if (!Number.isSafeInteger(k) || k < 1) {
      throw new QuernError('USAGE', `k must be a positive whole number, not ${k}`);
    }
    checkParameters(parameters);
    if (path !== undefined && !searchPaths.includes(path)) {
      throw new QuernError('USAGE', `no such path: ${String(path)}`, { hint: searchPaths.join(', ') });
    }
    return {
      k,
      parameters: { ...parameters, averageLength: this.statistics.averageLength },
      excluded: this.#documentNumbers(excluded),
    };
  }

  /** What each segment is to look for, and how. */
  #planned(
    weights: TermWeights,
    { k, path }: LexicalSearchOptions,
  ): PlannedQuery & { plans: readonly SegmentPlan[] } {
    const located = segmentTerms(weights, this.#lookup, this.#segments.length);
    let total = 0;
    const tasks: SegmentTask[] = [];
    const plans: SegmentPlan[] = [];
    for (const [i, { table, columns, denseCodes }] of this.#segments.entries()) {
      const { numbers } = located[i];
      denseCodes.layOut(numbers);
      let postings = 0;
      for (const term of numbers) postings += columns.offsets[term + 1] - columns.offsets[term];
      const { documents } = table;
      const plan = plannedSegment({ k, documents, terms: numbers.length, postings }, path);
      plans.push(plan);
      tasks.push({ terms: located[i], path: plan.path });
      total += postings;
    }
    return { tasks, plans, postings: total };
  }

  /** The numbers in each segment of the documents with these ids. */
  #documentNumbers(ids: Iterable<string> = []): number[][] {
    // Once: an iterable may give its elements but once.
    const all = [...ids];
    return this.#segments.map((segment) =>
      all.map((id) => segment.documentNumber(id)).filter((number) => number >= 0),
    );
  }

  /** The hits of the segments' rankings, the best k of them. */
  #hits(rankings: readonly SegmentRanking[], k: number): Hit[] {
    const hits: Hit[] = [];
    for (const [i, { documents, scores, postingsRead }] of rankings.entries()) {
      this.#postingsRead += postingsRead;
      const { ids } = this.#segments[i];
      for (let place = 0; place < documents.length; place++) {
        hits.push({ id: ids.id(documents[place]), score: scores[place], rank: place + 1 });
      }
    }
    if (rankings.length === 1) return hits;
    return hits
      .sort(compareHits)
      .slice(0, k)
      .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
  }
}

function closed(): QuernError {
  return new QuernError('USAGE', 'this index is closed');
}

function factsOf(segments: readonly Segment[], analyzer: string): IndexFacts {
  const terms = new Set<string>();
  const facts = { documents: 0, documentsWithTerms: 0, postings: 0, tokens: 0 };
  for (const { table, deletions } of segments) {
    facts.documents += table.documents - (deletions?.documents.length ?? 0);
    facts.documentsWithTerms += table.documentsWithTerms - (deletions?.documentsWithTerms ?? 0);
    facts.postings += table.postings - (deletions?.postings ?? 0);
    facts.tokens += table.tokens - (deletions?.tokens ?? 0);
  }
  const [first] = segments;
  if (segments.length === 1 && !first.deletions) {
    return { analyzer, ...facts, terms: first.table.terms };
  }
  for (const segment of segments) {
    for (let term = 0; term < segment.table.terms; term++) {
      if (segment.documentFrequency(term) > 0) terms.add(segment.dictionary.term(term));
    }
  }
  return { analyzer, ...facts, terms: terms.size };
}
