import { setTimeout as later } from 'node:timers/promises';
import { orAborted, QuernError, throwIfAborted, type QuernErrorCode } from '../../errors.ts';
import type { Reward, RewardItem, RewardResult } from '../reward.ts';

/** How calls are gathered. */
export interface RewardQueueOptions {
  /** About how many items go to the reward at once: calls are never divided. Default 256. */
  readonly batch?: number;
  /** How long the first call of a batch waits for others, in milliseconds. Default 10. */
  readonly linger?: number;
  /** Told how many items went to the reward together. */
  readonly onBatch?: (items: number) => void;
}

/** A call that waits. */
interface Call {
  readonly items: readonly RewardItem[];
  readonly signal: AbortSignal | undefined;
  resolve(results: RewardResult[]): void;
  reject(error: unknown): void;
}

/** Errors that are no item's: they would only come again for each. */
const commonErrors: ReadonlySet<string> = new Set<QuernErrorCode>([
  'ABORTED',
  'DENIED',
  'IO',
  'MISSING_PACKAGE',
  'NETWORK',
  'NOT_FOUND',
  'OUT_OF_MEMORY',
  'TIMEOUT',
]);

/**
 * Calls of a reward, gathered into batches: those that come while a batch is scored make up the next. Where a batch fails, it
 * is halved until the call that is at fault is alone, so that a call fails only by itself.
 */
export class RewardQueue {
  readonly #reward: Reward;
  readonly #batch: number;
  readonly #linger: number;
  readonly #onBatch: (items: number) => void;
  readonly #stopping = new AbortController();
  #calls: Call[] = [];
  #waiting = 0;
  #running: Promise<void> | undefined;

  constructor(
    reward: Reward,
    { batch = 256, linger = 10, onBatch = () => undefined }: RewardQueueOptions = {},
  ) {
    this.#reward = reward;
    this.#batch = batch;
    this.#linger = linger;
    this.#onBatch = onBatch;
  }

  /** Items that have come and are not scored yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * The results of items, in their order; numbers that are not finite become a failure. Throws what the reward throws, and
   * `ABORTED` where the signal is aborted before their batch begins.
   */
  score(items: readonly RewardItem[], signal?: AbortSignal): Promise<RewardResult[]> {
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting += items.length;
      this.#calls.push({ items, signal, resolve, reject });
      this.#running ??= this.#run().finally(() => (this.#running = undefined));
    });
  }

  /** Ends the work: what waits or is being scored fails with `ABORTED`. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    await later(this.#linger);
    while (this.#calls.length > 0) {
      const calls = this.#next();
      if (calls.length > 0) await this.#scoreTogether(calls);
    }
  }

  /** The calls of the next batch; those that nobody waits for any more are left out. */
  #next(): Call[] {
    const taken: Call[] = [];
    let count = 0;
    while (this.#calls.length > 0) {
      const [call] = this.#calls;
      if (call.signal?.aborted) {
        this.#calls.shift();
        this.#waiting -= call.items.length;
        call.reject(new QuernError('ABORTED', 'nobody waits for it any more'));
        continue;
      }
      if (count > 0 && count + call.items.length > this.#batch) break;
      this.#calls.shift();
      taken.push(call);
      count += call.items.length;
    }
    return taken;
  }

  async #scoreTogether(calls: readonly Call[]): Promise<void> {
    const items = calls.flatMap((call) => call.items);
    try {
      const results = await this.#results(items);
      this.#waiting -= items.length;
      let first = 0;
      for (const call of calls) call.resolve(results.slice(first, (first += call.items.length)));
    } catch (error) {
      const isCommon = error instanceof QuernError && commonErrors.has(error.code);
      if (calls.length > 1 && !isCommon) {
        const half = Math.ceil(calls.length / 2);
        await this.#scoreTogether(calls.slice(0, half));
        await this.#scoreTogether(calls.slice(half));
        return;
      }
      this.#waiting -= items.length;
      for (const call of calls) call.reject(error);
    }
  }

  async #results(items: readonly RewardItem[]): Promise<RewardResult[]> {
    const { signal } = this.#stopping;
    throwIfAborted(signal);
    this.#onBatch(items.length);
    const results = await orAborted(this.#reward.score(items, signal), signal);
    if (results.length === items.length) return results.map(finite);
    throw new Error(`the reward ${this.#reward.id} gave ${results.length} results for ${items.length} items`);
  }
}

/** A result that a trainer can use: of numbers that are not finite it gets none. */
function finite(result: RewardResult): RewardResult {
  const { reward, parts } = result;
  if (Number.isFinite(reward) && Object.values(parts).every(Number.isFinite)) return result;
  return { reward: -1, parts: {}, failure: 'not finite' };
}
