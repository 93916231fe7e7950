import { setImmediate } from 'node:timers/promises';
import type { Topic } from '../collections/records.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { stopSignal } from '../stop-signal.ts';
import type { LexicalRetriever } from '../search/lexical-retriever.ts';
import { answerReasoned } from '../search/pipeline.ts';
import { factNames, queryFacts } from '../search/query-facts.ts';
import type { Judged } from './evaluation.ts';
import {
  calibratedGate,
  type GateCalibration,
  type GateSettings,
  type PlainTopic,
} from './gate-calibration.ts';
import { topicMeasures, type Measure } from './measures.ts';
import { silentWork, type OnWork } from '../work.ts';
import { answerCandidates, type AnswerCandidate } from './tuning-candidates.ts';
import { tunedCombination, type CombinationTuning } from './tuning-combination.ts';
import type { Candidate } from './cross-validation.ts';

/** How a collection is tuned on. */
export interface TuningOptions extends GateSettings {
  readonly measure: Measure;
  /** Depth of the rankings. Default 1000, as in an evaluation. */
  readonly k?: number;
  /** The candidates for questions with these reasoned queries. Default: {@link answerCandidates}. */
  readonly candidates?: (reasoned: readonly ReasonedQuery[]) => readonly AnswerCandidate[];
  readonly signal?: AbortSignal;
  /** Told of reasoning and of searching, in topics. */
  readonly onWork?: OnWork;
}

/** The outcome of {@link tuneCollection}. */
export interface Tuning {
  readonly combination: CombinationTuning;
  readonly gate: GateCalibration;
  /** One a topic. */
  readonly reasoned: readonly ReasonedQuery[];
}

/** A topic's facts and values, before anything is chosen. */
interface MeasuredTopics {
  readonly topics: readonly PlainTopic[];
  readonly candidates: readonly Candidate[];
}

const fewestTopics = 10;

/**
 * Finds out on judged topics how a question and its reasoned query are best combined, and where it is best not to reason.
 * Every topic is reasoned about once and searched in every way; the combination is chosen, and the gate for it calibrated,
 * with what both bring measured by cross-validation over the same folds. The reasoner stays the caller's to close.
 *
 * Throws `BAD_INPUT` for fewer than ten topics with judgements, `USAGE` for a measure that is a count, and what reasoning
 * and searching throw.
 */
export async function tuneCollection(
  collection: Judged,
  { reasoner, retriever }: { readonly reasoner: Reasoner; readonly retriever: LexicalRetriever },
  options: TuningOptions,
): Promise<Tuning> {
  const { measure, folds, seed, worth } = options;
  if (measure.summary === 'sum') {
    throw new QuernError('USAGE', `${measure.name} is a count, not a measure to tune by`);
  }
  const topics = collection.topics.filter(({ id }) => (collection.qrels.get(id)?.size ?? 0) > 0);
  if (topics.length < fewestTopics) {
    throw new QuernError('BAD_INPUT', `${collection.name} has ${topics.length} topics with judgements`, {
      hint: `Tuning needs ${fewestTopics} at the least, and says little for fewer than a hundred`,
    });
  }
  const reasoned = await reasonedQueries(topics, reasoner, options);
  const measured = await measuredTopics(collection, topics, reasoned, retriever, options);
  const plain = measured.topics.map((topic) => topic.plain);
  const ids = topics.map(({ id }) => id);
  const combination = tunedCombination({ topics: ids, plain, candidates: measured.candidates, folds, seed });
  const valuesOf = (place: number): readonly number[] => measured.candidates[place].values;
  const gate = calibratedGate(measured.topics, valuesOf(combination.place), { worth, folds, seed }, (fold) =>
    valuesOf(combination.crossValidation.folds[fold].chosen),
  );
  return { combination, gate, reasoned };
}

async function reasonedQueries(
  topics: readonly Topic[],
  reasoner: Reasoner,
  { signal, onWork = () => silentWork }: TuningOptions,
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

async function measuredTopics(
  { qrels }: Judged,
  topics: readonly Topic[],
  reasoned: readonly ReasonedQuery[],
  retriever: LexicalRetriever,
  { measure, k = 1000, signal, onWork = () => silentWork, candidates = answerCandidates }: TuningOptions,
): Promise<MeasuredTopics> {
  const ways = candidates(reasoned);
  const values = ways.map((): number[] => []);
  const plainTopics: PlainTopic[] = [];
  const work = onWork('searching', topics.length);
  try {
    for (const [i, { id, text, excluded }] of topics.entries()) {
      // Searching is synchronous: let timers and signals through.
      await setImmediate();
      throwIfAborted(signal);
      const judgements = qrels.get(id)!;
      const valueOf = (hits: Parameters<typeof topicMeasures>[1]): number =>
        topicMeasures([measure], hits, judgements)[measure.name];
      const facts = await queryFacts(text, retriever, factNames, { excluded, signal });
      const plain = valueOf(await retriever.search(text, { k, excluded, signal }));
      plainTopics.push({ id, facts, plain });
      for (const [way, { settings }] of ways.entries()) {
        const { combine, reasoned: combined } = settings(reasoned[i]);
        const { hits } = await answerReasoned({ combine, retriever }, text, combined, {
          k,
          excluded,
          signal,
        });
        values[way].push(valueOf(hits));
      }
      work.update(plainTopics.length);
    }
  } finally {
    work.stop();
  }
  return { topics: plainTopics, candidates: ways.map(({ name }, way) => ({ name, values: values[way] })) };
}
