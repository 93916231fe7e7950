import { createHash } from 'node:crypto';
import { gramWords } from '../text/word-grams.ts';
import { hash32, mixed } from './hash32.ts';
import { shingles } from './shingles.ts';

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
  /** The share of the protected text's shingles that are in common. */
  readonly similarity?: number;
}

/**
 * Words in a row that two texts have in common by no accident: 13, as in the decontamination of GPT-3's training data
 * (Brown et al., arXiv 2005.14165, appendix C). Of a protected text with fewer, all of them, from six on.
 */
export const sharedWords = 13;
const leastWords = 6;

/**
 * The share of a protected text's shingles from which a question holds it, with words changed or words of its own around
 * it: less than between questions, as doubt counts here. Texts with fewer shingles are told by their runs alone.
 */
export const likeProtected = 0.5;
const leastShingles = 10;

/** Different words with a letter that a run must have: a matrix of numbers, or a formula, is shared by accident. */
const leastDifferent = 6;

/** What finds protected texts in others. In memory are the texts, and some numbers for each of their words. */
export class ProtectedTexts {
  readonly #texts: ProtectedText[] = [];
  /** For each length of runs: their hashes, and where they are, the text's number and the run's. */
  readonly #runs = new Map<number, Map<number, readonly [number, number]>>();
  /** Of texts with fewer words, all of them. */
  readonly #short = new Map<string, number>();
  /** The texts that have a shingle. */
  readonly #byShingle = new Map<number, number[]>();
  readonly #shingleCounts: number[] = [];

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
    const words = gramWords(text.text, Infinity);
    const length = Math.min(sharedWords, words.length);
    if (length < leastWords) this.#short.set(words.join(' '), number);
    else this.#addRuns(words, length, number);
    const own = shingles(text.text);
    this.#shingleCounts.push(own.size);
    for (const shingle of own) {
      const texts = this.#byShingle.get(shingle);
      if (texts) texts.push(number);
      else this.#byShingle.set(shingle, [number]);
    }
  }

  #addRuns(words: readonly string[], length: number, number: number): void {
    let runs = this.#runs.get(length);
    if (!runs) {
      runs = new Map();
      this.#runs.set(length, runs);
    }
    for (const [at, hash] of runHashes(words, length)) {
      if (length < sharedWords || isTelling(words.slice(at, at + length))) runs.set(hash, [number, at]);
    }
  }

  /** Whether a text shares a run of words with a protected one; the first such run. */
  sharedRun(text: string): Contamination | undefined {
    const words = gramWords(text, Infinity);
    for (const [length, runs] of this.#runs) {
      for (const [at, hash] of runHashes(words, length)) {
        const found = runs.get(hash);
        if (!found) continue;
        const [number, place] = found;
        const own = words.slice(at, at + length).join(' ');
        const theirs = gramWords(this.#texts[number].text, Infinity).slice(place, place + length);
        // A hash can deceive.
        if (theirs.join(' ') !== own) continue;
        return { reason: 'shares a run of words', like: this.#texts[number].id, detail: own };
      }
    }
    return this.#sameWords(words);
  }

  /** Whether a question holds a good part of a protected text, or its title is one. */
  alike(text: string, title?: string): Contamination | undefined {
    const named = title === undefined ? undefined : this.#sameWords(gramWords(title));
    if (named) return named;
    const common = new Map<number, number>();
    for (const shingle of shingles(text)) {
      for (const number of this.#byShingle.get(shingle) ?? [])
        common.set(number, (common.get(number) ?? 0) + 1);
    }
    let best: { readonly number: number; readonly share: number } | undefined;
    for (const [number, count] of common) {
      const share = count / this.#shingleCounts[number];
      if (this.#shingleCounts[number] < leastShingles || share < likeProtected) continue;
      if (share > (best?.share ?? 0)) best = { number, share };
    }
    if (!best) return undefined;
    const similarity = Math.round(best.share * 1000) / 1000;
    return { reason: 'like a protected text', like: this.#texts[best.number].id, similarity };
  }

  #sameWords(words: readonly string[]): Contamination | undefined {
    if (words.length === 0 || words.length >= leastWords) return undefined;
    const number = this.#short.get(words.join(' '));
    if (number === undefined) return undefined;
    return {
      reason: 'same words as a protected text',
      like: this.#texts[number].id,
      detail: words.join(' '),
    };
  }
}

function isTelling(run: readonly string[]): boolean {
  return new Set(run.filter((word) => /\p{L}/u.test(word))).size >= leastDifferent;
}

/** Two primes of about 32 bits, as the bases of the rolling hash. */
const firstBase = 0x9e3779b1;
const secondBase = 0x85ebca77;

/** The places of all runs of so many words, and a hash of each (52 bits), which rolls on from word to word. */
function* runHashes(words: readonly string[], length: number): Generator<[number, number]> {
  const hashes = Uint32Array.from(words, hash32);
  const [firstOut, secondOut] = [power(firstBase, length), power(secondBase, length)];
  let first = 0;
  let second = 0;
  for (let i = 0; i < hashes.length; i++) {
    first = Math.imul(first, firstBase) + hashes[i];
    second = Math.imul(second, secondBase) + hashes[i];
    if (i >= length) {
      first -= Math.imul(hashes[i - length], firstOut);
      second -= Math.imul(hashes[i - length], secondOut);
    }
    first |= 0;
    second |= 0;
    if (i < length - 1) continue;
    yield [i - length + 1, mixed(first) * 2 ** 20 + (mixed(second) >>> 12)];
  }
}

/** What a base has grown to when its word leaves the run. */
function power(base: number, length: number): number {
  let grown = 1;
  for (let i = 0; i < length; i++) grown = Math.imul(grown, base);
  return grown;
}
