import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, throwIfAborted } from '../errors.ts';
import { bandHashes, bands } from './min-hash.ts';
import type { QuestionSet } from './question-set.ts';
import { jaccard, shingles } from './shingles.ts';

/** A question that is like a better one. */
export interface Alike {
  readonly n: number;
  /** The better one, which is like no better one itself. */
  readonly better: number;
  /** The share of shingles that they have in common. */
  readonly similarity: number;
}

/** Of a bucket, how many kept questions one is held against: a bucket can be as large as a habit of asking is frequent. */
const mostCompared = 64;
/** Bytes of buckets' hashes that are in memory at once. */
const mostBandBytes = 256 << 20;
/** Pairs that are remembered to be different. */
const mostRemembered = 1 << 20;
/** Shingles of questions that are kept at hand. */
const mostKept = 4096;

/**
 * Tells of each question left in `set` that shares at least `least` of its shingles with a better one that is kept, found by
 * MinHash and verified exactly. `order` are the numbers of the questions, the better ones first; so each is held against those
 * that are kept before it, in every band. The hashes lie in a file in `folder`: memory holds a few numbers for each
 * question and no text.
 */
export async function likeBetterOnes(
  set: QuestionSet,
  order: Uint32Array,
  least: number,
  { folder, signal, onDone }: { folder: string; signal?: AbortSignal; onDone?: (questions: number) => void },
): Promise<Alike[]> {
  const path = join(folder, 'bands.bin');
  const file = await open(path, 'w+').catch((error: unknown) => {
    throw fileError(error, path);
  });
  try {
    const rankOf = new Uint32Array(set.count);
    for (const [rank, n] of order.entries()) rankOf[n] = rank;
    const written = new Uint32Array(order.length);
    let count = 0;
    let block: Uint32Array[] = [];
    for await (const { n, question } of set.all(signal)) {
      written[count++] = rankOf[n];
      block.push(bandHashes(shingles(question.text)));
      if (count % 64 === 0) onDone?.(n);
      if (block.length < 1024) continue;
      await file.writeFile(bytesOf(block));
      block = [];
    }
    await file.writeFile(bytesOf(block));
    const search = new BandSearch(set, order, least);
    const perPass = Math.max(1, Math.min(bands, Math.floor(mostBandBytes / (4 * Math.max(1, count)))));
    for (let first = 0; first < bands; first += perPass) {
      const columns = Array.from({ length: Math.min(perPass, bands - first) }, () => new Uint32Array(count));
      const rows = 4096;
      const buffer = Buffer.alloc(rows * bands * 4);
      const hashes = new Uint32Array(buffer.buffer, buffer.byteOffset, rows * bands);
      for (let start = 0; start < count; start += rows) {
        throwIfAborted(signal);
        const taken = Math.min(rows, count - start);
        await file.read(buffer, 0, taken * bands * 4, start * bands * 4);
        for (let row = 0; row < taken; row++) {
          for (const [i, column] of columns.entries()) {
            column[written[start + row]] = hashes[row * bands + first + i];
          }
        }
      }
      for (const column of columns) await search.band(column, signal);
    }
    return search.alike;
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file.close();
  }
}

/**
 * Holds questions against the better ones in their buckets, band by band. What is like a better one goes at once, and is
 * not held against others: so of any number of copies one stays. The better one may turn out, in a later band, to be like
 * a third; then that stays for all of them.
 */
class BandSearch {
  readonly alike: Alike[] = [];
  readonly #set: QuestionSet;
  readonly #order: Uint32Array;
  readonly #least: number;
  readonly #isGone: Uint8Array;
  /** Pairs that are known to be different; forgotten when they are many. */
  readonly #different = new Set<number>();
  readonly #kept = new Map<number, ReadonlySet<number>>();

  constructor(set: QuestionSet, order: Uint32Array, least: number) {
    this.#set = set;
    this.#order = order;
    this.#least = least;
    this.#isGone = new Uint8Array(order.length);
  }

  /** `hashes` are the buckets of one band, of the questions in their order. */
  async band(hashes: Uint32Array, signal?: AbortSignal): Promise<void> {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, hashes.length * 1.5)));
    /** The last question of a slot, and for each question the one before it in its slot; both from 1. */
    const last = new Uint32Array(size);
    const before = new Uint32Array(hashes.length);
    for (let rank = 0; rank < hashes.length; rank++) {
      if (this.#isGone[rank] === 1) continue;
      const slot = hashes[rank] & (size - 1);
      let compared = 0;
      for (let at = last[slot]; at !== 0 && compared < mostCompared; at = before[at - 1]) {
        if (hashes[at - 1] !== hashes[rank]) continue;
        compared++;
        throwIfAborted(signal);
        if (await this.#isAlike(at - 1, rank)) break;
      }
      if (this.#isGone[rank] === 1) continue;
      before[rank] = last[slot];
      last[slot] = rank + 1;
    }
  }

  /** Whether a question is like a better one; then it is gone. */
  async #isAlike(better: number, rank: number): Promise<boolean> {
    const pair = better * this.#order.length + rank;
    if (this.#different.has(pair)) return false;
    const similarity = jaccard(await this.#shingles(better), await this.#shingles(rank));
    if (similarity >= this.#least) {
      this.#isGone[rank] = 1;
      this.alike.push({ n: this.#order[rank], better: this.#order[better], similarity });
      return true;
    }
    if (this.#different.size >= mostRemembered) this.#different.clear();
    this.#different.add(pair);
    return false;
  }

  async #shingles(rank: number): Promise<ReadonlySet<number>> {
    const kept = this.#kept.get(rank);
    if (kept) return kept;
    const found = shingles((await this.#set.read(this.#order[rank])).text);
    if (this.#kept.size >= mostKept) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(rank, found);
    return found;
  }
}

function bytesOf(block: readonly Uint32Array[]): Buffer {
  return Buffer.concat(block.map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength)));
}
