import { lstat, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { fileError, QuernError } from '../../errors.ts';
import { Warnings } from '../../warnings.ts';
import { CacheDatabase, type KeyedHead } from './cache-database.ts';
import { CacheTally, type CacheStats } from './cache-stats.ts';
import { databasePlaces } from './database-opening.ts';
import {
  cachedQueryOf,
  cacheKeyHash,
  decodeCachedQuery,
  encodeCachedQuery,
  headBytes,
} from './cached-query.ts';
import type { CachedQuery } from './cached-query.ts';
import type { ReasonedQuery } from '../reasoner.ts';

/** How a cache is opened. */
export interface ReasonedQueryCacheOptions {
  /** Told of what was damaged or could not be stored. */
  readonly warnings?: Warnings;
  /** The most bytes that entries take on disk; the longest unused go when there are more. Default 1 GiB. */
  readonly maxBytes?: number;
}

/** Which entries to remove: those that one of these is true of. */
export interface PruneOptions {
  /** Neither made nor used (to the day) for this many milliseconds. */
  readonly olderThan?: number;
  /** The longest unused, until the entries take at most this many bytes on disk. */
  readonly maxBytes?: number;
  /** Of this reasoner. */
  readonly reasoner?: string;
}

/** What is to be known of an entry before it is removed. */
interface Entry extends KeyedHead {
  readonly bytes: number;
  readonly cached: Pick<CachedQuery, 'used' | 'reasoner'>;
}

const day = 24 * 60 * 60 * 1000;
/** How long a reasoned query waits to be on disk, in milliseconds: another process may hold the database up. */
const storePatience = 5000;
/** For how long nothing is stored after that failed, as on a full disk, in milliseconds. */
const storePause = 60_000;

/**
 * Reasoned queries that outlast the process, by all that determines them (`cacheKey` of a {@link Reasoner}). Several
 * processes may use one folder at once; what one has stored, the others see.
 *
 * It never stands in the way of reasoning. Where it cannot be used, as in a folder that cannot be written to, it holds
 * nothing, stores nothing, and has told the warnings so; a damaged database is set aside beside it and begun anew; a damaged
 * entry is removed.
 */
export class ReasonedQueryCache {
  /** Why it cannot be used; undefined where it can. */
  readonly unusable: QuernError | undefined;
  readonly #database: CacheDatabase | undefined;
  readonly #path: string;
  readonly #warnings: Warnings;
  readonly #maxBytes: number;
  #storesAfter = 0;
  readonly #storing = new Set<Promise<unknown>>();

  private constructor(
    folder: string,
    opened: CacheDatabase | QuernError,
    { warnings = new Warnings(), maxBytes = 2 ** 30 }: ReasonedQueryCacheOptions,
  ) {
    this.#path = databasePlaces(folder).file;
    this.#warnings = warnings;
    this.#maxBytes = maxBytes;
    if (opened instanceof QuernError) this.unusable = opened;
    else this.#database = opened;
  }

  /**
   * Opens the cache in `folder` (as a rule {@link defaultCacheFolder}), which is made where there is none. Throws
   * `MISSING_PACKAGE` without lmdb, and `USAGE` for a size that is none.
   */
  static async open(folder: string, options: ReasonedQueryCacheOptions = {}): Promise<ReasonedQueryCache> {
    const { warnings = new Warnings(), maxBytes } = options;
    if (maxBytes !== undefined) checkAmount('maxBytes', maxBytes);
    try {
      return new ReasonedQueryCache(folder, await CacheDatabase.open(folder, warnings), options);
    } catch (error) {
      const typed = ioError(error, folder);
      if (typed.code === 'MISSING_PACKAGE') throw typed;
      // Of a lock that a machine which is gone has left, somebody has to be told that it can be removed.
      const why = typed.code === 'LOCKED' ? `${typed.what}. ${typed.hint}` : typed.what;
      warnings.add(`the cache of reasoned queries is off (${why})`, typed.where ?? folder);
      return new ReasonedQueryCache(folder, typed, options);
    }
  }

  /** {@link open}, but only where there is one: undefined where there is none, and nothing is made. */
  static async openExisting(
    folder: string,
    options: ReasonedQueryCacheOptions = {},
  ): Promise<ReasonedQueryCache | undefined> {
    try {
      await lstat(databasePlaces(folder).file);
    } catch (error) {
      const typed = ioError(error, folder);
      if (typed.code === 'NOT_FOUND') return undefined;
      throw typed;
    }
    return ReasonedQueryCache.open(folder, options);
  }

  /** What is stored under a reasoner's `cacheKey`. */
  async get(cacheKey: string): Promise<CachedQuery | undefined> {
    if (!this.#database) return undefined;
    const key = cacheKeyHash(cacheKey);
    try {
      const value = await this.#database.get(key);
      if (!value) return undefined;
      const cached = decodeCachedQuery(key, value);
      if (!cached) await this.#removeDamaged([headOf(key, value)]);
      else if (Date.now() - cached.used > day) await this.#store(key, { ...cached, used: Date.now() });
      return cached;
    } catch (error) {
      this.#warn('a reasoned query could not be read from the cache', error);
      return undefined;
    }
  }

  /**
   * Stores a reasoned query under its reasoner's `cacheKey`, in place of what is there. Resolves when it is on disk, to
   * whether it is: failed, skipped and empty ones are never stored, and a failure to store is a warning.
   */
  async put(cacheKey: string, reasoned: ReasonedQuery): Promise<boolean> {
    const cached = cachedQueryOf(reasoned, Date.now());
    return cached !== undefined && this.#store(cacheKeyHash(cacheKey), cached);
  }

  /** Reads all entries. Throws where the cache cannot be used. */
  async stats(): Promise<CacheStats> {
    const tally = new CacheTally();
    await this.#forEach(({ cached }) => tally.add(cached));
    const { size } = await stat(this.#path);
    return tally.stats(size);
  }

  /**
   * Removes entries and gives the space back to the system, the latter unless another process has the cache open. Returns how
   * many were removed. Throws `USAGE` for an amount that is none, and where the cache cannot be used.
   */
  async prune({ olderThan, maxBytes, reasoner }: PruneOptions): Promise<number> {
    if (olderThan !== undefined) checkAmount('olderThan', olderThan);
    if (maxBytes !== undefined) checkAmount('maxBytes', maxBytes);
    const database = this.#usable();
    const limit = olderThan === undefined ? -Infinity : Date.now() - olderThan;
    const [gone, kept] = [[] as Entry[], [] as Entry[]];
    for (const entry of await this.#entries()) {
      const { used, reasoner: of } = entry.cached;
      (used < limit || of === reasoner ? gone : kept).push(entry);
    }
    let removed = await database.remove(gone);
    if (maxBytes !== undefined) removed += await this.#removeLongestUnused(kept, maxBytes);
    if (removed > 0) await database.shrink();
    return removed;
  }

  /** Removes all entries, as {@link prune} does. */
  async clear(): Promise<number> {
    const database = this.#usable();
    const entries: KeyedHead[] = [];
    for await (const { key, value } of database.entries()) entries.push(headOf(key, value));
    const removed = await database.remove(entries);
    await database.shrink();
    return removed;
  }

  /** Waits for what is being stored, and closes it. Doing so twice does no harm. */
  async close(): Promise<void> {
    await Promise.all(this.#storing);
    await this.#database?.close();
  }

  #usable(): CacheDatabase {
    if (this.#database) return this.#database;
    throw this.unusable!;
  }

  async #entries(): Promise<Entry[]> {
    const entries: Entry[] = [];
    await this.#forEach(({ key, value, cached: { used, reasoner } }) => {
      entries.push({ ...headOf(key, value), bytes: value.length, cached: { used, reasoner } });
    });
    return entries;
  }

  /** Tells `visit` of each entry, and removes those that are damaged. */
  async #forEach(visit: (entry: { key: Buffer; value: Buffer; cached: CachedQuery }) => void): Promise<void> {
    const damaged: KeyedHead[] = [];
    for await (const { key, value } of this.#usable().entries()) {
      const cached = decodeCachedQuery(key, value);
      if (cached) visit({ key, value, cached });
      else damaged.push(headOf(key, value));
    }
    if (damaged.length > 0) await this.#removeDamaged(damaged);
  }

  async #removeDamaged(entries: readonly KeyedHead[]): Promise<void> {
    for (const { key } of entries) {
      const where = `${this.#path} (${key.toString('hex')})`;
      this.#warnings.add('a damaged reasoned query was removed from the cache', where);
    }
    await this.#usable().remove(entries);
  }

  async #store(key: Buffer, cached: CachedQuery): Promise<boolean> {
    if (!this.#database || Date.now() < this.#storesAfter) return false;
    const storing = this.#storeAndPrune(this.#database, key, cached).then(
      () => true,
      (error: unknown) => {
        this.#storesAfter = Date.now() + storePause;
        this.#warn('a reasoned query could not be stored in the cache', error);
        return false;
      },
    );
    this.#storing.add(storing);
    void storing.then(() => this.#storing.delete(storing));
    const stop = new AbortController();
    const late = wait(storePatience, false, { ref: false, signal: stop.signal }).catch(() => false);
    const isStored = await Promise.race([storing, late]);
    stop.abort();
    return isStored;
  }

  async #storeAndPrune(database: CacheDatabase, key: Buffer, cached: CachedQuery): Promise<void> {
    await database.put(key, encodeCachedQuery(key, cached));
    if ((await database.usedBytes()) <= this.#maxBytes) return;
    // Somewhat more than needed, so that it is not needed again for the next.
    await this.#removeLongestUnused(await this.#entries(), this.#maxBytes * 0.9);
  }

  async #removeLongestUnused(entries: readonly Entry[], maxBytes: number): Promise<number> {
    const database = this.#usable();
    const inOrder = entries.toSorted((a, b) => a.cached.used - b.cached.used);
    let removed = 0;
    for (let from = 0; from < inOrder.length;) {
      const over = (await database.usedBytes()) - maxBytes;
      if (over <= 0) break;
      // Half of what it takes, and then again, as an entry takes whole pages and so more than its bytes.
      let bytes = 0;
      let to = from;
      while (bytes < over / 2 && to < inOrder.length) bytes += inOrder[to++].bytes;
      removed += await database.remove(inOrder.slice(from, to));
      from = to;
    }
    return removed;
  }

  #warn(what: string, error: unknown): void {
    this.#warnings.add(`${what} (${ioError(error, this.#path).what})`, this.#path);
  }
}

function headOf(key: Buffer, value: Buffer): KeyedHead {
  return { key, head: Buffer.from(value.subarray(0, headBytes)) };
}

/** lmdb's errors, which have a number or nothing, as ours. */
function ioError(error: unknown, path: string): QuernError {
  const typed = fileError(error, path);
  if (typed instanceof QuernError) return typed;
  const message = error instanceof Error ? error.message : String(error);
  const isFull = /no space left|quota|file too large/i.test(message);
  const details = { where: path, cause: error };
  // lmdb's message has addresses in it, and would be another each time.
  return isFull
    ? new QuernError('DISK_FULL', 'no space left to write', details)
    : new QuernError('IO', message, details);
}

function checkAmount(what: string, amount: number): void {
  if (Number.isFinite(amount) && amount >= 0) return;
  throw new QuernError('USAGE', `${what} must be 0 or more, not ${amount}`);
}
