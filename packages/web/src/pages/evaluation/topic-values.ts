import {
  pairedSteps,
  tieTolerance,
  type PairedComparison,
} from '../../../../quern/src/evaluate/paired-comparison.ts';
import { RecentlyUsed } from '../../../../quern/src/recently-used.ts';
import { ask, path } from '../../service/client.ts';
import type { SavedRun, TopicsAnswer } from './saved.ts';

/** A run's measures, topic by topic. */
export interface TopicValues {
  /** In their byte order. */
  readonly ids: readonly string[];
  /** By the measure's name; NaN where a topic lacks it. */
  readonly values: ReadonlyMap<string, Float64Array>;
}

/** One topic of two runs. */
export interface TopicPair {
  readonly id: string;
  readonly a: number;
  readonly b: number;
  /** b − a, 0 where it is below what counts as a tie. */
  readonly difference: number;
}

/** A comparison that is under way, and how many wait for it. */
interface Comparing {
  readonly work: Promise<PairedComparison>;
  readonly stop: AbortController;
  waiting: number;
}

const topicsAtOnce = 2000;
const kept = new RecentlyUsed<string, Promise<TopicValues>>(200);
const keptPairs = new RecentlyUsed<string, PairedComparison>(2000);
/** Comparisons that are under way: who wants one that another waits for waits for the same. */
const underWay = new Map<string, Comparing>();
/** The ids of topics by their judgements: runs of the same share them. */
const knownIds = new RecentlyUsed<string, readonly string[]>(64);

/** A run as it was saved: one that is replaced is another. */
function stateOf({ id, created }: SavedRun): string {
  return `${id} ${created}`;
}

/** A run's measures of all topics, read in parts; what was read is kept. */
export function topicValues(run: SavedRun): Promise<TopicValues> {
  const key = stateOf(run);
  const known = kept.get(key);
  if (known) return known;
  const read = readTopics(run);
  kept.set(key, read);
  read.catch(() => kept.delete(key));
  return read;
}

/** Throws where the run has been saved anew since it was listed. */
async function readTopics({ id, created, judgements }: SavedRun): Promise<TopicValues> {
  const ids: string[] = [];
  const values = new Map<string, Float64Array>();
  for (let total = Infinity; ids.length < total;) {
    const answer = await ask<TopicsAnswer>(
      `${path('v1', 'runs', id, 'topics')}?from=${ids.length}&limit=${topicsAtOnce}`,
    );
    if (answer.created !== created) {
      throw new Error('the evaluation was saved anew meanwhile: load the page again');
    }
    total = answer.total;
    if (answer.topics.length === 0) break;
    for (const topic of answer.topics) {
      for (const [name, value] of Object.entries(topic.measures)) {
        let of = values.get(name);
        if (!of) values.set(name, (of = new Float64Array(total).fill(Number.NaN)));
        of[ids.length] = value;
      }
      ids.push(topic.id);
    }
  }
  const same = knownIds.get(judgements);
  if (same && areSame(same, ids)) return { ids: same, values };
  knownIds.set(judgements, ids);
  return { ids, values };
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((id, i) => id === b[i]));
}

/** The values of two runs on the same topics. Throws where the topics are not the same, or lack the measure. */
export function pairedValues(
  a: TopicValues,
  b: TopicValues,
  measure: string,
): { readonly a: readonly number[]; readonly b: readonly number[] } {
  if (!areSame(a.ids, b.ids)) throw new Error('the topics of the two runs are not the same');
  const [ofA, ofB] = [a, b].map(({ values }) => Array.from(values.get(measure) ?? [Number.NaN]));
  if ([...ofA, ...ofB].some(Number.isNaN)) throw new Error(`some topics have no ${measure}`);
  return { a: ofA, b: ofB };
}

/** Two runs topic by topic, in the order of the topics. Throws as {@link pairedValues}. */
export function topicPairs(a: TopicValues, b: TopicValues, measure: string): TopicPair[] {
  const paired = pairedValues(a, b, measure);
  return a.ids.map((id, i) => {
    const difference = paired.b[i] - paired.a[i];
    return {
      id,
      a: paired.a[i],
      b: paired.b[i],
      difference: Math.abs(difference) < tieTolerance ? 0 : difference,
    };
  });
}

/**
 * Compares two runs as `quern compare` does, in slices of some milliseconds so that the page goes on; what was compared is kept.
 * Throws as {@link pairedValues}, and `AbortError`; the work ends when all who wait for it have left.
 */
export async function comparedRuns(
  baseline: SavedRun,
  other: SavedRun,
  measure: string,
  signal: AbortSignal,
): Promise<PairedComparison> {
  const key = JSON.stringify([stateOf(baseline), stateOf(other), measure]);
  const known = keptPairs.get(key);
  if (known) return known;
  const shared = underWay.get(key) ?? begun(key, baseline, other, measure);
  shared.waiting++;
  const leave = (): void => {
    shared.waiting--;
    if (shared.waiting === 0) shared.stop.abort();
  };
  signal.addEventListener('abort', leave);
  try {
    const pair = await shared.work;
    signal.throwIfAborted();
    return pair;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function begun(key: string, baseline: SavedRun, other: SavedRun, measure: string): Comparing {
  const stop = new AbortController();
  const work = async (): Promise<PairedComparison> => {
    const [a, b] = [await topicValues(baseline), await topicValues(other)];
    stop.signal.throwIfAborted();
    const paired = pairedValues(a, b, measure);
    const pair = await inSlices(pairedSteps(paired.a, paired.b), stop.signal);
    keptPairs.set(key, pair);
    return pair;
  };
  const comparing: Comparing = { work: work(), stop, waiting: 0 };
  const over = (): void => {
    if (underWay.get(key) === comparing) underWay.delete(key);
  };
  underWay.set(key, comparing);
  stop.signal.addEventListener('abort', over);
  comparing.work.then(over, over);
  return comparing;
}

const sliceMilliseconds = 12;

/** What `steps` return; between slices of them, others have their turn. */
export async function inSlices<T>(steps: Generator<void, T, undefined>, signal: AbortSignal): Promise<T> {
  for (;;) {
    const end = performance.now() + sliceMilliseconds;
    do {
      const { done, value } = steps.next();
      if (done) return value;
    } while (performance.now() < end);
    await turnOfOthers();
    signal.throwIfAborted();
  }
}

/** Resolves when what waits has had its turn. Timers wait 4 ms at the least, messages do not. */
function turnOfOthers(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
