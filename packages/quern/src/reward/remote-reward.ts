/** Rewards of a server: `quern reward serve`, on this machine or another. */
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import type { RetryTiming } from '../models/openai/openai-connection.ts';
import { printable } from '../models/openai/openai-failure.ts';
import { retryWait } from '../models/openai/openai-retry.ts';
import { stopSignal } from '../stop-signal.ts';
import { checkItem } from './check-item.ts';
import { exchange, FailedRequest, hint, type RemoteRequest, type RemoteServer } from './remote-exchange.ts';
import type { Reward, RewardItem, RewardResult } from './reward.ts';

/** How a server is asked for rewards. */
export interface RemoteRewardOptions extends RetryTiming {
  /** How often a request is sent again after a failure that may pass. Default 5. */
  readonly retries?: number;
  /** What the server asks for. Default: the environment variable `QUERN_TOKEN`. */
  readonly token?: string;
  /** How long a request may take, in milliseconds, 300,000 at most. Default 180,000. */
  readonly timeoutMs?: number;
  /** Told of a failure before the request is sent again, for the first time with 1. */
  readonly onRetry?: (failure: string, attempt: number) => void;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

const rewardsRoute = '/v1/rewards';
/** As long as `fetch` waits for the start of an answer. */
const longestTimeout = 300_000;
/** The longest wait that a server can ask for, in milliseconds: one that is back sooner is not waited for in vain. */
const longestAskedWait = 60_000;
/** What is sent at once comes to far less than the 4,096 items that may wait at a server. */
const requestsAtOnce = 4;
/** A request holds so many items, a whole batch of the server's, and fewer where they come to more bytes than these. */
const requestLimits = { items: 256, bytes: 8_000_000 };
/** An answer may come to so many bytes, and so many more for each item. */
const answerBytes = { base: 64 * 1024, item: 16 * 1024 };

const healthSchema = z.object({ status: z.string(), reward: z.string().min(1).optional() });
const answerSchema = z.object({
  rewards: z.array(
    z.object({
      reward: z.number(),
      parts: z.record(z.string(), z.number()),
      failure: z.string().optional(),
    }),
  ),
});

/**
 * The reward that the server at `url` computes: the address of `quern reward serve`, with or without `/v1/rewards`. Its id is
 * that of the server's reward, or `url` where the server does not tell.
 *
 * Batches of more than 256 items or 8 MB go in several requests, each of which is a batch of its own to the server. What may
 * pass (no connection, no answer in time, 408, 429, 502 to 504) is tried again, with growing waits and after what `Retry-After`
 * asks for. Throws `USAGE` for an unusable option or address, `NETWORK` and `OVERLOADED` after the last try, `DENIED`,
 * `BAD_INPUT` for an item that cannot be scored, `BAD_REPLY` for any other answer, and `ABORTED`. What the server keeps it keeps
 * for all who ask, so that there is nothing to `forget` here.
 */
export async function remoteReward(url: string, options: RemoteRewardOptions = {}): Promise<Reward> {
  const client = new RewardClient(url, options);
  const id = await client.probe(options.signal);
  return {
    id,
    score: (batch, signal) => client.score(batch, signal),
    close: async () => undefined,
  };
}

/** Asks a server, and asks again. */
class RewardClient {
  readonly #server: RemoteServer;
  readonly #retries: number;
  readonly #onRetry: (failure: string, attempt: number) => void;
  readonly #sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly #random: () => number;

  constructor(url: string, options: RemoteRewardOptions) {
    const { retries = 5, timeoutMs = 180_000, onRetry, sleep, random } = options;
    checkWhole('retries', retries, 0, Number.MAX_SAFE_INTEGER);
    checkWhole('timeoutMs', timeoutMs, 1, longestTimeout);
    const token = usableToken(options.token ?? process.env['QUERN_TOKEN'] ?? '');
    this.#server = { where: url, base: baseOf(url), timeoutMs, ...(token !== '' && { token }) };
    this.#retries = retries;
    this.#onRetry = onRetry ?? (() => undefined);
    this.#sleep = sleep ?? ((milliseconds, signal) => pause(milliseconds, undefined, { signal }));
    this.#random = random ?? Math.random;
  }

  /** The id of the server's reward, once it is known that the server is there and lets us in. */
  async probe(outer: AbortSignal | undefined): Promise<string> {
    const stop = stopSignal(outer);
    try {
      const mostBytes = answerBytes.base;
      const health = await this.#asked({ route: '/healthz', mostBytes }, stop.signal);
      const { reward } = this.#parsed(healthSchema, health);
      if (reward !== undefined) return printable(reward, this.#server.token);
      // It tells no more to who is not let in, and that should be known before hours have gone into completions.
      await this.#asked({ route: rewardsRoute, mostBytes }, stop.signal).catch((error: unknown) => {
        if (!(error instanceof FailedRequest) || error.code === 'DENIED') throw error;
      });
      return this.#server.where;
    } finally {
      stop.stop();
    }
  }

  async score(batch: readonly RewardItem[], outer: AbortSignal | undefined): Promise<RewardResult[]> {
    throwIfAborted(outer);
    for (const [i, item] of batch.entries()) checkItem(item, `item ${i + 1} of ${batch.length}`);
    const stop = stopSignal(outer);
    try {
      const results: RewardResult[] = [];
      const parts = inOrder(requestParts(batch), requestsAtOnce, (items) => this.#scored(items, stop.signal));
      for await (const part of parts) results.push(...part);
      return results;
    } finally {
      stop.stop();
    }
  }

  /** The results of the items of a request; in two requests where the server takes none so large. */
  async #scored(items: readonly string[], signal: AbortSignal): Promise<RewardResult[]> {
    const body = `{"items":[${items.join(',')}]}`;
    const mostBytes = answerBytes.base + items.length * answerBytes.item;
    try {
      const answer = await this.#asked({ route: rewardsRoute, body, mostBytes }, signal);
      const { rewards } = this.#parsed(answerSchema, answer);
      if (rewards.length !== items.length) {
        throw this.#unusable(`it gives ${rewards.length} rewards for ${items.length} items`);
      }
      return rewards.map(({ reward, parts, failure }) => ({
        reward,
        parts,
        ...(failure !== undefined && { failure: printable(failure, this.#server.token) }),
      }));
    } catch (error) {
      if (!(error instanceof FailedRequest) || error.status !== 413 || items.length === 1) throw error;
      const half = Math.ceil(items.length / 2);
      const first = await this.#scored(items.slice(0, half), signal);
      return [...first, ...(await this.#scored(items.slice(half), signal))];
    }
  }

  /** The text of an answer, asked for again as long as it may still come. */
  async #asked(request: RemoteRequest, signal: AbortSignal): Promise<string> {
    for (let retries = 0; ; retries++) {
      try {
        return await exchange(this.#server, request, signal);
      } catch (error) {
        if (!(error instanceof FailedRequest) || !error.mayPass) throw error;
        if (retries >= this.#retries) throw retries === 0 ? error : afterRetries(error, retries);
        this.#onRetry(error.what, retries + 1);
        const asked = Math.min(longestAskedWait, error.askedWait ?? 0);
        await orAborted(this.#sleep(retryWait(retries, this.#random, asked), signal), signal);
      }
    }
  }

  #parsed<T>(schema: z.ZodType<T>, text: string): T {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.#unusable('it is not JSON');
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0];
    const place = path.length === 0 ? '' : `${printable(path.join('.'), this.#server.token)}: `;
    throw this.#unusable(place + message);
  }

  #unusable(what: string): QuernError {
    const { where } = this.#server;
    return new QuernError('BAD_REPLY', `the answer cannot be used: ${what}`, { where, hint });
  }
}

function afterRetries({ code, what, where, hint: advice, cause }: QuernError, retries: number): QuernError {
  const times = retries === 1 ? '1 retry' : `${retries} retries`;
  return new QuernError(code, `${what} (after ${times})`, { where, hint: advice, cause });
}

/** The items as JSON, in lists of what a request may hold; one that is larger is alone. */
export function* requestParts(
  batch: readonly RewardItem[],
  most: { readonly items: number; readonly bytes: number } = requestLimits,
): Generator<string[], void, undefined> {
  let part: string[] = [];
  let size = 0;
  for (const { query, completion, positives, positiveIds, completionTokens, truncated } of batch) {
    // No more than the server knows: it refuses fields that it does not.
    const text = JSON.stringify({ query, completion, positives, positiveIds, completionTokens, truncated });
    const bytes = Buffer.byteLength(text);
    if (part.length > 0 && (part.length === most.items || size + bytes > most.bytes)) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(text);
    size += bytes;
  }
  if (part.length > 0) yield part;
}

/** What the server's routes come after. Throws `USAGE`, and repeats nothing of an address that may hold a password. */
function baseOf(address: string): string {
  if (/[\s\p{Cc}]/u.test(address) || !URL.canParse(address)) throw unusableAddress('is not a URL');
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw unusableAddress('is neither http nor https');
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/*[^/]*@/i.test(address)) {
    throw unusableAddress('has a user or a password');
  }
  if (/[?#]/.test(address)) throw unusableAddress('has a query or a fragment');
  return url.href.replace(/\/+$/, '').replace(/\/v1\/rewards$/, '');
}

function unusableAddress(what: string): QuernError {
  return new QuernError('USAGE', `the address of the reward ${what}`, {
    hint: 'It reads like http://127.0.0.1:8700; the token comes from the environment variable QUERN_TOKEN',
  });
}

/** The token without the white space around it, empty where there is none. Throws `USAGE`, without repeating it. */
function usableToken(given: string): string {
  const token = given.trim();
  if (/^[\x20-\x7e]*$/.test(token)) return token;
  throw new QuernError('USAGE', 'the token holds characters that cannot be sent', { where: 'QUERN_TOKEN' });
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new QuernError('USAGE', `it is a whole number from ${least} to ${most}, not ${value}`, {
    where: name,
  });
}
