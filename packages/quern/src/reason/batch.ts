import { createHash } from 'node:crypto';
import { QuernError } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import { stopSignal } from '../stop-signal.ts';
import { writeLines } from '../whole-file.ts';
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
  readonly signal?: AbortSignal;
  /** Told of each call that ends, and at the start of those that an earlier run did. */
  readonly onDone?: (done: number, total: number, reasoned: ReasonedRecord) => void;
}

/** What a batch came to. */
export interface BatchSummary extends ReasoningTotals {
  readonly queries: number;
  /** Calls that an earlier run of the same batch had done. */
  readonly resumed: number;
  readonly milliseconds: number;
}

/**
 * Reasons about many queries, as many at once as the reasoner answers faster, and writes one JSON object a line to `out`, in
 * the order of the queries: `id` (where the query has one), `sample` (where there are several), and the reasoned query.
 * Ended at any moment, it goes on from there the next time; calls that failed are asked again then.
 *
 * Throws what the reasoner throws, and `ALREADY_EXISTS` where `OUT.partial` is of another batch.
 */
export async function reasonBatch(
  reasoner: Reasoner,
  queries: readonly BatchQuery[],
  { out, samples = 1, signal, onDone }: BatchOptions,
): Promise<BatchSummary> {
  if (!Number.isSafeInteger(samples) || samples < 1) {
    throw new QuernError('USAGE', `samples is a whole number of 1 or more, not ${samples}`);
  }
  const started = performance.now();
  const total = queries.length * samples;
  const journal = await BatchJournal.open(`${out}.partial`, await batchIdentity(reasoner, queries, samples));
  const done = new Map<number, ReasonedRecord>();
  try {
    for (const { position, sample, reasoned } of journal.entries) {
      if (reasoned.finish !== 'failed') done.set(position * samples + sample, reasoned);
    }
    const resumed = done.size;
    for (const reasoned of [...done.values()].slice(-1)) onDone?.(resumed, total, reasoned);
    const asked = Array.from({ length: total }, (_, call) => call).filter((call) => !done.has(call));
    await allReasoned(reasoner, asked, { queries, samples, signal }, async (entry) => {
      await journal.add(entry);
      done.set(entry.position * samples + entry.sample, entry.reasoned);
      onDone?.(done.size, total, entry.reasoned);
    });
    await writeLines(out, recordLines(queries, samples, done));
    await journal.remove();
    const now = asked.map((call) => done.get(call)!);
    return {
      queries: queries.length,
      resumed,
      ...reasoningTotals(now),
      milliseconds: performance.now() - started,
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
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
    const reasoned = reasonedRecord(await reasoner.reason(query, { sample, signal: stopping.signal }));
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

/** A hash of all that a batch's entries depend on. */
async function batchIdentity(
  reasoner: Reasoner,
  queries: readonly BatchQuery[],
  samples: number,
): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([reasoner.id, (await reasoner.cacheKey?.('')) ?? '', samples]));
  for (const query of queries) hash.update(`\n${JSON.stringify(query)}`);
  return hash.digest('hex');
}

function* recordLines(
  queries: readonly BatchQuery[],
  samples: number,
  done: ReadonlyMap<number, ReasonedRecord>,
): Generator<string> {
  for (const [position, { id }] of queries.entries()) {
    for (let sample = 0; sample < samples; sample++) {
      yield JSON.stringify({
        ...(id !== undefined && { id }),
        ...(samples > 1 && { sample }),
        ...done.get(position * samples + sample)!,
      });
    }
  }
}
