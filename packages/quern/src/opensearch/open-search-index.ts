import type { Hit, TermWeights } from '../collections/records.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import type { Bm25Parameters, CorpusStatistics } from '../lexical/bm25.ts';
import type { StoredDocument } from '../lexical/segment.ts';
import { clausesOf, type Clauses } from './clauses.ts';
import { clusterFacts, type ClusterFacts } from './cluster-facts.ts';
import { OpenSearchConnection } from './connection.ts';
import { exactRanking, exactShares, type Candidate, type ExactScoring } from './exact-scores.ts';
import { factsOfMapping, type OpenSearchIndexFacts } from './mapping.ts';
import { conditionsFor, searchBody, type QueryParts } from './query-body.ts';
import { readIndex, type IndexSettings } from './read-index.ts';
import { TermCounts } from './term-counts.ts';

/** Ids of a request that asks for documents. */
const idsPerRequest = 5000;
/** Up to so many hits are scored again with exact lengths: what each term brought to each is told then. */
const mostExact = 1000;
const mostCandidates = 4 * mostExact;
/** So many more candidates than twice the hits are fetched at first. */
const fewestMore = 30;

interface SearchReply {
  readonly timed_out: boolean;
  readonly _shards: { readonly failed: number };
  readonly hits: {
    readonly hits: readonly {
      readonly sort: readonly [score: number, id: string, tokens: number];
      /** What each named term brought, where that was asked for. */
      readonly matched_queries?: Readonly<Record<string, number>>;
    }[];
  };
}

/** An index of Quern's in an OpenSearch cluster, open for searching. It is taken to stay as it was loaded. */
export class OpenSearchIndex {
  readonly #connection: OpenSearchConnection;
  readonly #made: OpenSearchIndexFacts;
  readonly #settings: IndexSettings;
  readonly #cluster: ClusterFacts;
  readonly #counts: TermCounts;
  /** What the scoring formulas know of the corpus. */
  readonly statistics: CorpusStatistics;
  /** What the index holds. */
  readonly facts: { readonly documents: number };

  private constructor(
    connection: OpenSearchConnection,
    facts: OpenSearchIndexFacts,
    settings: IndexSettings,
    cluster: ClusterFacts,
    counts: TermCounts,
    { documents, ...statistics }: CorpusStatistics & { readonly documents: number },
  ) {
    this.#connection = connection;
    this.#made = facts;
    this.#settings = settings;
    this.#cluster = cluster;
    this.#counts = counts;
    this.statistics = statistics;
    this.facts = { documents };
  }

  /**
   * Opens `opensearch:INDEX@URL`. Throws `USAGE`, `NOT_FOUND`, `BAD_INPUT` for an index that is not Quern's or whose load has not
   * ended, `DENIED`, `NETWORK` and what else asking the cluster throws.
   */
  static async open(name: string, signal?: AbortSignal): Promise<OpenSearchIndex> {
    const connection = await OpenSearchConnection.open(name);
    try {
      const cluster = await clusterFacts(connection, signal);
      const where = connection.address.name;
      const there = await readIndex(connection, signal);
      if (!there) {
        throw new QuernError('NOT_FOUND', 'the cluster has no such index', {
          where,
          hint: 'Load one: quern index CORPUS --to opensearch:INDEX@URL',
        });
      }
      const facts = factsOfMapping(there.mapping, where);
      if (!facts.complete) {
        throw new QuernError('BAD_INPUT', 'the load of this index has not ended', {
          where,
          hint: 'The same quern index … --to … goes on with it',
        });
      }
      const counts = new TermCounts(connection);
      const statistics = await counts.statistics(signal);
      return new OpenSearchIndex(connection, facts, there.settings, cluster, counts, statistics);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Its name, without user and password. */
  get name(): string {
    return this.#connection.address.name;
  }

  /** The name of the analyzer that the documents went through. */
  get analyzer(): string {
    return this.#made.analyzer;
  }

  /** k1 and b, which the index was created with. */
  get parameters(): Bm25Parameters {
    return { k1: this.#made.k1, b: this.#made.b };
  }

  /** Whether documents were stored for display. */
  get hasStore(): boolean {
    return this.#made.stored;
  }

  /** Asks how many documents have each of `terms`, where that is not known yet. */
  async countTerms(terms: Iterable<string>, signal?: AbortSignal): Promise<void> {
    await this.#counts.count(terms, signal);
  }

  /** How many documents have `term`. Throws unless {@link countTerms} was told of it. */
  documentFrequency(term: string): number {
    return this.#counts.of(term);
  }

  /** What of a query's weights is searched, and what is more than the cluster takes. Terms must have been counted. */
  clauses(weights: TermWeights, excluded = 0): Clauses {
    const limit = this.#cluster.mostClauses - conditionsFor(excluded);
    return clausesOf(weights, (term) => this.documentFrequency(term), limit);
  }

  /**
   * The k best documents for final term weights, ties by descending bytes of ids. Up to k of 1,000 they are scored again with exact
   * lengths (`exact-scores.ts`), among as many candidates as it takes, at most 4,000. Where one shard fails, all does: what a part
   * of the index finds is no ranking. Throws `USAGE` where k is more than the index allows.
   */
  async search(
    weights: TermWeights,
    { k, excluded, signal }: { k: number; excluded?: Iterable<string>; signal?: AbortSignal },
  ): Promise<Hit[]> {
    throwIfAborted(signal);
    const { mostHits } = this.#settings;
    if (k > mostHits) {
      throw new QuernError('USAGE', `k is ${k}, and this index gives at most ${mostHits} hits`, {
        where: '-k',
        hint: 'index.max_result_window is the setting that limits it',
      });
    }
    await this.countTerms(weights.keys(), signal);
    const without = [...new Set(excluded ?? [])];
    const { kept } = this.clauses(weights, without.length);
    if (kept.length === 0) return [];
    const parts: QueryParts = { terms: this.#boosts(kept), excluded: without };
    if (k > mostExact || !this.#cluster.tellsShares) {
      const found = await this.#candidates(parts, k, signal);
      return found.map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
    }
    const scoring = this.#scoring(kept);
    const deepest = Math.min(mostHits, mostCandidates);
    for (let depth = Math.min(deepest, 2 * k + fewestMore); ; depth = Math.min(deepest, 4 * depth)) {
      const candidates = await this.#candidates({ ...parts, areNamed: true }, depth, signal);
      const areAll = candidates.length < depth;
      const { hits, isProven } = exactRanking(candidates, scoring, { k, areAll });
      if (isProven || depth === deepest) return hits;
    }
  }

  /** What each term brings to the scores of documents: id → term → share. Empty for more than 4,000 documents, and where the cluster does not tell. */
  async shares(
    weights: TermWeights,
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, ReadonlyMap<string, number>>> {
    const shares = new Map<string, ReadonlyMap<string, number>>();
    if (ids.length === 0 || ids.length > mostCandidates || !this.#cluster.tellsShares) return shares;
    await this.countTerms(weights.keys(), signal);
    // The condition on ids is a clause, too.
    const { kept } = this.clauses(weights, 1);
    const terms = this.#boosts(kept);
    const found = await this.#candidates({ terms, only: ids, areNamed: true }, ids.length, signal);
    const scoring = this.#scoring(kept);
    for (const candidate of found) shares.set(candidate.id, exactShares(candidate, scoring));
    return shares;
  }

  /** Those of `ids` that the index has. */
  async known(ids: Iterable<string>, signal?: AbortSignal): Promise<Set<string>> {
    const all = [...new Set(ids)];
    const known = new Set<string>();
    for (let i = 0; i < all.length; i += idsPerRequest) {
      const some = all.slice(i, i + idsPerRequest);
      const { docs } = await this.#get(some, false, signal);
      for (const { _id: id, found } of docs) if (found) known.add(id);
    }
    return known;
  }

  /** Stored documents by their ids; those that are not there, or were not stored, are left out. */
  async documents(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, StoredDocument>> {
    const documents = new Map<string, StoredDocument>();
    if (!this.hasStore || ids.length === 0) return documents;
    const { docs } = await this.#get(ids, ['title', 'text', 'metadata'], signal);
    for (const { _id: id, _source: source } of docs) if (source) documents.set(id, source);
    return documents;
  }

  /** One stored document. */
  async document(id: string, signal?: AbortSignal): Promise<StoredDocument | undefined> {
    return (await this.documents([id], signal)).get(id);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #boosts(terms: Clauses['kept']): QueryParts['terms'] {
    return terms.map(([term, weight]) => [term, weight / this.#cluster.scoreScale(this.parameters)]);
  }

  #scoring(kept: Clauses['kept']): ExactScoring {
    return {
      weights: new Map(kept),
      documentFrequency: (term) => this.documentFrequency(term),
      statistics: this.statistics,
      parameters: this.parameters,
    };
  }

  /** The k best as OpenSearch scores them; where terms are named, with what each brought. */
  async #candidates(parts: QueryParts, k: number, signal: AbortSignal | undefined): Promise<Candidate[]> {
    const { index } = this.#connection.address;
    const {
      hits,
      timed_out: isLate,
      _shards,
    } = await this.#connection.ask<SearchReply>(
      (client) =>
        client.search({
          index,
          // So that a term's weight does not depend on the shard that a document lies in.
          search_type: 'dfs_query_then_fetch',
          allow_partial_search_results: false,
          ...(parts.areNamed && { include_named_queries_score: true }),
          body: searchBody(parts, k),
        }),
      { signal },
    );
    if (isLate || _shards.failed > 0) {
      throw new QuernError('NETWORK', 'a part of the index has not answered', { where: this.name });
    }
    return hits.hits.map(({ sort: [score, id, tokens], matched_queries: told = {} }) => ({
      id,
      score,
      tokens,
      parts: told,
    }));
  }

  #get(
    ids: readonly string[],
    source: false | string[],
    signal: AbortSignal | undefined,
  ): Promise<{ docs: { _id: string; found?: boolean; _source?: StoredDocument }[] }> {
    const { index } = this.#connection.address;
    return this.#connection.ask(
      (client) => client.mget({ index, _source: source, body: { ids: [...ids] } }),
      { signal },
    );
  }
}
