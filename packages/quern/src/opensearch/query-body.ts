/** A condition takes at most so many ids (`index.max_terms_count`). */
const idsPerCondition = 65_536;

/** What is searched for. */
export interface QueryParts {
  /** Terms, and what their scores are multiplied by. */
  readonly terms: readonly (readonly [term: string, weight: number])[];
  /** Ids of documents that cannot be hits. */
  readonly excluded?: readonly string[];
  /** Ids of the only documents that can be. */
  readonly only?: readonly string[];
  /** Whether each term's part of a score is to be told, by its name. */
  readonly areNamed?: boolean;
}

/** How many conditions are needed to exclude so many ids; each is a clause, as a term is. */
export function conditionsFor(ids: number): number {
  return Math.ceil(ids / idsPerCondition);
}

/** The query: a sum over terms. */
export function queryBody({ terms, excluded = [], only, areNamed = false }: QueryParts): object {
  const conditions: object[] = [];
  for (let i = 0; i < excluded.length; i += idsPerCondition) {
    conditions.push({ terms: { id: excluded.slice(i, i + idsPerCondition) } });
  }
  return {
    bool: {
      should: terms.map(([value, boost]) => ({
        term: { content: { value, boost, ...(areNamed && { _name: value }) } },
      })),
      minimum_should_match: 1,
      ...(conditions.length > 0 && { must_not: conditions }),
      ...(only && { filter: [{ terms: { id: only } }] }),
    },
  };
}

/**
 * A search for the best k. By `id` it is sorted where scores are equal, as everywhere in Quern: keywords are compared by their bytes.
 * Ids, and lengths with them, come as what was sorted by, so no document is read.
 */
export function searchBody(parts: QueryParts, k: number): Record<string, unknown> {
  return {
    size: k,
    query: queryBody(parts),
    sort: [{ _score: 'desc' }, { id: 'desc' }, { tokens: 'asc' }],
    track_total_hits: false,
    _source: false,
    stored_fields: '_none_',
  };
}
