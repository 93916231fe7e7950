import { setImmediate } from 'node:timers/promises';
import type { Hit, Topic } from '../collections/records.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { answerReasoned } from '../search/pipeline.ts';
import { factNames, queryFacts } from '../search/query-facts.ts';
import type { Retriever } from '../search/retriever.ts';
import { stopSignal } from '../stop-signal.ts';
import { silentWork, type OnWork } from '../work.ts';
import type { Candidate } from './cross-validation.ts';
import type { Judged } from './evaluation.ts';
import type { PlainTopic } from './gate-calibration.ts';
import { topicMeasures, type Measure } from './measures.ts';
import { answerCandidates, type AnswerCandidate } from './tuning-candidates.ts';

/** How topics are measured for tuning. */
export interface MeasuringOptions {
  readonly measure: Measure;
  /** Depth of the rankings. Default 1000, as in an evaluation. */
  readonly k?: number;
  /** The candidates for questions with these reasoned queries. Default: {@link answerCandidates}. */
  readonly candidates?: (reasoned: readonly ReasonedQuery[]) => readonly AnswerCandidate[];
  readonly signal?: AbortSignal;
  /** Told of reasoning and of searching, in topics. */
  readonly onWork?: OnWork;
}

/** Judged topics with everything that tuning needs to know of them. */
export interface TuningMeasurements {
  /** Their facts, and their values without reasoning. */
  readonly topics: readonly PlainTopic[];
  /** Their values with each way of answering, in their order. */
  readonly candidates: readonly Candidate[];
  /** What each of them is, in their order. */
  readonly plannings: readonly AnswerCandidate['planning'][];
  /** One a topic. */
  readonly reasoned: readonly ReasonedQuery[];
}

/**
 * Reasons about every topic with judgements once, and measures it without its reasoned query and with every candidate. The
 * reasoner stays the caller's to close. Throws `USAGE` for a measure that is a count, `BAD_INPUT` where no topic has
 * judgements, and what reasoning and searching throw.
 */
export async function tuningMeasurements(
  collection: Judged,
  { reasoner, retriever }: { readonly reasoner: Reasoner; readonly retriever: Retriever },
  options: MeasuringOptions,
): Promise<TuningMeasurements> {
  const { measure, candidates = answerCandidates } = options;
  if (measure.summary === 'sum') {
    throw new QuernError('USAGE', `${measure.name} is a count, not a measure to tune by`);
  }
  const topics = collection.topics.filter(({ id }) => (collection.qrels.get(id)?.size ?? 0) > 0);
  if (topics.length === 0) throw new QuernError('BAD_INPUT', `no topic of ${collection.name} has judgements`);
  const reasoned = await reasonedQueries(topics, reasoner, options);
  const ways = candidates(reasoned);
  const values = ways.map((): number[] => []);
  const plainTopics: PlainTopic[] = [];
  const { k = 1000, signal, onWork = () => silentWork } = options;
  const work = onWork('searching', topics.length);
  try {
    for (const [i, { id, text, excluded }] of topics.entries()) {
      // Searching is synchronous: let timers and signals through.
      await setImmediate();
      throwIfAborted(signal);
      const judgements = collection.qrels.get(id)!;
      const valueOf = (hits: readonly Hit[]): number =>
        topicMeasures([measure], hits, judgements)[measure.name];
      const facts = await queryFacts(text, retriever, factNames, { excluded, signal });
      plainTopics.push({ id, facts, plain: valueOf(await retriever.search(text, { k, excluded, signal })) });
      for (const [way, { planning }] of ways.entries()) {
        const whole = { ...planning, retriever };
        const found = await answerReasoned(whole, text, reasoned[i], { k, excluded, signal });
        values[way].push(valueOf(found.hits));
      }
      work.update(plainTopics.length);
    }
  } finally {
    work.stop();
  }
  return {
    topics: plainTopics,
    candidates: ways.map(({ name }, way) => ({ name, values: values[way] })),
    plannings: ways.map(({ planning }) => planning),
    reasoned,
  };
}

async function reasonedQueries(
  topics: readonly Topic[],
  reasoner: Reasoner,
  { signal, onWork = () => silentWork }: MeasuringOptions,
): Promise<ReasonedQuery[]> {
  const stopping = stopSignal(signal);
  const work = onWork('reasoning', topics.length);
  const all: ReasonedQuery[] = [];
  try {
    const each = inOrder(topics, reasoner.parallel ?? 1, ({ text, excluded }) =>
      reasoner.reason(text, { excluded, signal: stopping.signal }),
    );
    for await (const one of each) {
      throwIfAborted(signal);
      all.push(one);
      work.update(all.length);
    }
  } finally {
    work.stop();
    stopping.stop();
  }
  return all;
}
