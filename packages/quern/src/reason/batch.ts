import { lstat, realpath } from 'node:fs/promises';
import { QuernError, throwIfAborted } from '../errors.ts';
import { ProcessLock } from '../process-lock.ts';
import { stopSignal } from '../stop-signal.ts';
import { writeLines } from '../whole-file.ts';
import { BatchCalls } from './batch/batch-calls.ts';
import { batchLines, checkIsFree, finishedCalls } from './batch/batch-file.ts';
import { BatchJournal, type JournalEntry } from './batch/batch-journal.ts';
import type { BatchQueries } from './batch/batch-queries.ts';
import { reasonedRecord, type ReasonedRecord } from './reasoned-record.ts';
import type { ReasonedQuery, Reasoner } from './reasoner.ts';
import { reasoningTotals, summedTotals, type ReasoningTotals } from './reasoning-totals.ts';

/** How {@link reasonBatch} goes about it. */
export interface BatchOptions {
  /** The file that is written when all is done. Beside it, `OUT.partial` keeps what has been done until then. */
  readonly out: string;
  /** How many samples of each query. Default 1. */
  readonly samples?: number;
  /**
   * What the reasoned queries depend on that the reasoner's `cacheKey` does not tell, such as the index that rm3 learns from:
   * with other settings it is another batch. Default none.
   */
  readonly settings?: string;
  readonly signal?: AbortSignal;
  /** Told before the first call of how many there are, and how many of them an earlier run did. */
  readonly onBegin?: (total: number, resumed: number) => void;
  /** Told of each call that ends, and of how many have. */
  readonly onDone?: (done: number, total: number, reasoned: ReasonedRecord) => void;
}

/** What a batch came to; its sums are over the calls of this run. */
export interface BatchSummary extends ReasoningTotals {
  readonly queries: number;
  /** Calls that an earlier run of the same batch had done. */
  readonly resumed: number;
  readonly milliseconds: number;
}

/**
 * Reasons about many queries, as many at once as the reasoner answers faster, and writes one JSON object a line to `out`, in
 * the order of the queries: `id` (where the query has one), `sample` (where there are several), the reasoned query, and
 * `batch`. Calls that failed are written too, with `finish: 'failed'`.
 *
 * `batch` is the beginning of a hash of the reasoner's id and `cacheKey`, the settings, the number of samples and the queries.
 * Ended at any moment, the same batch goes on from there the next time; and run again when it is done, it asks only for the
 * calls that failed. One process at a time works on it. The queries are gone through three times and never kept, nor is what
 * they come to: their number takes 14 bytes of memory a call.
 *
 * Throws what the reasoner throws; `UNAVAILABLE` where no server is left to ask, though the reasoner fails open; `ALREADY_EXISTS` where `out` holds anything but this batch (an empty file is nothing) or
 * `OUT.partial` is of another one; `LOCKED` where another process is at it; `IO` where `out` is a folder or a device;
 * `CORRUPT_FILE` where `OUT.partial` is damaged before its end.
 */
export async function reasonBatch(
  reasoner: Reasoner,
  queries: BatchQueries,
  options: BatchOptions,
): Promise<BatchSummary> {
  const { samples = 1 } = options;
  if (!Number.isSafeInteger(samples) || samples < 1) {
    throw new QuernError('USAGE', `samples is a whole number of 1 or more, not ${samples}`);
  }
  const out = await linkedFile(options.out);
  await checkIsFree(out);
  const lock = await ProcessLock.acquire(`${out}.partial.lock`, { kind: 'batch', where: out });
  try {
    return await lockedBatch(reasoner, queries, { ...options, out, samples });
  } finally {
    await lock.release();
  }
}

/** The file that a link leads to, so that by either name a batch has one journal; else `path`. */
async function linkedFile(path: string): Promise<string> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() === true ? realpath(path).catch(() => path) : path;
}

async function lockedBatch(
  reasoner: Reasoner,
  queries: BatchQueries,
  { out, samples, settings, signal, onDone, onBegin }: BatchOptions & { readonly samples: number },
): Promise<BatchSummary> {
  const started = performance.now();
  const calls = await BatchCalls.of(reasoner, queries, { samples, settings, signal });
  const { total } = calls;
  const finished = await finishedCalls(out, calls, signal);
  const journal = await BatchJournal.open(`${out}.partial`, calls);
  try {
    const isDone = (call: number): boolean => journal.isDone(call) || finished.isDone(call);
    let resumed = 0;
    for (let call = 0; call < total; call++) if (isDone(call)) resumed++;
    onBegin?.(total, resumed);
    let ended = resumed;
    let totals = reasoningTotals([]);
    await allReasoned(reasoner, callsLeft(calls, isDone), signal, async (entry) => {
      await journal.add(entry);
      totals = summedTotals([totals, reasoningTotals([entry.reasoned])]);
      onDone?.(++ended, total, entry.reasoned);
    });
    if (!finished.isWhole) await writeLines(out, batchLines(calls, journal, finished));
    await journal.remove();
    return { queries: calls.queries, resumed, ...totals, milliseconds: performance.now() - started };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** A call that is to be made. */
interface Call {
  readonly query: string;
  readonly position: number;
  readonly sample: number;
}

async function* callsLeft(calls: BatchCalls, isDone: (call: number) => boolean): AsyncGenerator<Call> {
  for await (const { query, position } of calls.all()) {
    for (let sample = 0; sample < calls.samples; sample++) {
      if (!isDone(position * calls.samples + sample)) yield { query, position, sample };
    }
  }
}

/** Makes all calls, as many at once as the reasoner answers faster, and hands on each as it ends, one at a time. */
async function allReasoned(
  reasoner: Reasoner,
  calls: AsyncGenerator<Call>,
  outer: AbortSignal | undefined,
  onEntry: (entry: JournalEntry) => Promise<void>,
): Promise<void> {
  const { signal, stop } = stopSignal(outer);
  let written: Promise<void> = Promise.resolve();
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    try {
      for (let next = await calls.next(); next.done !== true && !signal.aborted; next = await calls.next()) {
        const { query, position, sample } = next.value;
        const answer = await reasoner.reason(query, { sample, signal });
        checkIsAnswered(answer);
        const reasoned = reasonedRecord({ ...answer, query });
        written = written.then(() => onEntry({ position, sample, reasoned }));
        await written;
      }
    } catch (error) {
      // The first one stops the others, and what they throw then is not why it ends.
      failure ??= { error };
      stop();
    }
  };
  try {
    await Promise.all(Array.from({ length: reasoner.parallel ?? 1 }, work));
  } finally {
    stop();
    await calls.return(undefined);
  }
  if (failure) throw failure.error;
  throwIfAborted(outer);
}

/** Throws where no server was left to ask: then the queries that come would fail as well, which is not their fault. */
function checkIsAnswered({ failure, parts = [] }: ReasonedQuery): void {
  const outage = [failure, ...parts.map((part) => part.failure)].find((each) => each?.code === 'UNAVAILABLE');
  if (outage) throw new QuernError('UNAVAILABLE', outage.message);
}
