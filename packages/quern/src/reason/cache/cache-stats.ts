import type { CachedQuery } from './cached-query.ts';

/** What a cache holds. */
export interface CacheStats {
  readonly entries: number;
  /** The size of the database's file, free space in it included. */
  readonly bytesOnDisk: number;
  /** Of the reasoned queries' texts, in UTF-8. */
  readonly bytesOfText: number;
  /** When the oldest and the newest were made: milliseconds since 1970. */
  readonly oldest?: number;
  readonly newest?: number;
  /** By the reasoner's id, the one with most entries first. */
  readonly reasoners: readonly ReasonerShare[];
}

/** What a cache holds of one reasoner. */
export interface ReasonerShare {
  readonly reasoner: string;
  readonly entries: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Adds up what entries of a cache hold. */
export class CacheTally {
  readonly #byReasoner = new Map<string, ReasonerShare>();
  #entries = 0;
  #bytesOfText = 0;
  #oldest: number | undefined;
  #newest: number | undefined;

  add({ reasoner, text, created, promptTokens, completionTokens }: CachedQuery): void {
    const before = this.#byReasoner.get(reasoner);
    this.#byReasoner.set(reasoner, {
      reasoner,
      entries: (before?.entries ?? 0) + 1,
      promptTokens: (before?.promptTokens ?? 0) + promptTokens,
      completionTokens: (before?.completionTokens ?? 0) + completionTokens,
    });
    this.#entries++;
    this.#bytesOfText += Buffer.byteLength(text);
    this.#oldest = Math.min(this.#oldest ?? created, created);
    this.#newest = Math.max(this.#newest ?? created, created);
  }

  stats(bytesOnDisk: number): CacheStats {
    return {
      entries: this.#entries,
      bytesOnDisk,
      bytesOfText: this.#bytesOfText,
      oldest: this.#oldest,
      newest: this.#newest,
      reasoners: [...this.#byReasoner.values()].toSorted((a, b) => b.entries - a.entries),
    };
  }
}
