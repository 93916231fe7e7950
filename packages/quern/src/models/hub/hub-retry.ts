/** What is tried again: how often, and after which pauses. */
import { setTimeout as wait } from 'node:timers/promises';
import { QuernError, throwIfAborted } from '../../errors.ts';

/** How patient a download is, in milliseconds. */
export interface HubTiming {
  /** Without a byte for so long, a connection counts as broken. Default 30,000. */
  readonly stall: number;
  /** The pause after the first failure, about; it doubles with each further one, up to 30 times this. Default 1,000. */
  readonly pause: number;
  /** How long another process that downloads the same file may make no progress. Default 600,000. */
  readonly patience: number;
}

export const defaultTiming: HubTiming = { stall: 30_000, pause: 1_000, patience: 600_000 };

/** A failure that may be gone at the next attempt. */
export class PassingFailure extends Error {
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter: number;

  constructor(reason: string, { retryAfter = 0, cause }: { retryAfter?: number; cause?: unknown } = {}) {
    super(reason, { cause });
    this.retryAfter = retryAfter;
  }
}

const resumes =
  'Check the connection and try again: what was downloaded is kept, and the next run goes on from there';

/** Attempts at one thing that end in an error, with `hint`, once `limit` of them failed in a row. */
export class Attempts {
  readonly #limit: number;
  readonly #pause: number;
  readonly #signal: AbortSignal | undefined;
  readonly #hint: string;
  #failed = 0;

  constructor(limit: number, pause: number, signal?: AbortSignal, hint = resumes) {
    this.#limit = limit;
    this.#pause = pause;
    this.#signal = signal;
    this.#hint = hint;
  }

  /** Something was achieved: what failed before no longer counts. */
  progressed(): void {
    this.#failed = 0;
  }

  /**
   * Waits until the next attempt. Throws `NETWORK`, for the file or repository `where`, when this was the last one or
   * the server asks to wait for longer than ten minutes; another error than a {@link PassingFailure} is thrown as it is.
   */
  async failed(failure: unknown, where: string): Promise<void> {
    if (!(failure instanceof PassingFailure)) throw failure;
    throwIfAborted(this.#signal);
    this.#failed++;
    if (this.#failed >= this.#limit || failure.retryAfter > longestWait) {
      throw new QuernError('NETWORK', failure.message, {
        where,
        hint: this.#hint,
        cause: failure.cause,
      });
    }
    await waitFor(retryPause(this.#failed, this.#pause, failure.retryAfter), this.#signal);
  }
}

const longestWait = 600_000;

/**
 * How long to wait after so many failures in a row, in milliseconds: `first`, doubled with each, at most 30 times
 * `first`; of that a random part from the half to the whole, so that many clients do not come back at once; and not less
 * than `retryAfter`.
 */
export function retryPause(failures: number, first: number, retryAfter = 0, random = Math.random()): number {
  const whole = first * Math.min(2 ** (failures - 1), 30);
  return Math.max(whole * (0.5 + random / 2), retryAfter);
}

/** Waits; throws `ABORTED` as soon as `signal` is aborted. */
export async function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch((error: unknown) => {
    throwIfAborted(signal);
    throw error;
  });
}
