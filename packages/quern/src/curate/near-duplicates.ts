import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, throwIfAborted } from '../errors.ts';
import { bandHashes, bands } from './min-hash.ts';
import type { QuestionSet } from './question-set.ts';
import { jaccard, shingles } from './shingles.ts';

/** Two questions that are alike, the better one first. */
export interface AlikePair {
  readonly better: number;
  readonly worse: number;
  /** The share of shingles that they have in common. */
  readonly similarity: number;
}

/** Of a bucket, how many earlier questions one is held against: a bucket can be as large as a habit of asking is frequent. */
const mostCompared = 64;
/** Bytes of buckets' hashes that are in memory at once. */
const mostBandBytes = 256 << 20;
/** Shingles of questions that are kept at hand. */
const mostKept = 4096;

/**
 * The pairs of the questions left in `set` of which at least the share `least` of shingles is common, found by MinHash and
 * verified exactly. `order` are the numbers of the questions, the better ones first. The hashes of all bands lie in a file in
 * `folder` and are looked at some bands at a time, so that memory holds a few numbers for each question and no text.
 */
export async function alikePairs(
  set: QuestionSet,
  order: Uint32Array,
  least: number,
  { folder, signal, onDone }: { folder: string; signal?: AbortSignal; onDone?: (questions: number) => void },
): Promise<AlikePair[]> {
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
    const search = new PairSearch(set, order, least);
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
    return search.pairs;
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file.close();
  }
}

/** Compares the questions that share a bucket, each pair once over all bands. */
class PairSearch {
  readonly pairs: AlikePair[] = [];
  readonly #set: QuestionSet;
  readonly #order: Uint32Array;
  readonly #least: number;
  readonly #compared = new Set<number>();
  readonly #kept = new Map<number, ReadonlySet<number>>();

  constructor(set: QuestionSet, order: Uint32Array, least: number) {
    this.#set = set;
    this.#order = order;
    this.#least = least;
  }

  /** `hashes` are the buckets of one band, of the questions in their order. */
  async band(hashes: Uint32Array, signal?: AbortSignal): Promise<void> {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, hashes.length * 1.5)));
    /** The last question of a slot, and for each question the one before it in its slot; both from 1. */
    const last = new Uint32Array(size);
    const before = new Uint32Array(hashes.length);
    for (let rank = 0; rank < hashes.length; rank++) {
      const slot = hashes[rank] & (size - 1);
      let compared = 0;
      for (let at = last[slot]; at !== 0 && compared < mostCompared; at = before[at - 1]) {
        if (hashes[at - 1] !== hashes[rank]) continue;
        compared++;
        await this.#compare(at - 1, rank);
        throwIfAborted(signal);
      }
      before[rank] = last[slot];
      last[slot] = rank + 1;
    }
  }

  async #compare(better: number, worse: number): Promise<void> {
    const key = better * this.#order.length + worse;
    if (this.#compared.has(key)) return;
    this.#compared.add(key);
    const [first, second] = [await this.#shingles(better), await this.#shingles(worse)];
    const similarity = jaccard(first, second);
    if (similarity < this.#least) return;
    this.pairs.push({ better: this.#order[better], worse: this.#order[worse], similarity });
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
