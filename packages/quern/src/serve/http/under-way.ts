import type { FastifyReply } from 'fastify';
import { setTimeout as later } from 'node:timers/promises';
import { QuernError } from '../../errors.ts';
import { shuttingDown } from './answer-error.ts';
import { whenOver } from './when-over.ts';

/** The requests that are under way: how many there may be, and how they end when the service does. */
export class UnderWay {
  readonly #most: number;
  readonly #controllers = new Set<AbortController>();
  #isDraining = false;

  /** `most` at once; those beyond are refused. */
  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#controllers.size;
  }

  /** Whether no more requests are taken. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Counts a request until it is answered, and returns what is aborted when its client goes or {@link drain} loses patience. Throws
   * 503 while draining and `OVERLOADED` where there are too many, but for requests that are `always` taken.
   */
  begin(reply: FastifyReply, always: boolean): AbortSignal {
    if (!always && this.#isDraining) throw shuttingDown();
    if (!always && this.#controllers.size >= this.#most) {
      throw new QuernError('OVERLOADED', `${this.#controllers.size} requests are under way`);
    }
    const controller = new AbortController();
    if (!always) this.#controllers.add(controller);
    whenOver(reply, () => {
      this.#controllers.delete(controller);
      if (!reply.raw.writableFinished) controller.abort();
    });
    return controller.signal;
  }

  /** Takes no more, and resolves when those under way have ended; after `patience` milliseconds they are broken off. */
  async drain(patience: number): Promise<void> {
    this.#isDraining = true;
    const until = performance.now() + patience;
    while (this.#controllers.size > 0 && performance.now() < until) await later(20);
    for (const controller of this.#controllers) controller.abort(shuttingDown());
    // What was broken off says so to its client.
    if (this.#controllers.size > 0) await later(100);
  }
}
