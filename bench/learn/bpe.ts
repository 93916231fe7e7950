/**
 * Byte-level BPE (Sennrich et al. 2016), trained: words and how often they occur, merged pair by pair, the most frequent first,
 * of those that tie the one of the lowest ids. Pairs are counted once and kept up to date from then on.
 */

/** GPT-2's letters for bytes: printable ones are themselves, others the letters from U+0100 on. In the order of their ids. */
export function byteLetters(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPrintable(byte) ? byte : 0x100 + others++),
  );
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/** What was learnt: a token's id is its place. */
export interface Merges {
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
}

/** Ids are below this. */
const most = 2 ** 16;

/** Learns from words, already split, until there are `size` tokens or no pair occurs twice. */
export function trainedMerges(words: ReadonlyMap<string, number>, size: number): Merges {
  if (size >= most) throw new RangeError(`at most ${most - 1} tokens`);
  const tokens = byteLetters();
  const merges: [string, string][] = [];
  const counts = [...words.values()];
  const spelt = Array.from(words.keys(), (word) => [...Buffer.from(word)]);
  const pairs = new Pairs();
  for (const [at, ids] of spelt.entries()) pairs.add(ids, at, counts[at]);
  while (tokens.length < size) {
    const best = pairs.best();
    if (!best) break;
    const [left, right] = [Math.floor(best.pair / most), best.pair % most];
    const id = tokens.push(tokens[left] + tokens[right]) - 1;
    merges.push([tokens[left], tokens[right]]);
    for (const at of pairs.wordsWith(best.pair)) {
      const before = spelt[at];
      const after = merged(before, left, right, id);
      if (after.length === before.length) continue;
      pairs.remove(before, counts[at]);
      pairs.add(after, at, counts[at]);
      spelt[at] = after;
    }
    pairs.forget(best.pair);
  }
  return { tokens, merges };
}

function merged(ids: readonly number[], left: number, right: number, id: number): number[] {
  const written: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      written.push(id);
      i++;
    } else written.push(ids[i]);
  }
  return written;
}

interface Counted {
  readonly pair: number;
  readonly count: number;
}

/** How often pairs occur, and where. */
class Pairs {
  readonly #counts = new Map<number, number>();
  readonly #words = new Map<number, Set<number>>();
  /** Each pair with a count that it has or had: the true one is looked up when it comes to the top. */
  readonly #heap: Counted[] = [];
  /** Pairs that grew since the last look. */
  readonly #grown = new Set<number>();

  add(ids: readonly number[], word: number, count: number): void {
    for (let i = 1; i < ids.length; i++) {
      const pair = ids[i - 1] * most + ids[i];
      this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + count);
      this.#grown.add(pair);
      const words = this.#words.get(pair);
      if (words) words.add(word);
      else this.#words.set(pair, new Set([word]));
    }
  }

  remove(ids: readonly number[], count: number): void {
    for (let i = 1; i < ids.length; i++) {
      const pair = ids[i - 1] * most + ids[i];
      this.#counts.set(pair, this.#counts.get(pair)! - count);
    }
  }

  forget(pair: number): void {
    this.#counts.delete(pair);
    this.#words.delete(pair);
  }

  /** Words that have the pair; some may have it no more. */
  wordsWith(pair: number): Iterable<number> {
    return [...(this.#words.get(pair) ?? [])];
  }

  /** The most frequent pair; undefined where none occurs twice. */
  best(): Counted | undefined {
    for (const pair of this.#grown) {
      const count = this.#counts.get(pair);
      if (count !== undefined && count > 1) push(this.#heap, { pair, count });
    }
    this.#grown.clear();
    for (;;) {
      const top = pop(this.#heap);
      if (!top) return undefined;
      const count = this.#counts.get(top.pair) ?? 0;
      if (count === top.count) return top;
      if (count > 1 && count < top.count) push(this.#heap, { pair: top.pair, count });
    }
  }
}

function isBefore(a: Counted, b: Counted): boolean {
  return a.count > b.count || (a.count === b.count && a.pair < b.pair);
}

function push(heap: Counted[], entry: Counted): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(heap[at], heap[parent])) return;
    [heap[at], heap[parent]] = [heap[parent], heap[at]];
    at = parent;
  }
}

function pop(heap: Counted[]): Counted | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (heap.length === 0 || !last) return top;
  heap[0] = last;
  for (let at = 0; ;) {
    let first = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && isBefore(heap[child], heap[first])) first = child;
    }
    if (first === at) return top;
    [heap[at], heap[first]] = [heap[first], heap[at]];
    at = first;
  }
}
