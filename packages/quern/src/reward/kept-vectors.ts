import { createHash } from 'node:crypto';
import type { Embedder, TextKind } from '../dense/embedder.ts';
import { checkedVector } from '../dense/vector-check.ts';
import { QuernError } from '../errors.ts';

/** Bytes that an entry takes beside its vector, about. */
const entryBytes = 200;

/** A text, how it is meant, and whether it will come again. */
export interface TextToEmbed {
  readonly text: string;
  readonly as: TextKind;
  /** Whether its vector is kept for later calls, as of questions and documents; a completion never comes again. */
  readonly kept: boolean;
}

/** The vectors of one call, by text. */
export type VectorOf = (text: string, as: TextKind) => Float32Array;

/** An embedder that knows the vectors of texts which come again; the least recently used go first. */
export class KeptVectors {
  readonly embedder: Embedder;
  /** Texts that the embedder was given so far: the work that it took. */
  embedded = 0;
  readonly #mostBytes: number;
  #bytes = 0;
  readonly #kept = new Map<string, Float32Array>();

  /** At most so many bytes of vectors are kept; default 256 MiB, some 140,000 texts of 384 dimensions. */
  constructor(embedder: Embedder, mostBytes = 256 * 1024 * 1024) {
    if (!Number.isSafeInteger(mostBytes) || mostBytes < 0) {
      throw new QuernError('USAGE', `the bytes to keep are a whole number of 0 or more, not ${mostBytes}`);
    }
    this.embedder = embedder;
    this.#mostBytes = mostBytes;
  }

  /**
   * The vectors of texts: those that are not known are embedded, each once, in one call for each {@link TextKind} that there
   * is. Throws what the embedder throws, and `BAD_REPLY` for vectors that cannot be compared.
   */
  async of(texts: readonly TextToEmbed[], signal?: AbortSignal): Promise<VectorOf> {
    const found = { query: new Map<string, Float32Array>(), document: new Map<string, Float32Array>() };
    for (const as of ['query', 'document'] as const) {
      const wanted = new Map<string, boolean>();
      for (const each of texts) {
        if (each.as === as) wanted.set(each.text, each.kept || (wanted.get(each.text) ?? false));
      }
      const unknown: string[] = [];
      for (const [text, kept] of wanted) {
        const vector = kept ? this.#recall(keyOf(text, as)) : undefined;
        if (vector) found[as].set(text, vector);
        else unknown.push(text);
      }
      if (unknown.length === 0) continue;
      const { id: where, dimensions } = this.embedder;
      const vectors = await this.embedder.embed(unknown, as, signal);
      this.embedded += unknown.length;
      for (const [position, text] of unknown.entries()) {
        const vector = checkedVector(vectors[position], dimensions, { where, position });
        found[as].set(text, vector);
        if (wanted.get(text)) this.#keep(keyOf(text, as), vector);
      }
    }
    return (text, as) => found[as].get(text)!;
  }

  /** Forgets all vectors: those of the next call are embedded anew, with one another. */
  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #recall(key: string): Float32Array | undefined {
    const vector = this.#kept.get(key);
    if (vector) {
      this.#kept.delete(key);
      this.#kept.set(key, vector);
    }
    return vector;
  }

  #keep(key: string, vector: Float32Array): void {
    if (this.#kept.has(key)) return;
    // Of its own, so that it does not hold a whole batch in memory.
    this.#kept.set(key, vector.slice());
    this.#bytes += vector.byteLength + entryBytes;
    for (const [oldest, { byteLength }] of this.#kept) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= byteLength + entryBytes;
    }
  }
}

function keyOf(text: string, as: TextKind): string {
  return createHash('sha256').update(as).update('\0').update(text, 'utf16le').digest('base64');
}

/** The cosine of the angle between two vectors that are not 0, in double precision. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return dot / Math.sqrt(aa * bb);
}
