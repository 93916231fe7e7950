import type { Prices } from '../configuration.ts';
import type { Reply, TokenUsage } from './openai-reply.ts';
import type { Money, ReasonedQuery } from '../reasoner.ts';

/** What a reasoner's calls came to. */
export interface OpenAiTotals {
  /** Calls that were started. */
  readonly calls: number;
  /** Requests that were sent beyond the first of each call. */
  readonly retries: number;
  /** Calls that ended in an error, being stopped by the caller aside. */
  readonly failures: number;
  /** Of the calls that ended well, as in their reasoned queries. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the calls whose tokens the server counted; only where the configuration gives prices. */
  readonly cost?: Money;
}

/** Adds up {@link OpenAiTotals}. */
export class RunningTotals {
  calls = 0;
  retries = 0;
  failures = 0;
  #promptTokens = 0;
  #completionTokens = 0;
  #amount = 0;
  readonly #prices?: Prices;

  constructor(prices?: Prices) {
    this.#prices = prices;
  }

  /** Adds a whole reply, and returns what it alone came to. */
  add(reply: Reply): TokenUsage & Pick<ReasonedQuery, 'cost' | 'uncounted'> {
    const tokens = reply.usage ?? {
      promptTokens: 0,
      completionTokens: reply.pieces,
      uncounted: true as const,
    };
    const { promptTokens, completionTokens } = tokens;
    this.#promptTokens += promptTokens;
    this.#completionTokens += completionTokens;
    if (!this.#prices || !reply.usage) return tokens;
    const { input, output } = this.#prices;
    const amount = (promptTokens * input + completionTokens * output) / 1e6;
    this.#amount += amount;
    return { ...tokens, cost: this.#money(amount) };
  }

  /** The totals so far. */
  snapshot(): OpenAiTotals {
    return {
      calls: this.calls,
      retries: this.retries,
      failures: this.failures,
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      ...(this.#prices ? { cost: this.#money(this.#amount) } : {}),
    };
  }

  #money(amount: number): Money {
    return { amount, currency: this.#prices?.currency ?? 'USD' };
  }
}
