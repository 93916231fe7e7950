import { openCollection, type Collection } from '../collections/collection.ts';
import { excerpt } from '../collections/jsonl.ts';
import { documentText, type Topic } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { topicMeasures, type Measure } from '../evaluate/measures.ts';
import type { Scoring } from '../lexical/bm25.ts';
import { openCollectionIndex } from '../lexical/collection-index.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Retriever } from '../search/retriever.ts';
import {
  checkScoring,
  closeEmbedders,
  openEmbedders,
  openRetriever,
  retrieverNamed,
} from '../search/retrievers.ts';
import { Warnings } from '../warnings.ts';
import { silentWork, type OnWork } from '../work.ts';
import { ablation, type Ablation } from './ablation.ts';
import { checkItem } from './check-item.ts';
import { reasonedQueryOf } from './completion.ts';
import { readCompletions, type RecordedCompletion } from './completions-file.ts';
import { collectionOf } from './index-collection.ts';
import { ranksInCollection, rewardNamed, type RewardSettings } from './rewards.ts';
import type { RewardItem, RewardResult } from './reward.ts';

/** What {@link ablateNamed} holds rewards against, and how. */
export interface NamedAblationOptions {
  /** The name of the collection that the questions are of. */
  readonly collection: string;
  readonly data?: string;
  readonly split?: string;
  /** The folder of the collection's index: opened, or built there. Without it, an index is built for the moment. */
  readonly index?: string;
  /** The collection's own default when not given. */
  readonly scoring?: Scoring;
  /**
   * The name of a retriever, whose rankings are measured and `retrieval:MEASURE` ranks in. The index must have the vectors of
   * one that searches by them. Default: the scoring.
   */
  readonly retriever?: string;
  readonly rewards: readonly string[];
  /** How rewards are opened; the collection's index is what `retrieval:MEASURE` ranks in. */
  readonly settings?: Omit<RewardSettings, 'collection' | 'analyzer'>;
  /** The measure that counts. */
  readonly measure: Measure;
  readonly seed?: number;
  readonly warnings?: Warnings;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** The outcome of {@link ablateNamed}. */
export interface NamedAblation extends Ablation {
  readonly collection: string;
  readonly retriever: string;
  readonly measure: string;
}

/** Depth of the rankings that are measured. */
const depth = 1000;
/** Questions whose completions are scored at once, as in a step of the method. */
const groupsOfBatch = 12;

/**
 * Scores the completions of a file by rewards, and holds each against what the same completions gain in a measure on a collection
 * when they replace their questions; a completion that cannot be read leaves its question as it is, and gains nothing. The
 * positives are the file's, or the relevant documents: their texts where the index has them, else their terms. Throws `BAD_INPUT`
 * for a question that is not the collection's, and what opening and scoring throw.
 */
export async function ablateNamed(path: string, options: NamedAblationOptions): Promise<NamedAblation> {
  const { measure, signal, warnings = new Warnings(), onWork = () => silentWork, data, split } = options;
  const planned = options.retriever === undefined ? undefined : retrieverNamed(options.retriever);
  if (planned) checkScoring(planned, options.scoring);
  if (planned && planned.embedders.length > 0 && options.index === undefined) {
    throw new QuernError('USAGE', 'searches vectors, and there is no index that has them', {
      where: planned.name,
      hint: 'Name one that was made with --dense',
    });
  }
  const completions = await readCompletions(path);
  const collection = await openCollection(options.collection, { data, split, warnings, signal });
  const asked = withTopics(completions, collection, path, warnings);
  let work = silentWork;
  const opened = await openCollectionIndex(collection, {
    folder: options.index,
    store: true,
    warnings,
    signal,
    onBuild: (bytes) => (work = onWork(`indexing ${collection.name}`, bytes ?? 0)),
    onProgress: (_, bytes) => work.update(bytes),
  }).finally(() => work.stop());
  const { index, folder } = opened;
  const closing = [() => opened.close()];
  try {
    const plan = planned ?? retrieverNamed(options.scoring ?? collection.defaultScoring);
    const embedders = await openEmbedders(plan, options.settings?.embedding);
    closing.unshift(() => closeEmbedders(embedders));
    const searching = await openRetriever(plan, embedders, { index, folder, warnings });
    closing.unshift(() => searching.close());
    const { retriever } = searching;
    const gains = await gainsOf(asked, collection, retriever, measure, signal);
    const items = await itemsOf(asked, collection, index, warnings);
    const groups = asked.map(({ topic }) => topic.id);
    const settings = {
      ...options.settings,
      ...(options.rewards.some(ranksInCollection) && { collection: collectionOf(retriever) }),
      analyzer: index.analyzer,
    };
    const rewards = [];
    for (const name of options.rewards) {
      const reward = await rewardNamed(name, settings);
      work = onWork(name, items.length);
      try {
        const results: RewardResult[] = [];
        for (const batch of batchesOf(items, groups)) {
          results.push(...(await reward.score(batch, signal)));
          work.update(results.length);
        }
        rewards.push({ reward: name, results });
      } finally {
        work.stop();
        await reward.close();
      }
    }
    const outcome = ablation({ groups, gains, rewards }, options);
    if (outcome.differingGroups === 0) {
      warnings.add(
        'of no question are there completions that gain differently, and nothing can be told of the rewards: give several of each',
        path,
      );
    }
    return { collection: collection.name, retriever: retriever.id, measure: measure.name, ...outcome };
  } finally {
    for (const close of closing) await close();
  }
}

/** A completion, and the question of the collection that it is for. */
interface Asked {
  readonly recorded: RecordedCompletion;
  readonly topic: Topic;
  readonly judgements: ReadonlyMap<string, number>;
}

/** The completions with their topics, those of one topic beside each other. */
function withTopics(
  completions: readonly RecordedCompletion[],
  { name, topics, qrels }: Collection,
  path: string,
  warnings: Warnings,
): Asked[] {
  const byId = new Map(topics.map((topic) => [topic.id, topic]));
  const byText = new Map(topics.map((topic) => [topic.text, topic]));
  const groups = new Map<Topic, Asked[]>();
  for (const recorded of completions) {
    const { topic: id, query, where } = recorded;
    const topic = id === undefined ? byText.get(query) : byId.get(id);
    if (!topic) {
      const what = id === undefined ? 'its query is no question' : 'its id is none of a question';
      throw new QuernError('BAD_INPUT', `${what} of ${name}`, {
        where,
        hint: 'Is it of another collection, or another split?',
      });
    }
    const judgements = qrels.get(topic.id);
    if (!judgements || ![...judgements.values()].some((level) => level > 0)) {
      warnings.add('left out: its question has no relevant document', where);
      continue;
    }
    const group = groups.get(topic) ?? [];
    groups.set(topic, group);
    group.push({ recorded, topic, judgements });
  }
  if (groups.size === 0) throw new QuernError('BAD_INPUT', 'no completion to score', { where: path });
  return [...groups.values()].flat();
}

async function gainsOf(
  asked: readonly Asked[],
  { qrels }: Collection,
  retriever: Retriever,
  measure: Measure,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const valueOf = async (text: string, { id, excluded }: Topic): Promise<number> => {
    const hits = await retriever.search(text, { k: depth, excluded, signal });
    return topicMeasures([measure], hits, qrels.get(id)!)[measure.name];
  };
  const before = new Map<Topic, number>();
  const gains: number[] = [];
  for (const { topic, recorded } of asked) {
    const plain = before.get(topic) ?? (await valueOf(topic.text, topic));
    before.set(topic, plain);
    const { text } = reasonedQueryOf(recorded.completion);
    gains.push(text === undefined ? 0 : (await valueOf(text, topic)) - plain);
  }
  return gains;
}

async function itemsOf(
  asked: readonly Asked[],
  { name }: Collection,
  index: LexicalIndex,
  warnings: Warnings,
): Promise<RewardItem[]> {
  const texts = new Map<string, string>();
  const items: RewardItem[] = [];
  for (const { recorded, topic, judgements } of asked) {
    const { topic: _, where, ...own } = recorded;
    let { positives, positiveIds } = recorded;
    const unknown = positiveIds?.find((id) => !index.has(id));
    if (unknown !== undefined) {
      throw new QuernError('BAD_INPUT', `the index has no document ${excerpt(unknown)}`, { where });
    }
    if (!positives) {
      positiveIds ??= [...judgements].filter(([id, level]) => level > 0 && index.has(id)).map(([id]) => id);
      const found: string[] = [];
      for (const id of positiveIds) {
        const text = texts.get(id) ?? (await textOf(id, index, warnings, `${name}, topic ${topic.id}`));
        texts.set(id, text);
        found.push(text);
      }
      positives = found;
    }
    const item = { ...own, positives, positiveIds };
    checkItem(item, where);
    items.push(item);
  }
  return items;
}

/** The text of a document, or its terms, each as often as it occurs. */
async function textOf(id: string, index: LexicalIndex, warnings: Warnings, where: string): Promise<string> {
  const stored = await index.document(id);
  if (stored) return documentText(stored);
  warnings.add('the index has no texts: the terms of relevant documents stand for them', where);
  const vector = await index.vector(id);
  return [...vector].map(([term, frequency]) => `${term} `.repeat(frequency)).join('');
}

/** The items of so many groups at a time, which stand beside each other. */
function* batchesOf(items: readonly RewardItem[], groups: readonly string[]): Generator<RewardItem[]> {
  let batch: RewardItem[] = [];
  let count = 0;
  for (const [i, item] of items.entries()) {
    if (groups[i] !== groups[i - 1] && count++ === groupsOfBatch) {
      yield batch;
      batch = [];
      count = 1;
    }
    batch.push(item);
  }
  yield batch;
}
