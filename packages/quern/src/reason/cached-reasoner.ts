import { orAborted, throwIfAborted } from '../errors.ts';
import type { CachedQuery } from './cache/cached-query.ts';
import { endedEarly } from './early-end.ts';
import { Follower, Followers } from './followers.ts';
import type { Enough, ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';
import type { ReasonedQueryCache } from './cache/reasoned-query-cache.ts';
import { textPieces } from './text-pieces.ts';
import { SharedGeneration, type SharedOutcome } from './shared-generation.ts';
import { WrappingReasoner } from './wrapping-reasoner.ts';

/** What keeps reasoned queries. */
export type ReasonedQueryStore = Pick<ReasonedQueryCache, 'get' | 'put' | 'close'>;

/** How a reasoner is cached. */
export interface CachedReasonerOptions {
  /** Asks the reasoner anew and stores what it says in place of what is there. Default false. */
  readonly refresh?: boolean;
  /** Whether closing it closes the cache too. Default false: whoever opened the cache closes it. */
  readonly ownsCache?: boolean;
}

/** How long the cache may take to say what it has, in milliseconds. */
const readPatience = 2000;

/** What the calls with one key wait for. */
interface Shared {
  readonly generation: SharedGeneration;
  readonly followers: Followers;
  /** Whether it ended as soon as it was enough for those who were there. */
  isBeginning: boolean;
  isCached: boolean;
}

/**
 * A reasoner that is asked only for what the cache does not have. A reasoner without `cacheKey` is asked each time.
 *
 * Calls of one key that are under way at once share one generation: each leaves it when its own signal says so, and it stops
 * when the last has left; where it fails, all of them fail, nothing is stored, and the next call tries again. That holds
 * within a process: two processes that ask the same at once both generate, and the later one's is kept.
 *
 * A text is written until it is enough for all calls that share it, one of which may wait for all of it. One that ended early
 * is kept as a beginning, and serves the calls that it is enough for. Who comes after it has ended, and needs more of it, has
 * it written anew.
 *
 * What comes from the cache is `cached`, took the time of this call, has the tokens and the end of what was stored, and costs
 * nothing; of those that share a generation, one has its cost.
 */
export class CachedReasoner extends WrappingReasoner {
  readonly #cache: ReasonedQueryStore;
  readonly #refresh: boolean;
  readonly #ownsCache: boolean;
  readonly #underWay = new Map<string, Shared>();
  readonly #storing = new Map<string, Promise<void>>();

  constructor(
    inner: Reasoner,
    cache: ReasonedQueryStore,
    { refresh = false, ownsCache = false }: CachedReasonerOptions = {},
  ) {
    super(inner);
    this.#cache = cache;
    this.#refresh = refresh;
    this.#ownsCache = ownsCache;
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    if (!this.inner.cacheKey) return this.inner.reason(query, options);
    const pieces = this.#shared(query, options, false);
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) return value;
    }
  }

  /** The text in one piece where it comes from the cache, or where the reasoner has no pieces. */
  async *stream(
    query: string,
    options: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    if (this.inner.cacheKey) return yield* this.#shared(query, options, true);
    return yield* textPieces(this.inner, query, options);
  }

  override async close(): Promise<void> {
    try {
      await this.inner.close();
    } finally {
      await Promise.all(this.#storing.values());
      if (this.#ownsCache) await this.#cache.close();
    }
  }

  async *#shared(
    query: string,
    options: ReasonOptions,
    inPieces: boolean,
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    const started = performance.now();
    const { sample, passages, enough, signal } = options;
    throwIfAborted(signal);
    const asked = this.inner.cacheKey!(query, { sample, passages, signal });
    const key = await (signal ? orAborted(asked, signal) : asked);
    let told = 0;
    let spent = 0;
    for (;;) {
      let shared = this.#underWay.get(key);
      if (!shared || shared.generation.isAbandoned) {
        shared = this.#begin(key, query, options, inPieces);
        this.#underWay.set(key, shared);
      }
      const follower = new Follower(enough);
      shared.followers.add(follower);
      let outcome: SharedOutcome;
      try {
        outcome = yield* shared.generation.follow(signal, told);
      } finally {
        shared.followers.remove(follower);
      }
      const { reasoned, isFirst } = outcome;
      told = Math.max(told, outcome.characters);
      if (isFirst) spent += reasoned.cost?.amount ?? 0;
      const end = await follower.endOf(reasoned.text);
      // It had ended for the others when this call came.
      if (shared.isBeginning && !end) continue;
      return {
        ...(await endedEarly(reasoned, () => end)),
        query,
        // The same model can have been asked by another name.
        reasoner: this.id,
        milliseconds: performance.now() - started,
        cached: shared.isCached,
        ...(reasoned.cost && { cost: { ...reasoned.cost, amount: spent } }),
      };
    }
  }

  /** Looks a key up and, where there is nothing, generates; calls with the same key share it while it is under way. */
  #begin(key: string, query: string, options: ReasonOptions, inPieces: boolean): Shared {
    const generate = async (
      signal: AbortSignal,
      onPiece: (piece: string) => void,
    ): Promise<ReasonedQuery> => {
      try {
        const cached = this.#refresh ? undefined : await this.#known(key, followers.enough);
        if (cached) {
          shared.isCached = true;
          shared.isBeginning = followers.isEnough;
          onPiece(cached.text);
          return fromCache(cached);
        }
        throwIfAborted(signal);
        // All that was written is kept: where a text is enough shows in what comes after.
        const { enough } = followers;
        const reasoned = await this.#generated(query, { ...options, enough, signal }, inPieces, onPiece);
        shared.isBeginning = followers.isEnough && reasoned.finish === 'early';
        this.#store(key, reasoned);
        return reasoned;
      } finally {
        if (this.#underWay.get(key) === shared) this.#underWay.delete(key);
      }
    };
    const followers = new Followers();
    const shared: Shared = {
      generation: new SharedGeneration(generate),
      followers,
      isBeginning: false,
      isCached: false,
    };
    return shared;
  }

  /** What is kept: the whole text, or a beginning that is enough. */
  async #known(key: string, enough: Enough): Promise<CachedQuery | undefined> {
    const kept = await this.#found(key);
    return kept && (kept.finish !== 'early' || (await enough(kept.text))) ? kept : undefined;
  }

  /** What the cache has; nothing where it does not answer soon, as reasoning must not wait for it. */
  async #found(key: string): Promise<CachedQuery | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), readPatience);
    });
    const stored = this.#storing.get(key) ?? Promise.resolve();
    return Promise.race([stored.then(() => this.#cache.get(key)), late]).finally(() => clearTimeout(timer));
  }

  /** Stores without holding up whoever waits for the text. */
  #store(key: string, reasoned: ReasonedQuery): void {
    const stored: Promise<void> = this.#cache
      .put(key, reasoned)
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        if (this.#storing.get(key) === stored) this.#storing.delete(key);
      });
    this.#storing.set(key, stored);
  }

  async #generated(
    query: string,
    options: ReasonOptions,
    inPieces: boolean,
    onPiece: (piece: string) => void,
  ): Promise<ReasonedQuery> {
    if (!inPieces || !this.inner.stream) {
      const reasoned = await this.inner.reason(query, options);
      if (reasoned.text !== '') onPiece(reasoned.text);
      return reasoned;
    }
    const pieces = this.inner.stream(query, options);
    try {
      for (;;) {
        const { done, value } = await pieces.next();
        if (done) return value;
        onPiece(value);
        throwIfAborted(options.signal);
      }
    } catch (error) {
      await pieces.return(undefined as never).catch(() => undefined);
      throw error;
    }
  }
}

function fromCache(cached: CachedQuery): ReasonedQuery {
  const { query, text, reasoner, finish, promptTokens, completionTokens, seed, currency } = cached;
  return {
    query,
    text,
    reasoner,
    finish,
    promptTokens,
    completionTokens,
    milliseconds: 0,
    cached: true,
    ...(seed !== undefined && { seed }),
    ...(currency !== undefined && { cost: { amount: 0, currency } }),
  };
}
