import { QuernError, throwIfAborted } from '../errors.ts';
import { joinedReasoned } from '../reason/joined-reasoned.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from '../reason/reasoner.ts';
import { bestPassage } from './passage.ts';
import type { Reasoning, ReasoningOptions, ReasoningPlan, Round } from './reasoning-plan.ts';
import { isTermRetriever } from './retriever.ts';
import { checkedRounds, type Rounds } from './rounds.ts';
import { searchesFor } from './searches.ts';
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
  const { count, keep, passages: most, passageWords, tokens, deadline } = checkedRounds(given);
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
    const soFar = joinedRounds(query, reasoner, rounds, keep);
    passages = await unseenPassages(plan, query, soFar, { ...options, most, words: passageWords, shown });
    if (passages.length === 0) break;
  }
  return { reasoned: joinedRounds(query, reasoner, rounds, keep), rounds };
}

/** What the model says in one round; undefined where a round after the first one failed or came too late. */
async function askedAgain(
  watched: WatchedReasoning,
  query: string,
  options: ReasonOptions,
  { isFirst, left }: { isFirst: boolean; left: number | undefined },
): Promise<ReasonedQuery | undefined> {
  if (isFirst) return watched.reason(query, options);
  const late = left === undefined ? [] : [AbortSignal.timeout(Math.max(1, Math.min(left, 2 ** 31 - 1)))];
  const signal = AbortSignal.any([...(options.signal ? [options.signal] : []), ...late]);
  try {
    return await watched.reason(query, { ...options, signal });
  } catch (error) {
    throwIfAborted(options.signal);
    if (late.some(({ aborted }) => aborted)) return undefined;
    throw error;
  }
}

/** The rounds as one reasoned query: what all of them took, and the texts that are kept. */
function joinedRounds(
  query: string,
  { id }: Reasoner,
  rounds: readonly Round[],
  keep: 'all' | 'last',
): ReasonedQuery {
  const [first] = rounds;
  if (rounds.length === 1) return first.reasoned;
  const all = rounds.map(({ reasoned }) => reasoned);
  const { parts: _, ...joined } = joinedReasoned(query, id, all);
  const last = all.findLast(({ text }) => text !== '');
  return keep === 'last' && last ? { ...joined, text: last.text } : joined;
}

/** The best passages of what the reasoned query finds, of documents that were not shown. */
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
  const [{ text = '', weights }] = searchesFor(query, reasoned, plan).toReversed();
  const hits = await retriever.search(weights ?? text, {
    k: most,
    excluded: [...excluded, ...shown],
    signal,
  });
  const passages: { id: string; text: string }[] = [];
  for (const { id } of hits) {
    shown.add(id);
    const document = await retriever.document!(id);
    if (document === undefined) continue;
    const spans = isTermRetriever(retriever) ? retriever.spans(document) : [];
    passages.push({ id, text: bestPassage(document, spans, weights ?? new Map(), words) });
  }
  return passages;
}
