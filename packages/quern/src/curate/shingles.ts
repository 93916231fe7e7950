import { hash } from 'node:crypto';
import { gramWords, wordGrams } from '../text/word-grams.ts';
import { hash32 } from './hash32.ts';

/** Words in a shingle, the unit in which texts are held against each other. */
export const shingleWords = 3;

/** The shingles of a text: hashes of its runs of three words, each once. */
export function shingles(text: string): Set<number> {
  const found = new Set<number>();
  for (const gram of wordGrams(text, shingleWords)) found.add(hash32(gram));
  return found;
}

/**
 * The share of shingles that two texts have in common, of those that either has (Jaccard's coefficient); 0 where neither
 * has any.
 */
export function jaccard(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let common = 0;
  for (const shingle of small) if (large.has(shingle)) common++;
  const union = a.size + b.size - common;
  return union === 0 ? 0 : common / union;
}

/** A hash (48 bits) of a text's words, without regard to case, marks and white space: texts with the same say the same. */
export function wordsHash(text: string): number {
  return Number.parseInt(hash('sha256', gramWords(text, Infinity).join(' '), 'hex').slice(0, 12), 16);
}
