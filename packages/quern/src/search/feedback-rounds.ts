import { QuernError, throwIfAborted } from '../errors.ts';
import { meanWeights } from '../lexical/term-weights.ts';
import { failureOf } from '../reason/bounded.ts';
import { joinedReasoned } from '../reason/joined-reasoned.ts';
import type { ReasonedQuery, ReasonOptions } from '../reason/reasoner.ts';
import { withoutText } from '../reason/without-text.ts';
import { bestPassage } from './passage.ts';
import type { Reasoning, ReasoningOptions, ReasoningPlan, Round } from './reasoning-plan.ts';
import { isTermRetriever } from './retriever.ts';
import { checkedRounds, type Rounds } from './rounds.ts';
import { rankedBy } from './ranked.ts';
import { preparedSearches } from './searches.ts';
import type { WatchedReasoning } from './watched-reasoning.ts';

/**
 * Reasons about a query in rounds: each but the first shows the model the best passages for what was written so far, of
 * documents that it has not seen. Throws `USAGE` where the reasoner or the retriever has no part in that.
 */
export async function inRounds(
  plan: ReasoningPlan,
  given: Rounds,
  query: string,
  options: ReasoningOptions,
  watched: WatchedReasoning,
): Promise<Required<Pick<Reasoning, 'reasoned' | 'rounds'>>> {
  const { reasoner, retriever } = plan;
  const { keep, passages: most, passageWords, tokens, deadline, ...asked } = checkedRounds(given);
  // None has nothing to say again: it is what others are compared with, whatever they do.
  const count = reasoner.id === 'none' ? 1 : asked.count;
  if (count > 1 && !reasoner.takesPassages) {
    throw new QuernError('USAGE', `${reasoner.id} cannot be shown passages, which rounds do`, {
      hint: 'Rounds are for llama:… and openai:…',
    });
  }
  if (count > 1 && !retriever.document) {
    throw new QuernError('USAGE', `${retriever.id} cannot show passages: it has no texts`, {
      hint: 'Build the index with --store',
    });
  }
  const started = performance.now();
  const rounds: Round[] = [];
  const shown = new Set<string>();
  let passages: Round['passages'] = [];
  for (let spent = 0; rounds.length < count;) {
    const reasoned = await askedAgain(
      watched,
      query,
      { ...options, passages: passages.map(({ text }) => text) },
      {
        isFirst: rounds.length === 0,
        left: deadline === undefined ? undefined : deadline - (performance.now() - started),
      },
    );
    if (!reasoned) break;
    rounds.push({ reasoned, passages });
    spent += reasoned.promptTokens + reasoned.completionTokens;
    const isLate = deadline !== undefined && performance.now() - started >= deadline;
    if (reasoned.finish === 'failed' || spent >= tokens || isLate || rounds.length === count) break;
    const soFar = joinedRounds(query, reasoner.id, rounds, keep);
    passages = await unseenPassages(plan, query, soFar, { ...options, most, words: passageWords, shown });
    if (passages.length === 0) break;
  }
  return { reasoned: joinedRounds(query, reasoner.id, rounds, keep), rounds };
}

/**
 * What the model says in one round; undefined where one after the first would begin too late. Where such a one is broken
 * off, or ends in an error, that is the failure of whoever was asked, and what others of several have said counts.
 */
async function askedAgain(
  watched: WatchedReasoning,
  query: string,
  options: ReasonOptions,
  { isFirst, left }: { isFirst: boolean; left: number | undefined },
): Promise<ReasonedQuery | undefined> {
  if (isFirst) return watched.reason(query, options);
  // Passages may have been found after the deadline.
  if (left !== undefined && left <= 0) return undefined;
  const late = left === undefined ? [] : [AbortSignal.timeout(Math.ceil(Math.min(left, 2 ** 31 - 1)))];
  const signal = AbortSignal.any([...(options.signal ? [options.signal] : []), ...late]);
  return watched.reason(query, { ...options, signal }, (error, { id }, milliseconds) => {
    throwIfAborted(options.signal);
    if (error instanceof QuernError && error.code === 'USAGE') throw error;
    const isLate = late.some(({ aborted }) => aborted);
    const reason = isLate ? new QuernError('TIMEOUT', 'the deadline of all rounds broke one off') : error;
    return withoutText(query, id, { finish: 'failed', failure: failureOf(reason), milliseconds });
  });
}

/** The rounds as one reasoned query: what all of them took, and the texts that are kept. */
function joinedRounds(
  query: string,
  id: string,
  rounds: readonly Pick<Round, 'reasoned'>[],
  keep: 'all' | 'last',
): ReasonedQuery {
  const all = rounds.map(({ reasoned }) => reasoned);
  if (all.length === 1) return all[0];
  const { parts: _, ...joined } = joinedReasoned(query, id, all);
  const last = all.findLast(({ text }) => text !== '');
  const text = keep === 'last' && last ? last.text : joined.text;
  const weighted = all.findLast(({ weights }) => weights !== undefined);
  if (weighted) return { ...joined, text: weighted.text, weights: weighted.weights };
  const [{ parts }] = all;
  if (!parts) return { ...joined, text };
  // What each of several wrote in all rounds is one part, so that they are joined as they would be in one round.
  const members = parts.map(({ reasoner }, i) => {
    const own = all.flatMap((round) => round.parts?.[i] ?? []).map((reasoned) => ({ reasoned }));
    return joinedRounds(query, reasoner, own, keep);
  });
  return { ...joined, text: joinedReasoned(query, id, members).text, parts: members };
}

/** The best passages of what would be found now, of documents that were not shown. */
async function unseenPassages(
  plan: ReasoningPlan,
  query: string,
  reasoned: ReasonedQuery,
  {
    most,
    words,
    shown,
    excluded = [],
    signal,
  }: ReasoningOptions & { most: number; words: number; shown: Set<string> },
): Promise<Round['passages']> {
  const { retriever } = plan;
  const searches = await preparedSearches(query, reasoned, plan, signal);
  const without = [...excluded, ...shown];
  const { hits } = await rankedBy(searches, retriever, { k: most, excluded: without, signal });
  const weights = meanWeights(searches.flatMap((search) => search.weights ?? []));
  const passages: { id: string; text: string }[] = [];
  for (const { id } of hits) {
    shown.add(id);
    const document = await retriever.document!(id);
    if (document === undefined) continue;
    const spans = isTermRetriever(retriever) ? retriever.spans(document) : [];
    const passage = bestPassage(document, spans, weights, words);
    if (passage !== '') passages.push({ id, text: passage });
  }
  return passages;
}
