import type { Hit, TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { interpolated } from '../lexical/term-weights.ts';
import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { combineName, type Combine } from './combine.ts';
import { reciprocalRankFusion } from './fusion.ts';
import type { Gate, GateDecision } from './gate.ts';
import { isTermRetriever, type Retriever } from './retriever.ts';

/** The parts that answer questions. */
export interface Pipeline {
  readonly reasoner: Reasoner;
  readonly combine: Combine;
  readonly retriever: Retriever;
  /** Asked before the reasoner; where it says no, the query stands alone. */
  readonly gate?: Gate;
}

/** How one question is answered. */
export interface AnswerOptions {
  readonly k: number;
  /** Ids of documents that are removed before the cut at k. */
  readonly excluded?: readonly string[];
  readonly signal?: AbortSignal;
}

/** One search of an answer: what went to the retriever. */
export interface RetrievedWith {
  /** Whether it stands for the query, its reasoned query, or both. */
  readonly from: 'query' | 'reasoned' | 'both';
  /** The text that was searched; absent where weights were made from weights. */
  readonly text?: string;
  /** The final weights w(t,q); absent where the retriever does not score by terms. */
  readonly weights?: TermWeights;
}

/** The ranking for a question, with everything that led to it. */
export interface Answer {
  readonly query: string;
  readonly reasoned: ReasonedQuery;
  /** What the gate said, where there is one. */
  readonly gate?: GateDecision;
  readonly combine: string;
  readonly retriever: string;
  /** One search, or two that were fused. */
  readonly searches: readonly RetrievedWith[];
  /** How many hits each search was asked for. */
  readonly depth: number;
  /** The ranking of each search; the hits, unless two were fused. */
  readonly rankings: readonly (readonly Hit[])[];
  readonly hits: readonly Hit[];
  readonly milliseconds: { readonly reason: number; readonly search: number };
}

/** How deep the rankings are that are fused, whatever k: the fused order must not depend on where it is cut. */
const fusionDepth = 1000;

/**
 * Answers a question: the reasoner makes its reasoned query, both are combined, the retriever ranks. Where the reasoner
 * yields nothing that can be searched (no text, no weights, only words that the index does not know; or it failed, and a
 * `BoundedReasoner` said so), the query stands alone, whatever the combination. What the reasoner or the retriever
 * throws is thrown. Fused rankings are 1,000 deep each, so `rrf` has up to 2,000 hits.
 */
export async function answer(pipeline: Pipeline, query: string, options: AnswerOptions): Promise<Answer> {
  const { excluded, signal } = options;
  const reasoned = await pipeline.reasoner.reason(query, { excluded, signal });
  return answerReasoned(pipeline, query, reasoned, options);
}

/** {@link answer} for a query that has been reasoned about. */
export async function answerReasoned(
  { combine, retriever }: Pick<Pipeline, 'combine' | 'retriever'>,
  query: string,
  reasoned: ReasonedQuery,
  options: AnswerOptions,
): Promise<Answer> {
  const started = performance.now();
  const searches = searchesFor(query, reasoned, combine, retriever);
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

function searchesFor(
  query: string,
  reasoned: ReasonedQuery,
  combine: Combine,
  retriever: Retriever,
): RetrievedWith[] {
  const fromText = (from: RetrievedWith['from'], text: string): RetrievedWith =>
    isTermRetriever(retriever) ? { from, text, weights: retriever.weights(text) } : { from, text };
  const ofQuery = (): RetrievedWith => fromText('query', query);
  const { weights, text } = reasoned;
  if (weights && !isTermRetriever(retriever)) {
    throw new QuernError(
      'USAGE',
      `${reasoned.reasoner} yields term weights, which ${retriever.id} cannot search`,
    );
  }
  const searched = weights ? { from: 'reasoned' as const, weights } : fromText('reasoned', text);
  const isNothing = searched.weights ? searched.weights.size === 0 : text.trim() === '';
  if (isNothing) return [ofQuery()];
  switch (combine.kind) {
    case 'replace':
      return [searched];
    case 'rrf':
      return [ofQuery(), searched];
    case 'concat': {
      if (weights) {
        throw new QuernError(
          'USAGE',
          `${reasoned.reasoner} yields term weights, which cannot be concatenated`,
          {
            hint: 'Combine with replace, interpolate:W or rrf',
          },
        );
      }
      const parts = [...Array.from({ length: combine.times }, () => query), text];
      return [fromText('both', parts.join(' '))];
    }
    case 'interpolate': {
      const [a, b] = [ofQuery().weights, searched.weights];
      if (!a || !b) {
        throw new QuernError('USAGE', `interpolate needs term weights, which ${retriever.id} does not have`, {
          hint: 'Combine with replace, concat:N or rrf',
        });
      }
      return [{ from: 'both', weights: interpolated(a, b, combine.weight) }];
    }
  }
}
