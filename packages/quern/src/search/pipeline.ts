import type { Hit } from '../collections/records.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import { combineName } from './combine.ts';
import { reciprocalRankFusion } from './fusion.ts';
import { reasoningAbout } from './reasoning.ts';
import type { Reasoning, ReasoningPlan } from './reasoning-plan.ts';
import { searchesFor, type RetrievedWith, type SearchPlanning } from './searches.ts';

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
export interface Answer extends Reasoning {
  readonly query: string;
  readonly combine: string;
  readonly retriever: string;
  /** One search, or several that were fused. */
  readonly searches: readonly RetrievedWith[];
  /** How many hits each search was asked for. */
  readonly depth: number;
  /** The ranking of each search; the hits, unless several were fused. */
  readonly rankings: readonly (readonly Hit[])[];
  readonly hits: readonly Hit[];
  readonly milliseconds: { readonly reason: number; readonly search: number };
}

/** How deep the rankings are that are fused, whatever k: the fused order must not depend on where it is cut. */
const fusionDepth = 1000;

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
  const { combine, retriever } = planning;
  const searches = searchesFor(query, reasoned, planning);
  const fused = searches.length > 1;
  const k = fused ? fusionDepth : options.k;
  const rankings: Hit[][] = [];
  for (const search of searches) {
    const input = search.weights ?? search.text ?? '';
    rankings.push(await retriever.search(input, { k, excluded: options.excluded, signal: options.signal }));
  }
  const hits = fused ? reciprocalRankFusion(rankings, options.k) : rankings[0];
  return {
    query,
    reasoned,
    combine: combineName(combine),
    retriever: retriever.id,
    searches,
    depth: k,
    rankings,
    hits,
    milliseconds: { reason: reasoned.milliseconds, search: performance.now() - started },
  };
}
