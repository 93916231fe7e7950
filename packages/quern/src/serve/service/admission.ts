import { QuernError, throwIfAborted } from '../../errors.ts';
import type { QueueLimits } from '../configuration/service-config.ts';
import { Turns } from './turns.ts';

/** Too much waits; after so many seconds it is worth another try. */
export class OverloadedError extends QuernError {
  readonly retryAfter: number;

  constructor(what: string, retryAfter: number) {
    super('OVERLOADED', what, { hint: `Try again in about ${retryAfter} s` });
    this.retryAfter = retryAfter;
  }
}

/** Work that waits for a place. */
interface Waiting {
  begin(): void;
  refuse(error: unknown): void;
}

/** How many of the last durations the estimate of {@link Admission.retryAfter} is made of. */
const remembered = 32;

/**
 * Places for work of one kind: so many at once, so many that wait, and those for so long. Who finds no place, or waits too long,
 * is refused with `OVERLOADED`. All work begins in a later turn of the event loop (see {@link Turns}): so requests that have come
 * are read, and refused, before work that holds the loop goes on. Else they would wait unread, where nobody counts them.
 */
export class Admission {
  readonly name: string;
  readonly #concurrent: number;
  readonly #most: number;
  readonly #deadline: number;
  readonly #line: Waiting[] = [];
  readonly #turns = new Turns();
  #running = 0;
  #meanDuration = 0;
  #ended = 0;

  /** `name` is what is worked on, in the plural, e.g. `searches`. */
  constructor(name: string, { concurrent = 1, waiting, deadline }: QueueLimits) {
    this.name = name;
    this.#concurrent = concurrent;
    this.#most = waiting;
    this.#deadline = deadline;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Whether work that came now would be refused. */
  get isFull(): boolean {
    return this.#running >= this.#concurrent && this.#line.length >= this.#most;
  }

  /** After how many seconds, from 1 to 60, about half of those that wait now will have had their turn. */
  get retryAfter(): number {
    const seconds = (this.#meanDuration * (this.#line.length + 1)) / this.#concurrent / 2 / 1000;
    return Math.min(60, Math.max(1, Math.ceil(seconds)));
  }

  /** The error for work that came now, where that {@link isFull}. */
  refusal(): QuernError | undefined {
    return this.isFull ? this.#refusal(`${this.#line.length} wait already`) : undefined;
  }

  /** Throws `OVERLOADED` where {@link isFull}. */
  check(): void {
    const refusal = this.refusal();
    if (refusal) throw refusal;
  }

  /** What `work` resolves to, once there was a place for it. Throws `OVERLOADED`, `ABORTED` and what `work` throws. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.take(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Waits for a place and returns what gives it back, once. Throws `OVERLOADED` and `ABORTED`. */
  async take(signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    if (this.#running < this.#concurrent) {
      this.#running++;
      await new Promise<void>((resolve) => this.#turns.next(resolve));
    } else {
      this.check();
      await this.#turn(signal);
    }
    const began = performance.now();
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.#ended++;
      const weight = 1 / Math.min(remembered, this.#ended);
      this.#meanDuration += weight * (performance.now() - began - this.#meanDuration);
      const next = this.#line.shift();
      if (next === undefined) this.#running--;
      this.#turns.after(next && (() => next.begin()));
    };
  }

  /** Resolves when the place of another has been handed over. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasBegun = false;
      const waiting: Waiting = {
        begin: () => {
          hasBegun = true;
          end();
          resolve();
        },
        refuse: (error) => {
          const place = this.#line.indexOf(waiting);
          // It is no longer in line where its turn has come but not begun.
          if (place < 0 || hasBegun) return;
          this.#line.splice(place, 1);
          end();
          reject(error);
        },
      };
      const timer = setTimeout(
        () => waiting.refuse(this.#refusal(`no turn came within ${this.#deadline} ms`)),
        this.#deadline,
      );
      const leave = (): void => waiting.refuse(new QuernError('ABORTED', 'nobody waits for it any more'));
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', leave);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#line.push(waiting);
    });
  }

  #refusal(why: string): OverloadedError {
    return new OverloadedError(`too many ${this.name}: ${why}`, this.retryAfter);
  }
}
