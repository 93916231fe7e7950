import { createHash } from 'node:crypto';
import { hash32, mixed } from './hash32.ts';
import { bandHashes, bands } from './min-hash.ts';
import { jaccard, shingles, wordsHash } from './shingles.ts';
import { gramWords } from '../text/word-grams.ts';

/** A text that training data must not hold. */
export interface ProtectedText {
  /** What it is: a collection, a topic. */
  readonly id: string;
  readonly text: string;
}

/** How a text was found to hold, or to be like, a protected one. */
export interface Contamination {
  readonly reason: 'shares a run of words' | 'like a protected text' | 'same words as a protected text';
  /** The protected text's id. */
  readonly like: string;
  /** The words in common, where it is a run of them. */
  readonly detail?: string;
  readonly similarity?: number;
}

/**
 * Words in a row that two texts have in common by no accident: 13, as in the decontamination of GPT-3's training data (Brown et
 * al., arXiv 2005.14165, appendix C).
 */
export const sharedWords = 13;

/** The share of shingles from which a question is taken for a protected one: less than between questions, as doubt counts here. */
export const likeProtected = 0.5;

/** What finds protected texts in others. */
export class ProtectedTexts {
  readonly #texts: ProtectedText[] = [];
  /** Hashes of runs of 13 words, and where they are: the text's number and the run's. */
  readonly #runs = new Map<number, readonly [number, number]>();
  /** Of texts with fewer words, hashes of all of them. */
  readonly #short = new Map<string, number>();
  /** For each band, the buckets and the texts in them. */
  readonly #buckets = Array.from({ length: bands }, () => new Map<number, number[]>());

  /** How many there are. */
  get size(): number {
    return this.#texts.length;
  }

  /** A hash of all of them. */
  get identity(): string {
    const hash = createHash('sha256');
    for (const { id, text } of this.#texts) hash.update(JSON.stringify([id, text]));
    return hash.digest('hex');
  }

  add(text: ProtectedText): void {
    const number = this.#texts.push(text) - 1;
    const words = gramWords(text.text);
    if (words.length === 0) return;
    if (words.length < sharedWords) this.#short.set(wordsHash(text.text), number);
    else {
      for (const [run, hash] of runHashes(words)) {
        if (isTelling(words.slice(run, run + sharedWords))) this.#runs.set(hash, [number, run]);
      }
    }
    for (const [band, hash] of bandHashes(shingles(text.text)).entries()) {
      const bucket = this.#buckets[band].get(hash);
      if (bucket) bucket.push(number);
      else this.#buckets[band].set(hash, [number]);
    }
  }

  /** Whether a text shares a run of words with a protected one; the first such run. */
  sharedRun(text: string): Contamination | undefined {
    const words = gramWords(text);
    if (words.length < sharedWords) return this.#sameWords(text);
    for (const [run, hash] of runHashes(words)) {
      const found = this.#runs.get(hash);
      if (!found) continue;
      const [number, place] = found;
      const own = words.slice(run, run + sharedWords).join(' ');
      const theirs = gramWords(this.#texts[number].text).slice(place, place + sharedWords);
      // A hash can deceive.
      if (theirs.join(' ') !== own) continue;
      return { reason: 'shares a run of words', like: this.#texts[number].id, detail: own };
    }
    return undefined;
  }

  /** Whether a question is like a protected text, as a whole or by its title. */
  alike(text: string, title?: string): Contamination | undefined {
    const named = title === undefined ? undefined : this.#sameWords(title);
    if (named) return named;
    const own = shingles(text);
    const numbers = new Set<number>();
    for (const [band, hash] of bandHashes(own).entries()) {
      for (const number of this.#buckets[band].get(hash) ?? []) numbers.add(number);
    }
    let best: { readonly number: number; readonly similarity: number } | undefined;
    for (const number of numbers) {
      const similarity = jaccard(own, shingles(this.#texts[number].text));
      if (similarity >= likeProtected && similarity > (best?.similarity ?? 0)) best = { number, similarity };
    }
    if (!best) return undefined;
    const { number, similarity } = best;
    const rounded = Math.round(similarity * 1000) / 1000;
    return { reason: 'like a protected text', like: this.#texts[number].id, similarity: rounded };
  }

  #sameWords(text: string): Contamination | undefined {
    const number = this.#short.get(wordsHash(text));
    if (number === undefined || gramWords(text).length === 0) return undefined;
    return {
      reason: 'same words as a protected text',
      like: this.#texts[number].id,
      detail: text.slice(0, 200),
    };
  }
}

/** Different words with a letter that a run must have: a matrix of numbers, or a formula, is shared by accident. */
const leastDifferent = 6;

function isTelling(run: readonly string[]): boolean {
  return new Set(run.filter((word) => /\p{L}/u.test(word))).size >= leastDifferent;
}

/** Two primes of about 32 bits, as the bases of the rolling hash. */
const firstBase = 0x9e3779b1;
const secondBase = 0x85ebca77;

/** The places of all runs of 13 words, and a hash of each (52 bits), which rolls on from word to word. */
function* runHashes(words: readonly string[]): Generator<[number, number]> {
  const hashes = Uint32Array.from(words, hash32);
  const [firstOut, secondOut] = [power(firstBase), power(secondBase)];
  let first = 0;
  let second = 0;
  for (let i = 0; i < hashes.length; i++) {
    first = Math.imul(first, firstBase) + hashes[i];
    second = Math.imul(second, secondBase) + hashes[i];
    if (i >= sharedWords) {
      first -= Math.imul(hashes[i - sharedWords], firstOut);
      second -= Math.imul(hashes[i - sharedWords], secondOut);
    }
    first |= 0;
    second |= 0;
    if (i < sharedWords - 1) continue;
    yield [i - sharedWords + 1, mixed(first) * 2 ** 20 + (mixed(second) >>> 12)];
  }
}

/** What a base has grown to when its word leaves the run. */
function power(base: number): number {
  let grown = 1;
  for (let i = 0; i < sharedWords; i++) grown = Math.imul(grown, base);
  return grown;
}
