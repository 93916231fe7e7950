/** Saved evaluations that tests write, with whatever names and values they need. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SavedEvaluation, SavedTopic } from '../../quern/src/evaluate/saved-evaluation.ts';
import { randomIntegers } from '../../quern/src/random.ts';
import type { SavedRun } from '../src/pages/evaluation/saved.ts';

/** What is said of an evaluation beside what every one of these has. */
export type Told = Partial<Omit<SavedEvaluation, 'format' | 'version'>>;

/** What a run says of itself, with the name, the collection and the measures that are given. */
export function savedRun(told: Partial<SavedRun> = {}): SavedRun {
  const head = savedEvaluation(told);
  return { id: `id of ${told.name ?? head.run} on ${head.collection}`, name: head.run, ...head, ...told };
}

/** An evaluation of three topics of which one has a measure of 1, or as it is told. */
export function savedEvaluation(told: Told = {}): SavedEvaluation {
  const topics = told.topics ?? topicsOf([1, 0, 0.5]);
  const names = Object.keys(topics[0]?.measures ?? {});
  const mean = (name: string): number => {
    let sum = 0;
    for (const { measures } of topics) sum += measures[name] ?? 0;
    return sum / topics.length;
  };
  return {
    format: 'quern evaluation',
    version: 1,
    quern: '0.1.0',
    created: '2026-01-02T03:04:05.000Z',
    run: 'bm25',
    collection: 'beir:written',
    reasoner: 'none',
    retriever: 'bm25',
    scoring: 'bm25',
    analyzer: 'english',
    parameters: { k1: 0.9, b: 0.4 },
    combine: 'replace',
    plan: [],
    k: 1000,
    queries: topics.length,
    measures: Object.fromEntries(names.map((name) => [name, mean(name)])),
    reasoning: {
      failed: 0,
      cached: 0,
      cut: 0,
      early: 0,
      skipped: 0,
      uncounted: 0,
      promptTokens: 0,
      completionTokens: 0,
      cost: [],
    },
    milliseconds: { index: 1, reason: 0, search: 2, total: 3 },
    judgements: '0123456789abcdef',
    ...told,
    topics,
  };
}

/** Topics by the values of nDCG@10 that they have. */
export function topicsOf(values: readonly number[], id = (i: number): string => `q${i}`): SavedTopic[] {
  return values.map((value, i) => ({ id: id(i), measures: { 'ndcg@10': value } }));
}

/** Values between 0 and 1 that a seed tells: each about `center`, cut where they would go beyond. */
export function drawnValues(count: number, seed: number, center = 0.4): number[] {
  const next = randomIntegers(seed);
  return Array.from({ length: count }, () => {
    const value = center + (next() / 2 ** 32 - 0.5) * 0.8;
    return Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4;
  });
}

/** Writes the files of an evaluation; of those that are not told, its record alone. */
export function writeFolder(
  folder: string,
  evaluation: SavedEvaluation,
  files: { readonly run?: string; readonly qrels?: string; readonly topics?: readonly object[] } = {},
): void {
  mkdirSync(folder, { recursive: true });
  const { run = '', qrels = '', topics = [] } = files;
  writeFileSync(join(folder, 'run.trec'), run);
  writeFileSync(join(folder, 'qrels.txt'), qrels);
  writeFileSync(join(folder, 'topics.jsonl'), topics.map((topic) => `${JSON.stringify(topic)}\n`).join(''));
  writeFileSync(join(folder, 'evaluation.json'), JSON.stringify(evaluation));
}
