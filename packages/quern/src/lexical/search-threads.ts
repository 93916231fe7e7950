import { Worker } from 'node:worker_threads';
import { QuernError, throwIfAborted } from '../errors.ts';
import type { IndexQuery } from './index-query.ts';
import type { SearchColumns } from './search-columns.ts';
import type { ThreadOutcome } from './search-thread.ts';
import type { SegmentRanking } from './segment-search.ts';

/** The most queries that a thread gets at a time. */
const largestBatch = 8;

interface Thread {
  readonly worker: Worker;
  /** Told how the batch that it works on ended. */
  done: ((outcome: { rankings: SegmentRanking[][] } | { error: Error }) => void) | undefined;
}

/** Threads that search the same segments; the segments' memory is shared, not copied. */
export class SearchThreads {
  readonly #columns: readonly SearchColumns[];
  #threads: Thread[] = [];

  constructor(columns: readonly SearchColumns[]) {
    this.#columns = columns;
  }

  /**
   * Answers the queries that `queryAt` gives for 0 … `count` - 1, on `threads` threads, and hands each one's rankings to
   * `answered`, in no certain order. Throws what `queryAt` throws, `ABORTED`, and `IO` where a thread fails.
   */
  async run(
    count: number,
    threads: number,
    queryAt: (number: number) => IndexQuery,
    answered: (number: number, rankings: SegmentRanking[]) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    // Some batches a thread, so that none waits long for the others at the end.
    const batchSize = Math.max(1, Math.min(largestBatch, Math.floor(count / (4 * threads))));
    const running = Math.min(threads, Math.ceil(count / batchSize));
    while (this.#threads.length < running) this.#threads.push(this.#started());
    let next = 0;
    const work = async (thread: Thread): Promise<void> => {
      while (next < count) {
        throwIfAborted(signal);
        const first = next;
        next = Math.min(count, first + batchSize);
        const batch = Array.from({ length: next - first }, (_, i) => queryAt(first + i));
        const rankings = await this.#answer(thread, batch);
        for (const [i, ranking] of rankings.entries()) answered(first + i, ranking);
      }
    };
    const working = this.#threads.slice(0, running).map((thread) =>
      work(thread).catch((error: unknown) => {
        next = count;
        throw error;
      }),
    );
    const outcomes = await Promise.allSettled(working);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason as Error;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    for (const { worker } of threads) await worker.terminate();
  }

  #answer(thread: Thread, batch: readonly IndexQuery[]): Promise<SegmentRanking[][]> {
    return new Promise((resolve, reject) => {
      // A process may end while its threads are idle, not while one works.
      thread.worker.ref();
      thread.done = (outcome) => {
        thread.done = undefined;
        thread.worker.unref();
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.rankings);
      };
      thread.worker.postMessage(batch);
    });
  }

  #started(): Thread {
    // From src/lexical and from dist/lexical this is the same file.
    const file = new URL('../../dist/lexical/search-thread.js', import.meta.url);
    const thread: Thread = { worker: new Worker(file, { workerData: this.#columns }), done: undefined };
    const failed = (cause: unknown): void => {
      this.#threads = this.#threads.filter((other) => other !== thread);
      thread.done?.({ error: new QuernError('IO', 'a search thread failed', { cause }) });
    };
    thread.worker.on('message', (outcome: ThreadOutcome) =>
      thread.done?.(
        'rankings' in outcome
          ? outcome
          : { error: new QuernError('IO', outcome.message, { hint: outcome.hint }) },
      ),
    );
    thread.worker.on('error', failed);
    thread.worker.on('exit', () => failed(undefined));
    thread.worker.unref();
    return thread;
  }
}
