/** The fourth stage: leaves one of each question that is there several times. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { silentWork, type OnWork } from '../../work.ts';
import { Dropping } from '../dropping.ts';
import { FaultCounts } from '../faults.ts';
import { alikePairs } from '../near-duplicates.ts';
import type { QuestionSet } from '../question-set.ts';
import { wordsHash } from '../shingles.ts';
import { markedDuplicates } from '../sources/post-links.ts';
import type { PostSource } from '../sources/post-source.ts';
import type { StageRecord } from '../stage-record.ts';

/** What counts as a duplicate. */
export interface DuplicateSettings {
  /** The share of shingles, from 0 to 1, from which two questions are taken for the same. */
  readonly similarity: number;
}

/**
 * Leaves out questions that say the same as a better one in the same words, that their site has closed as duplicates of one that
 * is left, and that are nearly the same. The better of two is the one with the higher score, of equal ones the first.
 */
export async function duplicatesStage(
  set: QuestionSet,
  folder: string,
  sources: readonly PostSource[],
  {
    similarity,
    signal,
    onWork,
  }: DuplicateSettings & { readonly signal?: AbortSignal; readonly onWork?: OnWork },
): Promise<StageRecord> {
  const dropping = new Dropping(set);
  const faults = new FaultCounts();
  const marked = await linksOf(sources, faults, signal);
  const numbers = await dropEqual(set, dropping, marked, signal);
  await dropMarked(set, dropping, marked, numbers);
  const order = bestFirst(set);
  const work = onWork?.('looking for near-duplicates', set.count) ?? silentWork;
  try {
    const pairs = await alikePairs(set, order, similarity, { folder, signal, onDone: (n) => work.update(n) });
    await dropAlike(set, dropping, pairs, order);
  } finally {
    work.stop();
    await rm(join(folder, 'bands.bin'), { force: true });
  }
  return { stage: 'duplicates', ...(await dropping.finish(folder)), counts: {}, faults: faults.list() };
}

/** For each question that a site has marked, the one it is a duplicate of. */
async function linksOf(
  sources: readonly PostSource[],
  faults: FaultCounts,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const marked = new Map<string, string>();
  for (const { site } of sources) {
    if (!site?.links) continue;
    for await (const [post, original] of markedDuplicates(site.links, site.host, { faults, signal })) {
      if (!marked.has(post)) marked.set(post, original);
    }
  }
  return marked;
}

/** Leaves out questions of the same words; returns the numbers of the linked ones that are left. */
async function dropEqual(
  set: QuestionSet,
  dropping: Dropping,
  marked: ReadonlyMap<string, string>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const originals = new Set(marked.values());
  const numbers = new Map<string, number>();
  const best = new TextTable(set.count);
  const drop = async (n: number, id: string, other: number): Promise<void> =>
    dropping.drop({ n, id, reason: 'same words', like: (await set.read(other)).id, similarity: 1 });
  for await (const { n, question } of set.all(signal)) {
    const { id } = question;
    if (marked.has(id) || originals.has(id)) numbers.set(id, n);
    const hash = wordsHash(question.text);
    const other = best.get(hash);
    if (other === undefined) best.set(hash, n);
    else if (set.facts.scores[other] >= set.facts.scores[n]) await drop(n, id, other);
    else {
      await drop(other, (await set.read(other)).id, n);
      best.set(hash, n);
    }
  }
  return numbers;
}

/** Numbers of questions by hashes of their texts, in maps that none of grows over what a map can hold. */
class TextTable {
  readonly #maps: Map<string, number>[];

  constructor(count: number) {
    this.#maps = Array.from({ length: Math.ceil((count + 1) / 4_000_000) }, () => new Map<string, number>());
  }

  get(hash: string): number | undefined {
    return this.#mapOf(hash).get(hash);
  }

  set(hash: string, n: number): void {
    this.#mapOf(hash).set(hash, n);
  }

  #mapOf(hash: string): Map<string, number> {
    return this.#maps[(hash.charCodeAt(0) * 64 + hash.charCodeAt(1)) % this.#maps.length];
  }
}

/** Leaves out what is marked as a duplicate of a question that is left, directly or by way of others. */
async function dropMarked(
  set: QuestionSet,
  dropping: Dropping,
  marked: ReadonlyMap<string, string>,
  numbers: ReadonlyMap<string, number>,
): Promise<void> {
  const isLeft = (id: string): boolean => numbers.has(id) && set.dropped[numbers.get(id)!] === 0;
  for (const id of marked.keys()) {
    if (!isLeft(id)) continue;
    const passed = new Set([id]);
    for (let next = marked.get(id); next !== undefined && !passed.has(next); next = marked.get(next)) {
      passed.add(next);
      if (!isLeft(next)) continue;
      dropping.drop({ n: numbers.get(id)!, id, reason: 'marked as a duplicate', like: next });
      break;
    }
  }
}

/** The numbers of the questions that are left, those with the highest scores first. */
function bestFirst(set: QuestionSet): Uint32Array {
  const left = new Uint32Array(set.left);
  let count = 0;
  for (let n = 0; n < set.count; n++) if (set.dropped[n] === 0) left[count++] = n;
  const { scores } = set.facts;
  return left.sort((a, b) => scores[b] - scores[a] || a - b);
}

/** Leaves out, the better ones first, what is like a question that is left. */
async function dropAlike(
  set: QuestionSet,
  dropping: Dropping,
  pairs: readonly { better: number; worse: number; similarity: number }[],
  order: Uint32Array,
): Promise<void> {
  const rank = new Map<number, number>();
  const worse = new Set(pairs.map((pair) => pair.worse));
  for (const [i, n] of order.entries()) if (worse.has(n)) rank.set(n, i);
  const sorted = pairs.toSorted(
    (a, b) => rank.get(a.worse)! - rank.get(b.worse)! || b.similarity - a.similarity || a.better - b.better,
  );
  for (const { better, worse: n, similarity } of sorted) {
    if (set.dropped[better] === 1 || set.dropped[n] === 1) continue;
    dropping.drop({
      n,
      id: (await set.read(n)).id,
      reason: 'nearly the same',
      like: (await set.read(better)).id,
      similarity: Math.round(similarity * 1000) / 1000,
    });
  }
}
