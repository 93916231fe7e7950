import type { TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { interpolated, meanWeights } from '../lexical/term-weights.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import type { Background } from './background.ts';
import type { Combine } from './combine.ts';
import type { Join } from './join.ts';
import { withKeyTerms, type KeptTerms } from './key-terms.ts';
import { isTermRetriever, type Retriever } from './retriever.ts';

/** How a query and its reasoned queries become what is searched. */
export interface SearchPlanning {
  readonly combine: Combine;
  /** How several reasoned queries are joined. Default `concat`. */
  readonly join?: Join;
  /** The least share of the weight that the query's key terms have, from 0 to below 1. Default 0: whatever comes out. */
  readonly keyTerms?: number;
  /** What the reasoner writes whatever it is asked; words of it weigh less. */
  readonly background?: Background;
  readonly retriever: Retriever;
}

/** One search of an answer: what went to the retriever. */
export interface RetrievedWith {
  /** Whether it stands for the query, its reasoned query, or both. */
  readonly from: 'query' | 'reasoned' | 'both';
  /** Whose reasoned query it is, where it is of one. */
  readonly reasoner?: string;
  /** The text that was searched; absent where weights were made from weights. */
  readonly text?: string;
  /** The final weights w(t,q); absent where the retriever does not score by terms. */
  readonly weights?: TermWeights;
  /** What was done for the query's key terms, where something was to be done. */
  readonly kept?: KeptTerms;
}

/**
 * The searches for a query: the reasoned queries are combined with the query one by one, then joined. Those that hold nothing
 * that can be searched (no text, no weights, only words that the index does not know) are left out; where all are, the query
 * stands alone. Throws `USAGE` where a combination is not possible.
 */
export function searchesFor(
  query: string,
  reasoned: ReasonedQuery,
  planning: SearchPlanning,
): RetrievedWith[] {
  const { combine, join = 'concat', retriever, keyTerms = 0, background } = planning;
  const ofQuery = fromText('query', query, retriever);
  const parts = partsToJoin(reasoned, join);
  const made = parts.flatMap((part) => ofReasoned(part, retriever, background) ?? []);
  if (made.length === 0) return [ofQuery];
  const combined = made.map((search) => withQuery(search, { ...planning, query, ofQuery }));
  const joined = join === 'interpolate' && combined.length > 1 ? [mean(combined, retriever)] : combined;
  const kept = keyTerms !== 0 ? joined.map((search) => keeping(search, query, retriever, keyTerms)) : joined;
  return combine.kind === 'rrf' ? [ofQuery, ...kept] : kept;
}

/** The reasoned queries to be searched; those whose texts are joined are one. */
function partsToJoin(reasoned: ReasonedQuery, join: Join): readonly ReasonedQuery[] {
  const { parts } = reasoned;
  if (!parts) return [reasoned];
  const made = parts.filter(({ text, weights }) => text !== '' || weights !== undefined);
  if (join !== 'concat' || made.length < 2) return made;
  const weighted = made.find(({ weights }) => weights !== undefined);
  if (weighted) {
    throw new QuernError('USAGE', `${weighted.reasoner} yields term weights, which cannot be concatenated`, {
      hint: 'Join by interpolate or rrf',
    });
  }
  return [reasoned];
}

function fromText(
  from: RetrievedWith['from'],
  text: string,
  retriever: Retriever,
  background?: Background,
): RetrievedWith {
  if (isTermRetriever(retriever)) {
    const weights = retriever.weights(text);
    return { from, text, weights: background ? background.applied(weights) : weights };
  }
  if (!background) return { from, text };
  throw new QuernError('USAGE', `a background is of term weights, which ${retriever.id} does not have`);
}

/** The search for a reasoned query alone; undefined where it holds nothing. */
function ofReasoned(
  { text, weights, reasoner }: ReasonedQuery,
  retriever: Retriever,
  background: Background | undefined,
): RetrievedWith | undefined {
  if (weights && !isTermRetriever(retriever)) {
    throw new QuernError('USAGE', `${reasoner} yields term weights, which ${retriever.id} cannot search`);
  }
  const search: RetrievedWith = weights
    ? { from: 'reasoned', reasoner, weights }
    : { ...fromText('reasoned', text, retriever, background), reasoner };
  const isNothing = search.weights ? search.weights.size === 0 : text.trim() === '';
  return isNothing ? undefined : search;
}

function withQuery(
  search: RetrievedWith,
  {
    combine,
    retriever,
    background,
    query,
    ofQuery,
  }: SearchPlanning & { readonly query: string; readonly ofQuery: RetrievedWith },
): RetrievedWith {
  switch (combine.kind) {
    case 'replace':
    case 'rrf':
      return search;
    case 'concat': {
      if (search.text === undefined) {
        throw new QuernError(
          'USAGE',
          `${search.reasoner} yields term weights, which cannot be concatenated`,
          {
            hint: 'Combine with replace, interpolate:W or rrf',
          },
        );
      }
      const texts = [...Array.from({ length: combine.times }, () => query), search.text];
      return { ...fromText('both', texts.join(' '), retriever, background), reasoner: search.reasoner };
    }
    case 'interpolate': {
      if (!ofQuery.weights || !search.weights) {
        throw new QuernError('USAGE', `interpolate needs term weights, which ${retriever.id} does not have`, {
          hint: 'Combine with replace, concat:N or rrf',
        });
      }
      const weights = interpolated(ofQuery.weights, search.weights, combine.weight);
      return { from: 'both', reasoner: search.reasoner, weights };
    }
  }
}

function mean(searches: readonly RetrievedWith[], retriever: Retriever): RetrievedWith {
  const weights = searches.flatMap((search) => search.weights ?? []);
  if (weights.length < searches.length) {
    throw new QuernError('USAGE', `interpolate needs term weights, which ${retriever.id} does not have`, {
      hint: 'Join by concat or rrf',
    });
  }
  return { from: searches[0].from, weights: meanWeights(weights) };
}

function keeping(search: RetrievedWith, query: string, retriever: Retriever, share: number): RetrievedWith {
  if (!search.weights || !isTermRetriever(retriever)) {
    throw new QuernError('USAGE', `key terms have weights, which ${retriever.id} does not have`);
  }
  const { weights, kept } = withKeyTerms(search.weights, query, retriever, share);
  return weights === search.weights ? search : { ...search, weights, kept };
}
