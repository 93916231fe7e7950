/** The fourth stage: leaves one of each question that is there several times. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { silentWork, type OnWork } from '../../work.ts';
import { Components } from '../components.ts';
import { Dropping } from '../dropping.ts';
import { FaultCounts } from '../faults.ts';
import { likeBetterOnes } from '../near-duplicates.ts';
import { NumbersByHash } from '../numbers-by-hash.ts';
import { positivesOf, type PositiveSettings } from '../positives.ts';
import type { QuestionSet } from '../question-set.ts';
import { wordsHash } from '../shingles.ts';
import { markedDuplicates } from '../sources/post-links.ts';
import type { PostSource } from '../sources/post-source.ts';
import type { StageRecord } from '../stage-record.ts';

/** What counts as a duplicate. */
export interface DuplicateSettings {
  /** The share of shingles, from 0 to 1, from which two questions are taken for the same. */
  readonly similarity: number;
  /** Where positives are among the answers: what these are, as a question with one is better than one without. */
  readonly positive?: PositiveSettings;
}

/**
 * Leaves out questions that say the same as a better one in the same words, that their site has closed as duplicates of
 * the same question, and that are nearly the same. The better of two has a positive, or the higher score; of equal ones
 * the first.
 */
export async function duplicatesStage(
  set: QuestionSet,
  folder: string,
  sources: readonly PostSource[],
  {
    similarity,
    positive,
    signal,
    onWork,
  }: DuplicateSettings & { readonly signal?: AbortSignal; readonly onWork?: OnWork },
): Promise<StageRecord> {
  const dropping = new Dropping(set);
  const faults = new FaultCounts();
  const { same, marked } = await linksOf(sources, faults, signal);
  const isAnswered = new Uint8Array(set.count);
  const isBetter = (a: number, b: number): boolean => compareQuality(set, isAnswered, a, b) < 0;
  const numbers = new Map<string, number>();
  const byWords = new NumbersByHash(set.left);
  for await (const { n, question } of set.all(signal)) {
    const { id, text, answers } = question;
    if (!positive || positivesOf(answers, positive).answers.length > 0) isAnswered[n] = 1;
    if (same.has(id)) numbers.set(id, n);
    const hash = wordsHash(text);
    const other = byWords.get(hash);
    const twin = other === undefined ? undefined : await set.read(other);
    if (other === undefined || twin === undefined || wordsHash(twin.text) !== hash) {
      byWords.set(hash, n);
      continue;
    }
    const [better, worse] = isBetter(n, other) ? [n, other] : [other, n];
    const [kept, gone] = better === n ? [question, twin] : [twin, question];
    dropping.drop({ n: worse, id: gone.id, reason: 'same words', like: kept.id, similarity: 1 });
    byWords.set(hash, better);
    // What is a duplicate of the one is one of the other.
    if (same.has(gone.id) || same.has(kept.id)) {
      same.join(gone.id, kept.id);
      numbers.set(kept.id, better);
    }
  }
  dropMarked(set, dropping, { same, numbers }, (a, b) =>
    marked.has(a) === marked.has(b) ? isBetter(numbers.get(a)!, numbers.get(b)!) : marked.has(b),
  );
  const order = bestFirst(set, isAnswered);
  const work = onWork?.('looking for near-duplicates', set.count) ?? silentWork;
  try {
    const alike = await likeBetterOnes(set, order, similarity, {
      folder,
      signal,
      onDone: (n) => work.update(n),
    });
    for (const { n, better, similarity: share } of alike) {
      dropping.drop({
        n,
        id: (await set.read(n)).id,
        reason: 'nearly the same',
        like: (await set.read(better)).id,
        similarity: Math.round(share * 1000) / 1000,
      });
    }
  } finally {
    work.stop();
    await rm(join(folder, 'bands.bin'), { force: true });
  }
  return { stage: 'duplicates', ...(await dropping.finish(folder)), counts: {}, faults: faults.list() };
}

/**
 * The questions that sites have marked as duplicates, and their originals, whether these are here or not: by what they are
 * the same as.
 */
async function linksOf(
  sources: readonly PostSource[],
  faults: FaultCounts,
  signal?: AbortSignal,
): Promise<{ readonly same: Components; readonly marked: ReadonlySet<string> }> {
  const same = new Components();
  const marked = new Set<string>();
  for (const { site } of sources) {
    if (!site?.links) continue;
    for await (const [post, original] of markedDuplicates(site.links, site.host, { faults, signal })) {
      same.join(post, original);
      marked.add(post);
    }
  }
  return { same, marked };
}

/** Of each question that is there several times by its site's marks, leaves one: the original, else the best. */
function dropMarked(
  set: QuestionSet,
  dropping: Dropping,
  { same, numbers }: { readonly same: Components; readonly numbers: ReadonlyMap<string, number> },
  isBetter: (a: string, b: string) => boolean,
): void {
  const best = new Map<string, string>();
  const left = [...numbers].filter(([, n]) => set.dropped[n] === 0);
  for (const [id] of left) {
    const known = best.get(same.of(id));
    if (known === undefined || isBetter(id, known)) best.set(same.of(id), id);
  }
  for (const [id, n] of left) {
    const like = best.get(same.of(id))!;
    if (like !== id) dropping.drop({ n, id, reason: 'marked as a duplicate', like });
  }
}

/** Negative where question `a` is better than `b`: answered, with the higher score, or the first. */
function compareQuality(
  { facts: { scores } }: QuestionSet,
  isAnswered: Uint8Array,
  a: number,
  b: number,
): number {
  return isAnswered[b] - isAnswered[a] || scores[b] - scores[a] || a - b;
}

/** The numbers of the questions that are left, the best first. */
function bestFirst(set: QuestionSet, isAnswered: Uint8Array): Uint32Array {
  const left = new Uint32Array(set.left);
  let count = 0;
  for (let n = 0; n < set.count; n++) if (set.dropped[n] === 0) left[count++] = n;
  return left.sort((a, b) => compareQuality(set, isAnswered, a, b));
}
