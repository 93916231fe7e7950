import { setTimeout as pause } from 'node:timers/promises';
import { QuernError } from '../../errors.ts';
import type { OpenAiAddress } from './openai-address.ts';
import { exchange, type Ask, type Server } from './openai-exchange.ts';
import { isPassing, refusal, RefusedRequest } from './openai-failure.ts';
import type { ServerKey } from './openai-key.ts';
import type { Lifetime } from './openai-lifetime.ts';
import { retryWait } from './openai-retry.ts';

/** How long waits between attempts are, and how they are made. */
export interface RetryTiming {
  /** Waits between attempts; it rejects when the signal is aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1, for the jitter of those waits. */
  readonly random?: () => number;
}

/** What a connection is made from. */
export interface ConnectionSettings extends RetryTiming {
  readonly address: OpenAiAddress;
  readonly key: ServerKey;
  /** What comes after the base URL, such as `/chat/completions`. */
  readonly route: string;
  /** How long the server may send nothing, in milliseconds. */
  readonly idle: number;
  /** How often a request is sent again. */
  readonly retries: number;
}

/** A server that is asked again where an error may pass. */
export class OpenAiConnection {
  readonly server: Server;
  readonly #settings: ConnectionSettings;
  readonly #sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly #random: () => number;

  constructor(settings: ConnectionSettings) {
    const { address, key, idle, sleep, random } = settings;
    this.#settings = settings;
    this.server = { baseUrl: address.baseUrl, where: address.name, secret: key.value, idle };
    this.#sleep = sleep ?? ((milliseconds, signal) => pause(milliseconds, undefined, { signal }));
    this.#random = random ?? Math.random;
  }

  /**
   * The JSON value that the server answers with, at most `mostBytes` long. Throws `DENIED`, `NOT_FOUND`, `NETWORK`,
   * `TIMEOUT`, `BAD_REPLY`, `MISSING_PACKAGE`, and the reason of the call's end.
   */
  async json(ask: Ask, life: Lifetime, mostBytes: number): Promise<unknown> {
    for (let retries = 0; ; retries++) {
      try {
        const values: unknown[] = [];
        for await (const value of exchange(this.server, ask, { signal: life.signal, mostBytes })) {
          values.push(value);
        }
        if (values.length === 1) return values[0];
        throw this.unusable('it is not one JSON value');
      } catch (error) {
        await this.waitToRetry(error, retries, life);
      }
    }
  }

  /** Waits as long as the error asks for, or throws it where trying again would not help or come too late. */
  async waitToRetry(error: unknown, retries: number, life: Lifetime): Promise<void> {
    const told = error instanceof RefusedRequest ? error.error : undefined;
    const mayPass = told ? isPassing(told) : error instanceof QuernError && error.code === 'NETWORK';
    if (!mayPass || retries >= this.#settings.retries) throw this.shown(error);
    const wait = retryWait(retries, this.#random, told?.retryAfter);
    if (wait >= life.left()) throw this.shown(error);
    await this.#sleep(wait, life.signal).catch((failure: unknown) => {
      if (!life.signal.aborted) throw failure;
    });
    life.signal.throwIfAborted();
  }

  /** What a caller sees of an error. */
  shown(error: unknown): unknown {
    if (!(error instanceof RefusedRequest)) return error;
    const { address, key, route } = this.#settings;
    return refusal(error.error, { where: this.server.where, model: address.model, key, route });
  }

  /** `BAD_REPLY`, saying `what`. */
  unusable(what: string): QuernError {
    return new QuernError('BAD_REPLY', `the reply cannot be used: ${what}`, { where: this.server.where });
  }
}
