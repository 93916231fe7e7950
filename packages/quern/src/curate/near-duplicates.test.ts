import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { randomIntegers } from '../random.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { likeBetterOnes } from './near-duplicates.ts';
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

describe('questions that are like better ones', () => {
  it('are none among those that are left, and are like the one that is named', async () => {
    const texts = variedTexts(150, 3);
    const set = await setOf(texts);
    const found = await likeBetterOnes(set, Uint32Array.from(texts.keys()), 0.6, { folder });
    await set.close();
    const all = texts.map(shingles);
    expect(found.length).toBeGreaterThan(50);
    for (const { n, better, similarity } of found) {
      expect(similarity).toBe(jaccard(all[better], all[n]));
      expect(similarity).toBeGreaterThanOrEqual(0.6);
      expect(better).toBeLessThan(n);
    }
    const gone = new Set(found.map(({ n }) => n));
    const left = [...texts.keys()].filter((n) => !gone.has(n));
    const alike = left.flatMap((a) => left.filter((b) => a < b && jaccard(all[a], all[b]) >= 0.6));
    expect(alike).toEqual([]);
  });

  it('leave one of any number of copies', async () => {
    const words = Array.from({ length: 60 }, (_, i) => `word${i}`);
    const texts = Array.from({ length: 300 }, (_, i) => [...words, `copy${i}`].join(' '));
    const set = await setOf(texts);
    let reads = 0;
    const read = set.read.bind(set);
    set.read = (n) => {
      reads++;
      return read(n);
    };
    const found = await likeBetterOnes(set, Uint32Array.from(texts.keys()), 0.7, { folder });
    await set.close();
    expect(found).toHaveLength(299);
    // Each is read once.
    expect(reads).toBeLessThanOrEqual(300);
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
