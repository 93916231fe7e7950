import { QuernError } from './errors.ts';

/** How long a failure stands before the work is tried again, in milliseconds. */
const defaultPause = 10_000;

/**
 * Work that is done once, when it is first asked for. A failure is told again to who asks soon after it, as many calls in a row
 * would otherwise each wait for the same failure; later it is tried anew, and at once where it was only stopped.
 */
export class Once<T> {
  readonly #work: () => Promise<T>;
  readonly #pause: number;
  #outcome: Promise<T> | undefined;
  #failedAt: number | undefined;

  constructor(work: () => Promise<T>, pause = defaultPause) {
    this.#work = work;
    this.#pause = pause;
  }

  get(): Promise<T> {
    const failedAt = this.#failedAt;
    if (failedAt !== undefined && performance.now() - failedAt >= this.#pause) this.reset();
    this.#outcome ??= this.#begin();
    return this.#outcome;
  }

  /** What is under way or done; undefined where it was never asked for. */
  get underWay(): Promise<T> | undefined {
    return this.#outcome;
  }

  /** Forgets the outcome: who asks next has it done again. */
  reset(): void {
    this.#outcome = undefined;
    this.#failedAt = undefined;
  }

  #begin(): Promise<T> {
    const outcome = this.#work();
    outcome.catch((error: unknown) => {
      if (this.#outcome !== outcome) return;
      if (error instanceof QuernError && error.code === 'ABORTED') this.reset();
      else this.#failedAt = performance.now();
    });
    return outcome;
  }
}
