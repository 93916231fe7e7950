import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { randomIntegers } from '../random.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { alikePairs } from './near-duplicates.ts';
import type { TextQuestion } from './question.ts';
import { QuestionSet, QuestionSetWriter } from './question-set.ts';
import { jaccard, shingles, wordsHash } from './shingles.ts';

const folder = temporaryFolder();
let sets = 0;

async function setOf(texts: readonly string[]): Promise<QuestionSet> {
  const path = join(folder, String(sets++));
  mkdirSync(path);
  const writer = await QuestionSetWriter.create(path);
  for (const [i, text] of texts.entries()) {
    const question: TextQuestion = {
      id: `q${i}`,
      domain: 'd',
      draw: i / texts.length,
      text,
      hasImage: false,
      answers: [],
    };
    await writer.add(question);
  }
  await writer.finish();
  return QuestionSet.open(path);
}

/** Texts of random words, and copies of them with some words changed. */
function variedTexts(count: number, seed: number): string[] {
  const next = randomIntegers(seed);
  const words = (n: number): string[] => Array.from({ length: n }, () => `w${next() % 500}`);
  return Array.from({ length: count }, () => words(30 + (next() % 60))).flatMap((text) => {
    const changed = [...text];
    const changes = next() % 12;
    for (let i = 0; i < changes; i++) changed[next() % changed.length] = `x${next()}`;
    return [text.join(' '), changed.join(' ')];
  });
}

describe('pairs of like texts', () => {
  it('are those that comparing all with all finds', async () => {
    const texts = variedTexts(150, 3);
    const set = await setOf(texts);
    const order = Uint32Array.from(texts.keys());
    const found = await alikePairs(set, order, 0.6, { folder });
    await set.close();
    const all = texts.map(shingles);
    const expected: string[] = [];
    for (let a = 0; a < texts.length; a++) {
      for (let b = a + 1; b < texts.length; b++) {
        const similarity = jaccard(all[a], all[b]);
        if (similarity >= 0.6) expected.push(`${a} ${b} ${similarity}`);
      }
    }
    expect(expected.length).toBeGreaterThan(50);
    const names = found.map(({ better, worse, similarity }) => `${better} ${worse} ${similarity}`);
    expect(names.sort()).toEqual(expected.sort());
  });

  it('are few comparisons', async () => {
    const texts = variedTexts(200, 4);
    const set = await setOf(texts);
    let reads = 0;
    const read = set.read.bind(set);
    set.read = (n) => {
      reads++;
      return read(n);
    };
    const pairs = await alikePairs(set, Uint32Array.from(texts.keys()), 0.7, { folder });
    await set.close();
    expect(pairs.length).toBeGreaterThan(50);
    expect(reads).toBeLessThan(2.5 * texts.length);
  });
});

it('the same words have the same hash, whatever stands between them', () => {
  expect(wordsHash('Why, oh why?\n\nA  b.')).toBe(wordsHash('why oh WHY a b'));
  expect(wordsHash('a b')).not.toBe(wordsHash('b a'));
});

it('alike is what two texts have in common of what either has', () => {
  // Shingles: {a b c, b c d} and {b c d, c d e}: one of three in common.
  expect(jaccard(shingles('a b c d'), shingles('b c d e'))).toBeCloseTo(1 / 3);
  expect(jaccard(shingles(''), shingles(''))).toBe(0);
  expect(jaccard(shingles('a b'), shingles('A, b!'))).toBe(1);
});
