/**
 * Where a text begins to go round in circles: a block of words comes again and again.
 *
 * A word is a run of letters without regard to case, or of digits, or an ideograph. The number before an item of a list is
 * none, so that one item over and over is a loop; other numbers count: the rows of a table and the steps of a calculation
 * often differ in nothing else.
 */

/** A loop in a text. */
export interface Loop {
  /** Where the first copy of the block ends, in characters of the text: what is before is kept. */
  readonly end: number;
  /** Where it was certain, in characters. */
  readonly seen: number;
  /** Words of the block. */
  readonly period: number;
  /** Words that had come again by then. */
  readonly repeated: number;
}

/** Words that must have come again. In 3,856 reasoned queries, the most that did so without a loop was 22. */
const leastRepeated = 32;
/** Of longer blocks, so many copies after the first, or so many words in them: a sum can have five terms that are the same. */
const leastRepeatedCopies = 5;
const enoughRepeated = 64;
/** And of any block, so many copies after the first. */
const leastRepeatedAtAll = 2;
/** Blocks of so few words come more often for good reasons: the terms of a sum, a column of one value. */
const shortPeriod = 3;
/** Where no word of the block has a letter, as in matrices of zeros. */
const leastRepeatedNumbers = 128;
const longestPeriod = 500;
/** Longer runs are several words: some loops have no spaces. */
const longestWord = 16;

const ideograph = String.raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]`;
const words = new RegExp(
  String.raw`${ideograph}|(?:(?!${ideograph})[\p{L}\p{M}]){1,${longestWord}}|\p{N}{1,${longestWord}}`,
  'gu',
);
const restOfWord = new RegExp(
  String.raw`(?:(?!${ideograph})[\p{L}\p{M}\p{N}]){0,${longestWord}}[^\s\p{L}\p{M}\p{N}]*`,
  'uy',
);
const hasLetters = /\p{L}/u;
const isIdeograph = new RegExp(`^${ideograph}`, 'u');
/** Characters before the number of a list's item that are looked at: indents and marks. */
const longestIndent = 8;

/**
 * The search for the first loop of a text while it comes. What it finds depends on the text alone, not on the pieces that it
 * came in. It compares a word with its earlier places among the last 500 words, once.
 */
export class LoopSearch {
  /** Words that were compared with others so far, which is what the search costs. */
  compared = 0;
  #loop: Loop | undefined;
  /** Where the next word is looked for. */
  #next: number;
  readonly #ends: number[] = [];
  /** For each word, how many up to it have letters. */
  readonly #lettered: number[] = [];
  /** For each word, where the same one stood before, or -1. */
  readonly #previous: number[] = [];
  readonly #last = new Map<string, number>();
  /** For each period, how many words in a row are the same as those a period before, and up to which word. */
  readonly #runs = new Int32Array(longestPeriod + 1);
  readonly #runEnds = new Int32Array(longestPeriod + 1).fill(-1);

  /** A search from the character `start` on. */
  constructor(start = 0) {
    this.#next = start;
  }

  /**
   * The first loop of the text, which begins with what was given before; undefined as long as there is none. Unless the text
   * is whole, its last word may go on and is left for later.
   */
  in(text: string, { isWhole = false }: { readonly isWhole?: boolean } = {}): Loop | undefined {
    const end = isWhole ? text.length : wholeCharacters(text);
    while (!this.#loop) {
      words.lastIndex = this.#next;
      const match = words.exec(text);
      if (!match) break;
      const [word] = match;
      const start = match.index;
      const after = start + word.length;
      if (!isWhole && mayGoOn(word, end - after)) break;
      this.#next = after;
      if (!isNumberOfItem(text, start, after)) this.#loop = this.#add(text, word.toLowerCase(), after);
    }
    return this.#loop;
  }

  #add(text: string, word: string, end: number): Loop | undefined {
    const at = this.#ends.length;
    this.#ends.push(end);
    this.#lettered.push((this.#lettered[at - 1] ?? 0) + (hasLetters.test(word) ? 1 : 0));
    let earlier = this.#last.get(word) ?? -1;
    // A block twice over is a block too, and goes back no further: only the shortest counts.
    let farthest = 0;
    this.#previous.push(earlier);
    this.#last.set(word, at);
    for (; earlier >= 0 && at - earlier <= longestPeriod; earlier = this.#previous[earlier]) {
      this.compared++;
      const period = at - earlier;
      const repeated = this.#runEnds[period] === at - 1 ? this.#runs[period] + 1 : 1;
      this.#runs[period] = repeated;
      this.#runEnds[period] = at;
      if (period + repeated <= farthest) continue;
      farthest = period + repeated;
      if (!this.#isLoop(at, period, repeated)) continue;
      const copyEnd = this.#ends[at - repeated];
      return { end: closed(text, copyEnd), seen: end, period, repeated };
    }
    return undefined;
  }

  #isLoop(at: number, period: number, repeated: number): boolean {
    if (repeated < wordsRepeated(period)) return false;
    const isLettered = this.#lettered[at] > (this.#lettered[at - period] ?? 0);
    return isLettered || repeated >= leastRepeatedNumbers;
  }
}

/** Words that must have come again of a block of so many. */
function wordsRepeated(period: number): number {
  if (period <= shortPeriod) return enoughRepeated;
  const some = Math.min(leastRepeatedCopies * period, enoughRepeated);
  return Math.max(leastRepeated, some, leastRepeatedAtAll * period);
}

/** The text's length without half a character at its end. */
function wholeCharacters(text: string): number {
  return /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length;
}

/** Whether the word, with so many characters after it, could be a longer one, or the number of an item. */
function mayGoOn(word: string, follow: number): boolean {
  if (/^\p{N}+$/u.test(word)) return follow < 2;
  return follow < 1 && !isIdeograph.test(word);
}

/** Whether this word is the `12` of a line that begins with `12. ` or `12) `, after marks or none. */
function isNumberOfItem(text: string, start: number, end: number): boolean {
  if (!/^\d+[.)](?!\d)$/.test(text.slice(start, end + 1)) || /\d/.test(text.charAt(end + 1))) return false;
  const before =
    start <= longestIndent ? `\n${text.slice(0, start)}` : text.slice(start - longestIndent, start);
  return /\n[ \t*#>-]*$/.test(before);
}

/** `end`, or where what stands there without a space ends: the rest of `64x`, and punctuation. */
function closed(text: string, end: number): number {
  restOfWord.lastIndex = end;
  return end + (restOfWord.exec(text)?.[0].length ?? 0);
}
