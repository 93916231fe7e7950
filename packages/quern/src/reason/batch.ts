import { lstat, realpath } from 'node:fs/promises';
import { QuernError } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import { ProcessLock } from '../process-lock.ts';
import { stopSignal } from '../stop-signal.ts';
import { writeLines } from '../whole-file.ts';
import { batchIdentity, type BatchCalls } from './batch/batch-calls.ts';
import { batchLines, checkIsFree, finishedCalls } from './batch/batch-file.ts';
import { BatchJournal, type JournalEntry } from './batch/batch-journal.ts';
import type { BatchQuery } from './batch/batch-queries.ts';
import { reasonedRecord, type ReasonedRecord } from './reasoned-record.ts';
import type { Reasoner } from './reasoner.ts';
import { reasoningTotals, type ReasoningTotals } from './reasoning-totals.ts';

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
  /** Told of each call that ends, and at the start of those that an earlier run did. */
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
 * calls that failed. One process at a time works on it.
 *
 * Throws what the reasoner throws; `ALREADY_EXISTS` where `out` holds anything but this batch (an empty file is nothing) or
 * `OUT.partial` is of another one; `LOCKED` where another process is at it; `IO` where `out` is a folder or a device;
 * `CORRUPT_FILE` where `OUT.partial` is damaged before its end.
 */
export async function reasonBatch(
  reasoner: Reasoner,
  queries: readonly BatchQuery[],
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
  queries: readonly BatchQuery[],
  { out, samples, settings, signal, onDone }: BatchOptions & { readonly samples: number },
): Promise<BatchSummary> {
  const started = performance.now();
  const total = queries.length * samples;
  const identity = await batchIdentity(reasoner, queries, { samples, settings, signal });
  const calls: BatchCalls = { queries, samples, identity };
  const finished = withoutFailures(await finishedCalls(out, calls, signal));
  const journal = await BatchJournal.open(`${out}.partial`, calls);
  try {
    const done = new Map([...finished, ...withoutFailures(journal.done)]);
    const resumed = done.size;
    for (const reasoned of [...done.values()].slice(-1)) onDone?.(resumed, total, reasoned);
    const asked = Array.from({ length: total }, (_, call) => call).filter((call) => !done.has(call));
    await allReasoned(reasoner, asked, { queries, samples, signal }, async (entry) => {
      await journal.add(entry);
      done.set(entry.position * samples + entry.sample, entry.reasoned);
      onDone?.(done.size, total, entry.reasoned);
    });
    if (finished.size < total) await writeLines(out, batchLines(calls, done));
    await journal.remove();
    return {
      queries: queries.length,
      resumed,
      ...reasoningTotals(asked.map((call) => done.get(call)!)),
      milliseconds: performance.now() - started,
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

function withoutFailures(records: ReadonlyMap<number, ReasonedRecord>): Map<number, ReasonedRecord> {
  return new Map([...records].filter(([, { finish }]) => finish !== 'failed'));
}

/** Asks every call, and hands on each as it ends, one at a time. */
async function allReasoned(
  reasoner: Reasoner,
  calls: readonly number[],
  { queries, samples, signal }: { queries: readonly BatchQuery[]; samples: number; signal?: AbortSignal },
  onEntry: (entry: JournalEntry) => Promise<void>,
): Promise<void> {
  const stopping = stopSignal(signal);
  let written: Promise<void> = Promise.resolve();
  const work = inOrder(calls, reasoner.parallel ?? 1, async (call) => {
    const position = Math.floor(call / samples);
    const sample = call % samples;
    const { query } = queries[position];
    const answer = await reasoner.reason(query, { sample, signal: stopping.signal });
    const reasoned = reasonedRecord({ ...answer, query });
    written = written.then(() => onEntry({ position, sample, reasoned }));
    await written;
  });
  try {
    for await (const _ of work);
  } finally {
    stopping.stop();
    await written.catch(() => undefined);
  }
}
