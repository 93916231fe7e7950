import { setImmediate } from 'node:timers/promises';
import type { Hit, Qrels, Run, Topic } from '../collections/records.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import { stopSignal } from '../stop-signal.ts';
import { reasoningAbout } from '../search/reasoning.ts';
import { answerReasoned, type Answer, type Pipeline } from '../search/pipeline.ts';
import { evaluateRun, type Measure, type RunMeasures } from './measures.ts';

/** What is evaluated: questions with judgements. */
export interface Judged {
  readonly name: string;
  readonly topics: readonly Topic[];
  readonly qrels: Qrels;
}

/** How a collection is evaluated. */
export interface EvaluationOptions {
  /** The run's name, e.g. `bm25+rm3`. */
  readonly name: string;
  /** Depth of the rankings. */
  readonly k: number;
  readonly measures: readonly Measure[];
  readonly signal?: AbortSignal;
  /** Told after each topic how many are done. */
  readonly onTopic?: (done: number) => void;
}

/** How one topic was answered, without its rankings: the final one is in the run. */
export type TopicAnswer = Omit<Answer, 'hits' | 'rankings'> & { readonly topic: Topic };

/** The outcome of {@link evaluateCollection}. */
export interface Evaluation {
  readonly collection: string;
  readonly run: Run;
  readonly measures: RunMeasures;
  readonly answers: readonly TopicAnswer[];
  /** Sums over the topics (of which several may be reasoned about at once); `total` is by the clock. */
  readonly milliseconds: { readonly reason: number; readonly search: number; readonly total: number };
}

/**
 * Answers every topic that has judgements and measures the run: means over all topics with judgements, a missing
 * ranking counting 0 (`trec_eval -c`). A topic's excluded documents are removed before the cut at k.
 */
export async function evaluateCollection(
  collection: Judged,
  pipeline: Pipeline,
  { name, k, measures, signal, onTopic }: EvaluationOptions,
): Promise<Evaluation> {
  const started = performance.now();
  const rankings = new Map<string, readonly Hit[]>();
  const answers: TopicAnswer[] = [];
  const milliseconds = { reason: 0, search: 0 };
  const topics = collection.topics.filter(({ id }) => collection.qrels.has(id));
  if (topics.length === 0) throw new QuernError('BAD_INPUT', `no topic of ${collection.name} has judgements`);
  const stopping = stopSignal(signal);
  const reasoned = inOrder(topics, pipeline.reasoner.parallel ?? 1, ({ text, excluded }) =>
    reasoningAbout(pipeline, text, { excluded, signal: stopping.signal }),
  );
  let yielded = started;
  let next = 0;
  try {
    for await (const each of reasoned) {
      // Searching is synchronous: let timers and signals through now and then.
      if (performance.now() - yielded > 50) {
        await setImmediate();
        yielded = performance.now();
      }
      throwIfAborted(signal);
      const topic = topics[next++];
      const {
        hits,
        rankings: _,
        ...rest
      } = await answerReasoned(pipeline, topic.text, each.reasoned, { k, excluded: topic.excluded, signal });
      rankings.set(topic.id, hits);
      answers.push({ ...rest, ...each, topic });
      milliseconds.reason += rest.milliseconds.reason;
      milliseconds.search += rest.milliseconds.search;
      onTopic?.(answers.length);
    }
  } finally {
    stopping.stop();
  }
  const run: Run = { name, rankings };
  return {
    collection: collection.name,
    run,
    measures: evaluateRun(run, collection.qrels, measures, { complete: true }),
    answers,
    milliseconds: { ...milliseconds, total: performance.now() - started },
  };
}
