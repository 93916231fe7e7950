import { QuernError } from '../../errors.ts';
import type { Warnings } from '../../warnings.ts';
import type { CachedQuery } from './cached-query.ts';
import type { ReasonedQueryStore } from '../cached-reasoner.ts';
import { ReasonedQueryCache } from './reasoned-query-cache.ts';
import type { ReasonedQuery } from '../reasoner.ts';

/** The cache in a folder, opened when it is first used. Where it cannot be opened, nothing is kept, which is warned of. */
export class CacheOnUse implements ReasonedQueryStore {
  readonly #folder: string;
  readonly #warnings: Warnings | undefined;
  #opened: Promise<ReasonedQueryCache | undefined> | undefined;

  constructor(folder: string, warnings?: Warnings) {
    this.#folder = folder;
    this.#warnings = warnings;
  }

  async get(cacheKey: string): Promise<CachedQuery | undefined> {
    return (await this.#cache())?.get(cacheKey);
  }

  async put(cacheKey: string, reasoned: ReasonedQuery): Promise<boolean> {
    return (await (await this.#cache())?.put(cacheKey, reasoned)) ?? false;
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }

  #cache(): Promise<ReasonedQueryCache | undefined> {
    this.#opened ??= ReasonedQueryCache.open(this.#folder, { warnings: this.#warnings }).catch(
      (error: unknown) => {
        if (!(error instanceof QuernError)) throw error;
        this.#warnings?.add(`reasoned queries are not kept (${error.what})`, error.where ?? this.#folder);
        return undefined;
      },
    );
    return this.#opened;
  }
}
