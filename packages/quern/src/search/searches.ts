import type { TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { interpolated, meanWeights } from '../lexical/term-weights.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import type { Background } from './background.ts';
import type { Combine } from './combine.ts';
import type { Join } from './join.ts';
import { HybridRetriever, type HybridPart } from './hybrid-retriever.ts';
import { withKeyTerms, type KeptTerms } from './key-terms.ts';
import { checkReranking, type Reranking } from './reranking.ts';
import { isTermRetriever, type Retriever, type TermRetriever } from './retriever.ts';

/** How a query and its reasoned queries become what is searched. */
export interface SearchPlanning {
  readonly combine: Combine;
  /** How several reasoned queries are joined. Default `concat`. */
  readonly join?: Join;
  /** The least share of the weight that the query's key terms have, from 0 to below 1. Default 0: whatever comes out. */
  readonly keyTerms?: number;
  /** What the reasoner writes whatever it is asked; words of it weigh less. Of reasoners that yield weights it says nothing. */
  readonly background?: Background;
  readonly retriever: Retriever;
  /** A second look at the best of what was found; without it the ranking is the retriever's. */
  readonly rerank?: Reranking;
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
  /** The place of the part of a hybrid that searches it; absent where the retriever is no hybrid. */
  readonly part?: number;
  /** Set where the background has lowered all weights of the reasoned query, and of the question where they are one text. */
  readonly lowered?: true;
  /** What was done for the query's key terms, where something was to be done. */
  readonly kept?: KeptTerms;
}

/**
 * The searches for a query: the reasoned queries are combined with the query one by one, then joined. Those that hold nothing
 * that can be searched (no text, no weights, only words that the index does not know) are left out; where all are, the query
 * stands alone. Of a hybrid, those of each of its parts: a part searches what it takes, else what the planning says; of what
 * needs term weights (key terms, a background, what RM3 learns), only parts that score by terms take notice. Throws `USAGE`
 * where a combination is not possible.
 */
export function searchesFor(
  query: string,
  reasoned: ReasonedQuery,
  planning: SearchPlanning,
): RetrievedWith[] {
  const { retriever } = planning;
  if (!(retriever instanceof HybridRetriever)) return searchesOfOne(query, reasoned, planning);
  return retriever.parts.flatMap((part, number) => {
    const own = searchesOfPart(query, reasoned, part, planning);
    return own.map((search) => ({ ...search, part: number }));
  });
}

/** {@link searchesFor}, once the retriever knows what it needs to know of the texts. Throws what asking for it throws. */
export async function preparedSearches(
  query: string,
  reasoned: ReasonedQuery,
  planning: SearchPlanning,
  signal: AbortSignal | undefined,
): Promise<RetrievedWith[]> {
  const { retriever } = planning;
  const all =
    retriever instanceof HybridRetriever ? retriever.parts.map((part) => part.retriever) : [retriever];
  const own = [query, reasoned.text, ...(reasoned.parts ?? []).map(({ text }) => text)];
  // Where texts are joined, a word could end otherwise than at its text's end.
  const texts = [...own, [query, ...own].join(' ')];
  await Promise.all(all.map((each) => each.prepare?.(texts, signal)));
  return searchesFor(query, reasoned, planning);
}

function searchesOfPart(
  query: string,
  reasoned: ReasonedQuery,
  part: HybridPart,
  planning: SearchPlanning,
): RetrievedWith[] {
  if (part.takes === 'query') return [fromText('query', query, part.retriever)];
  const said = isTermRetriever(part.retriever) ? reasoned : withoutWeights(reasoned);
  return searchesOfOne(query, said, planningOfPart(part, planning));
}

/** A planning for one retriever. */
interface PlanningOfOne extends SearchPlanning {
  /** Whether a reasoned query of weights is searched as it is, whatever the combination: the query's are in them already. */
  readonly leavesWeights?: boolean;
}

/** The planning for a part of a hybrid. */
function planningOfPart({ retriever, takes }: HybridPart, planning: SearchPlanning): PlanningOfOne {
  const { join, ...rest } = planning;
  const taken: Combine = takes === 'both' ? { kind: 'concat', times: 1 } : { kind: 'replace' };
  const combine = takes === undefined ? planning.combine : taken;
  if (isTermRetriever(retriever)) {
    return { ...rest, join, combine, retriever, leavesWeights: takes === 'both' };
  }
  // A mean of texts there is none: their rankings are fused instead.
  const own = join === 'interpolate' ? 'rrf' : join;
  return { ...rest, ...(own && { join: own }), combine, retriever, keyTerms: 0, background: undefined };
}

/** A reasoned query without what only who scores by terms can search. */
function withoutWeights(reasoned: ReasonedQuery): ReasonedQuery {
  const { weights, parts, ...rest } = reasoned;
  return {
    ...rest,
    ...(weights && { text: '' }),
    ...(parts && { parts: parts.map(withoutWeights) }),
  };
}

function searchesOfOne(query: string, reasoned: ReasonedQuery, planning: PlanningOfOne): RetrievedWith[] {
  const { combine, join = 'concat', retriever, keyTerms = 0, background } = planning;
  const ofQuery = fromText('query', query, retriever);
  const parts = partsToJoin(reasoned, join);
  const made = parts.flatMap((part) => ofReasoned(part, retriever, background) ?? []);
  if (made.length === 0) return [ofQuery];
  const combined = made.map((search) =>
    planning.leavesWeights && search.text === undefined
      ? search
      : withQuery(search, { ...planning, query, ofQuery }),
  );
  const joined = join === 'interpolate' && combined.length > 1 ? [mean(combined, retriever)] : combined;
  const kept = keyTerms !== 0 ? joined.map((search) => keeping(search, query, retriever, keyTerms)) : joined;
  return combine.kind === 'rrf' ? [ofQuery, ...kept] : kept;
}

/** Throws `USAGE` where a planning needs term weights or texts, and its retriever has none. `isSeveral`: of several reasoned queries. */
export function checkPlanning(planning: SearchPlanning, isSeveral: boolean): void {
  const { retriever, rerank } = planning;
  if (rerank) checkReranking(retriever);
  if (!(retriever instanceof HybridRetriever)) {
    checkPlanningOfOne(planning, isSeveral);
    return;
  }
  for (const part of retriever.parts) {
    if (part.takes !== 'query') checkPlanningOfOne(planningOfPart(part, planning), isSeveral);
  }
  if (retriever.parts.some((part) => isTermRetriever(part.retriever))) return;
  checkPlanningOfOne(planning, isSeveral);
}

function checkPlanningOfOne(planning: SearchPlanning, isSeveral: boolean): void {
  const { combine, join, keyTerms = 0, background, retriever } = planning;
  const needs: (keyof typeof otherwise | false)[] = [
    combine.kind === 'interpolate' && 'interpolate',
    isSeveral && join === 'interpolate' && 'a join by interpolate',
    keyTerms !== 0 && 'key terms',
    background !== undefined && 'a background',
  ];
  for (const what of needs) if (what !== false) termsOf(retriever, what);
}

/** What to do where a retriever has no term weights. */
const otherwise = {
  interpolate:
    'Combine with replace, concat:N or rrf, or say what a hybrid’s part is to search: query/…, reasoned/… or both/…',
  'a join by interpolate': 'Join by concat or rrf',
  'key terms': 'Search without them',
  'a background': 'Search without it',
} as const;

function termsOf(retriever: Retriever, what: keyof typeof otherwise): TermRetriever {
  if (isTermRetriever(retriever)) return retriever;
  throw new QuernError('USAGE', `${what} needs term weights, which ${retriever.id} does not have`, {
    hint: otherwise[what],
  });
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
  if (background) {
    const weights = background.applied(termsOf(retriever, 'a background').weights(text));
    return { from, text, weights, lowered: true };
  }
  return { from, text, ...(isTermRetriever(retriever) && { weights: retriever.weights(text) }) };
}

/** The search for a reasoned query alone; undefined where it holds nothing. */
function ofReasoned(
  { text, weights, reasoner }: ReasonedQuery,
  retriever: Retriever,
  background: Background | undefined,
): RetrievedWith | undefined {
  if (weights && !isTermRetriever(retriever)) {
    throw new QuernError('USAGE', `${reasoner} yields term weights, which ${retriever.id} cannot search`, {
      hint: 'Search with bm25 or bm25q, or with a hybrid, whose lexical part takes them',
    });
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
      // The question's words of habit weigh less in it too, which brings more (`docs/PERFORMANCE.md`).
      return { ...fromText('both', texts.join(' '), retriever, background), reasoner: search.reasoner };
    }
    case 'interpolate': {
      const { reasoner, lowered } = search;
      termsOf(retriever, 'interpolate');
      // So both have weights.
      const weights = interpolated(ofQuery.weights!, search.weights!, combine.weight);
      return { from: 'both', reasoner, weights, ...(lowered && { lowered }) };
    }
  }
}

function mean(searches: readonly RetrievedWith[], retriever: Retriever): RetrievedWith {
  termsOf(retriever, 'a join by interpolate');
  const weights = searches.flatMap((search) => search.weights ?? []);
  // Of a mean with what RM3 has learnt it cannot be said of a term.
  const isLowered = searches.every(({ lowered }) => lowered);
  return {
    from: searches[0].from,
    weights: meanWeights(weights),
    ...(isLowered && { lowered: true as const }),
  };
}

function keeping(search: RetrievedWith, query: string, retriever: Retriever, share: number): RetrievedWith {
  const terms = termsOf(retriever, 'key terms');
  const { weights, kept } = withKeyTerms(search.weights!, query, terms, share);
  return weights === search.weights ? search : { ...search, weights, kept };
}
