import { Worker } from 'node:worker_threads';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import type { SearchSettings, SegmentTask } from './index-query.ts';
import { buffersOf, packedQueries, unpackedRankings, type QueryBatch } from './query-batch.ts';
import type { SearchColumns } from './search-columns.ts';
import type { ThreadOutcome } from './search-thread.ts';
import type { SegmentRanking } from './segment-search.ts';
import { receivedError } from '../sent-error.ts';

/** A batch ends with the query that makes it as large: a message should cost little beside the work, and none take long. */
const fullBatch = { queries: 64, postings: 1 << 21, hits: 1 << 16 };
/** Batches that a thread has at a time: the next ones are there when one is done. */
const batchesAhead = 3;

/** What a query is, how it is searched, and how many postings it has. */
export interface PlannedQuery {
  readonly tasks: readonly SegmentTask[];
  readonly postings: number;
}

type Told = (outcome: ThreadOutcome | { readonly failure: Error }) => void;

interface Thread {
  readonly worker: Worker;
  /** Told how the batches that it has been given end, the first one first. */
  readonly waiting: Told[];
}

/** Threads that search the same segments; the segments' memory is shared, not copied. */
export class SearchThreads {
  readonly #columns: readonly SearchColumns[];
  #threads: Thread[] = [];
  /** Why it was closed. */
  #closed: Error | undefined;

  constructor(columns: readonly SearchColumns[]) {
    this.#columns = columns;
  }

  /**
   * The rankings of the queries that `queryAt` gives for 0 … `count` - 1, in this order, found on `threads` threads. It is a
   * few batches ahead of its caller, no more. Throws what `queryAt` throws, `ABORTED`, and what a thread fails by.
   */
  async *rankings(
    count: number,
    threads: number,
    settings: SearchSettings,
    queryAt: (number: number) => PlannedQuery,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly SegmentRanking[], void> {
    // Some batches a thread, so that none waits long for the others at the end.
    const most = Math.max(1, Math.min(fullBatch.queries, Math.floor(count / (4 * threads))));
    const running = Math.min(threads, Math.ceil(count / most));
    const underWay: Promise<SegmentRanking[][]>[] = [];
    let next = 0;
    while (next < count || underWay.length > 0) {
      throwIfAborted(signal);
      if (this.#closed) throw this.#closed;
      if (next < count && underWay.length < running * batchesAhead) {
        const batch: (readonly SegmentTask[])[] = [];
        let postings = 0;
        do {
          const query = queryAt(next++);
          batch.push(query.tasks);
          postings += query.postings;
        } while (
          next < count &&
          batch.length < most &&
          postings < fullBatch.postings &&
          batch.length * settings.k < fullBatch.hits
        );
        const answer = this.#answer(this.#idlest(running), packedQueries(batch, settings));
        // It may fail before its turn comes, or when nobody wants it any more.
        answer.catch(() => undefined);
        underWay.push(answer);
      } else {
        const first = underWay.shift()!;
        yield* await (signal ? orAborted(first, signal) : first);
      }
    }
  }

  /** Ends the threads; a batch that they work on rejects with `reason`. */
  async close(reason: Error): Promise<void> {
    this.#closed = reason;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  /** Of `count` threads the one with the fewest batches. */
  #idlest(count: number): Thread {
    while (this.#threads.length < count) this.#threads.push(this.#started());
    return this.#threads.slice(0, count).reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a));
  }

  #answer(thread: Thread, batch: QueryBatch): Promise<SegmentRanking[][]> {
    return new Promise((resolve, reject) => {
      // A process may end while its threads are idle, not while one works.
      thread.worker.ref();
      thread.waiting.push((outcome) => {
        if (thread.waiting.length === 0) thread.worker.unref();
        if ('rankings' in outcome) resolve(unpackedRankings(outcome.rankings, this.#columns.length));
        else reject('error' in outcome ? receivedError(outcome.error, 'searching') : outcome.failure);
      });
      thread.worker.postMessage(batch, buffersOf(batch));
    });
  }

  #started(): Thread {
    // From src/lexical and from dist/lexical this is the same file.
    const file = new URL('../../dist/lexical/search-thread.js', import.meta.url);
    const thread: Thread = { worker: new Worker(file, { workerData: this.#columns }), waiting: [] };
    const failed = (cause: unknown): void => {
      this.#threads = this.#threads.filter((other) => other !== thread);
      const failure = this.#closed ?? new QuernError('IO', 'a search thread failed', { cause });
      while (thread.waiting.length > 0) thread.waiting.shift()!({ failure });
    };
    thread.worker.on('message', (outcome: ThreadOutcome) => thread.waiting.shift()?.(outcome));
    thread.worker.on('messageerror', failed);
    thread.worker.on('error', failed);
    thread.worker.on('exit', () => failed(undefined));
    thread.worker.unref();
    return thread;
  }
}
