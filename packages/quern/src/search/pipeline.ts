import type { ReasonedQuery } from '../reason/reasoner.ts';
import { combineName } from './combine.ts';
import { rankedBy, type Ranked } from './ranked.ts';
import { defaultRerankDepth, reranked, type Reranked } from './reranking.ts';
import { reasoningAbout } from './reasoning.ts';
import type { Reasoning, ReasoningPlan } from './reasoning-plan.ts';
import { preparedSearches, type RetrievedWith, type SearchPlanning } from './searches.ts';

export type { RetrievedWith } from './searches.ts';

/** The parts that answer questions. */
export type Pipeline = ReasoningPlan;

/** How one question is answered. */
export interface AnswerOptions {
  readonly k: number;
  /** Ids of documents that are removed before the cut at k. */
  readonly excluded?: readonly string[];
  readonly signal?: AbortSignal;
}

/** The ranking for a question, with everything that led to it. */
export interface Answer extends Reasoning, Ranked {
  readonly query: string;
  readonly combine: string;
  readonly retriever: string;
  /** One search, or several that were fused. */
  readonly searches: readonly RetrievedWith[];
  /** What read the best hits again, where something did. */
  readonly reranking?: Reranked['reranking'];
  readonly milliseconds: { readonly reason: number; readonly search: number };
}

/**
 * Answers a question: the reasoner makes its reasoned query (the gate and the rounds of the pipeline permitting), both are
 * combined, the retriever ranks. Where the reasoner yields nothing that can be searched (no text, no weights, only words that
 * the index does not know; or it failed, and a `BoundedReasoner` said so), the query stands alone, whatever the combination.
 * What the reasoner or the retriever throws is thrown. Fused rankings are 1,000 deep each, so `rrf` of two has up to 2,000
 * hits.
 */
export async function answer(pipeline: Pipeline, query: string, options: AnswerOptions): Promise<Answer> {
  const { excluded, signal } = options;
  const reasoning = await reasoningAbout(pipeline, query, { excluded, signal });
  return { ...(await answerReasoned(pipeline, query, reasoning.reasoned, options)), ...reasoning };
}

/** {@link answer} for a query that has been reasoned about. */
export async function answerReasoned(
  planning: SearchPlanning,
  query: string,
  reasoned: ReasonedQuery,
  options: AnswerOptions,
): Promise<Answer> {
  const started = performance.now();
  const { combine, retriever, rerank } = planning;
  const searches = await preparedSearches(query, reasoned, planning, options.signal);
  const { k, signal } = options;
  const depth = rerank ? Math.max(k, rerank.depth ?? defaultRerankDepth) : k;
  const ranked = await rankedBy(searches, retriever, { ...options, k: depth });
  const taken = reasoned.milliseconds + performance.now() - started;
  const found = { query, hits: ranked.hits, retriever, milliseconds: taken };
  const again = rerank && (await reranked(found, rerank, signal));
  return {
    query,
    reasoned,
    combine: combineName(combine),
    retriever: retriever.id,
    searches,
    ...ranked,
    ...(again && { hits: again.hits.slice(0, k), reranking: again.reranking }),
    milliseconds: { reason: reasoned.milliseconds, search: performance.now() - started },
  };
}
