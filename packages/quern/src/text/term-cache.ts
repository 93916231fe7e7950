/**
 * Changes the token in the first `length` units of `units` into its term, in place, and returns the term's length; a
 * negative number drops the token.
 */
export type TokenFilter = (units: Uint16Array, length: number) => number;

/** Tokens that are kept; every further one is analysed each time it occurs. */
const MAX_ENTRIES = 1 << 20;
/** Longer tokens are rare and hardly ever repeat: they are not kept. */
const MAX_KEPT_LENGTH = 48;
/** Numbers an entry has in {@link TermCache}'s table: hash, place in the pool, length, number of its term. */
const FIELDS = 4;
const DROPPED = -1;
/** Differs from process to process, so that no text can be made of tokens whose hashes collide; terms do not depend on it. */
const [seed] = crypto.getRandomValues(new Int32Array(1));

/**
 * Terms of tokens, each token analysed once. A table with open addressing whose keys are code units in a pool of their
 * own: neither keys nor terms hold on to the text they were read from (a slice of a string would, in V8), and equal
 * terms are one string. Bounded by {@link MAX_ENTRIES}.
 */
export class TermCache {
  readonly #filter: TokenFilter;
  readonly #buffer = new Uint16Array(256);
  readonly #terms: string[] = [];
  readonly #termNumbers = new Map<string, number>();
  #entries = 0;
  #table = new Int32Array(4096 * FIELDS);
  #pool = new Uint16Array(32_768);
  #poolLength = 0;

  constructor(filter: TokenFilter) {
    this.#filter = filter;
  }

  /** The term of the token of `text` from `start` to `end`; undefined where the filter drops it. */
  termOf(text: string, start: number, end: number): string | undefined {
    const length = end - start;
    if (length > MAX_KEPT_LENGTH) return this.#analysed(text, start, end);
    let hash = seed ^ length;
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x2c1b3c6d);
      hash ^= hash >>> 15;
    }

    const table = this.#table;
    const mask = table.length - 1;
    let at = (hash << 2) & mask;
    for (; table[at + 2] !== 0; at = (at + FIELDS) & mask) {
      if (table[at] === hash && table[at + 2] === length && this.#isAt(table[at + 1], text, start, end)) {
        const number = table[at + 3];
        return number === DROPPED ? undefined : this.#terms[number];
      }
    }
    const term = this.#analysed(text, start, end);
    if (this.#entries === MAX_ENTRIES) return term;
    return this.#keep(at, hash, text, start, end, term);
  }

  #isAt(place: number, text: string, start: number, end: number): boolean {
    const pool = this.#pool;
    for (let i = start, j = place; i < end; i++, j++) if (text.charCodeAt(i) !== pool[j]) return false;
    return true;
  }

  #analysed(text: string, start: number, end: number): string | undefined {
    const length = end - start;
    const buffer = length <= this.#buffer.length ? this.#buffer : new Uint16Array(length);
    for (let i = 0; i < length; i++) buffer[i] = text.charCodeAt(start + i);
    const termLength = this.#filter(buffer, length);
    return termLength < 0 ? undefined : stringOf(buffer.subarray(0, termLength));
  }

  /** Puts an entry at `at`, which is free, and returns the one string that stands for `term`. */
  #keep(at: number, hash: number, text: string, start: number, end: number, term: string | undefined) {
    const place = this.#poolLength;
    const length = end - start;
    if (place + length > this.#pool.length) this.#pool = grown(this.#pool);
    for (let i = 0; i < length; i++) this.#pool[place + i] = text.charCodeAt(start + i);
    this.#poolLength += length;

    let number = DROPPED;
    if (term !== undefined) {
      number = this.#termNumbers.get(term) ?? this.#terms.push(term) - 1;
      if (number === this.#terms.length - 1) this.#termNumbers.set(term, number);
    }
    this.#table.set([hash, place, length, number], at);
    this.#entries++;
    if (this.#entries * FIELDS * 2 > this.#table.length) this.#table = rehashed(this.#table);
    return number === DROPPED ? undefined : this.#terms[number];
  }
}

function grown(pool: Uint16Array): Uint16Array<ArrayBuffer> {
  const larger = new Uint16Array(pool.length * 2);
  larger.set(pool);
  return larger;
}

function rehashed(table: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(table.length * 2);
  const mask = larger.length - 1;
  for (let i = 0; i < table.length; i += FIELDS) {
    if (table[i + 2] === 0) continue;
    let at = (table[i] << 2) & mask;
    while (larger[at + 2] !== 0) at = (at + FIELDS) & mask;
    larger.set(table.subarray(i, i + FIELDS), at);
  }
  return larger;
}

/** A string of its own, part of no other. */
function stringOf(units: Uint16Array): string {
  let text = '';
  for (let i = 0; i < units.length; i += 1024) text += String.fromCharCode(...units.subarray(i, i + 1024));
  return text;
}
