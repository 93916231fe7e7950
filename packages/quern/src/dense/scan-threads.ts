import { Worker } from 'node:worker_threads';
import { QuernError } from '../errors.ts';
import { receivedError } from '../sent-error.ts';
import type { ScanOutcome, ScanRequest, SharedRows } from './scan-thread.ts';

/** What a thread found. */
type Found = Exclude<ScanOutcome, { error: unknown }>;

type Told = (outcome: ScanOutcome | { readonly failure: Error }) => void;

interface Thread {
  readonly worker: Worker;
  /** Told how the requests that it has been given end, the first one first. */
  readonly waiting: Told[];
}

/** Threads that compare queries with the same vectors, whose memory they share. */
export class ScanThreads {
  readonly #rows: SharedRows;
  readonly #threads: (Thread | undefined)[] = [];
  /** Why it was closed. */
  #closed: Error | undefined;

  constructor(rows: SharedRows) {
    this.#rows = rows;
  }

  /** What thread `number` finds; it starts with the first request. Throws what it fails by. */
  scanned(number: number, request: ScanRequest): Promise<Found> {
    if (this.#closed) return Promise.reject(this.#closed);
    const thread = (this.#threads[number] ??= this.#started(number));
    return new Promise((resolve, reject) => {
      // A process may end while its threads are idle, not while one works.
      thread.worker.ref();
      thread.waiting.push((outcome) => {
        if (thread.waiting.length === 0) thread.worker.unref();
        if ('found' in outcome) resolve(outcome);
        else reject('error' in outcome ? receivedError(outcome.error, 'searching') : outcome.failure);
      });
      thread.worker.postMessage(request);
    });
  }

  /** Ends the threads; a request that they work on rejects with `reason`. */
  async close(reason: Error): Promise<void> {
    this.#closed = reason;
    await Promise.all(this.#threads.map((thread) => thread?.worker.terminate()));
  }

  #started(number: number): Thread {
    // From src/dense and from dist/dense this is the same file.
    const file = new URL('../../dist/dense/scan-thread.js', import.meta.url);
    const thread: Thread = { worker: new Worker(file, { workerData: this.#rows }), waiting: [] };
    const failed = (cause: unknown): void => {
      if (this.#threads[number] === thread) this.#threads[number] = undefined;
      const failure = this.#closed ?? new QuernError('IO', 'a search thread failed', { cause });
      while (thread.waiting.length > 0) thread.waiting.shift()!({ failure });
    };
    thread.worker.on('message', (outcome: ScanOutcome) => thread.waiting.shift()?.(outcome));
    thread.worker.on('messageerror', failed);
    thread.worker.on('error', failed);
    thread.worker.on('exit', () => failed(undefined));
    thread.worker.unref();
    return thread;
  }
}
