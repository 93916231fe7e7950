import { setImmediate as laterTurn } from 'node:timers/promises';
import { throwIfAborted } from './errors.ts';

/** Milliseconds for which work may hold the event loop. */
const most = 10;

/** A share of the event loop for work that takes long and computes on it: requests, timers and signals get through in between. */
export class LoopShare {
  #since = performance.now();

  /** Waits for a later turn of the loop where work has held it for some milliseconds. Throws `ABORTED` once that is asked for. */
  async yield(signal?: AbortSignal): Promise<void> {
    if (performance.now() - this.#since >= most) {
      await laterTurn();
      this.#since = performance.now();
    }
    throwIfAborted(signal);
  }
}
