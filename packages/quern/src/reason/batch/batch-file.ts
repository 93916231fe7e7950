/**
 * The file that a batch is written to: a line a call, in their order, with the query's `id` where it has one, the number of
 * the `sample` where there are several, the reasoned query, and `batch`, by which the same batch is known again.
 */
import { stat } from 'node:fs/promises';
import { readJsonl } from '../../collections/jsonl.ts';
import { fileError, QuernError } from '../../errors.ts';
import { isRecord, type BatchCalls } from './batch-calls.ts';
import type { BatchJournal } from './batch-journal.ts';

/** What says in a record which batch it is of: the first 16 hex digits of its identity. */
function batchName({ identity }: BatchCalls): string {
  return identity.slice(0, 16);
}

/** A line a call: what the journal has of it, or else what the file had in which calls failed. */
export async function* batchLines(
  calls: BatchCalls,
  journal: BatchJournal,
  before: FinishedCalls,
): AsyncGenerator<string> {
  const batch = batchName(calls);
  const reader = journal.reader();
  const kept = before.records();
  try {
    for await (const { id, position } of calls.all()) {
      for (let sample = 0; sample < calls.samples; sample++) {
        const old = (await kept.next()).value;
        const reasoned = await journal.record(position * calls.samples + sample, reader);
        const { batch: _, id: __, sample: ___, ...earlier } = old ?? {};
        yield JSON.stringify({
          ...(id !== undefined && { id }),
          ...(calls.samples > 1 && { sample }),
          ...(reasoned ?? earlier),
          batch,
        });
      }
    }
  } finally {
    await kept.return(undefined);
  }
}

/** What the file of a batch has of it. */
export interface FinishedCalls {
  /** Whether it has all calls, and none that failed. */
  readonly isWhole: boolean;
  /** Whether it has a call that did not fail. */
  isDone(call: number): boolean;
  /** Its records, read again. */
  records(): AsyncGenerator<Readonly<Record<string, unknown>>>;
}

/**
 * Throws where no batch can be written to `path`, whichever it is: `IO` where there is something that is no file,
 * `ALREADY_EXISTS` where there is a file that does not begin as one of a batch.
 */
export async function checkIsFree(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw fileError(error, path);
  });
  if (found === undefined) return;
  if (!found.isFile()) {
    throw new QuernError('IO', found.isDirectory() ? 'is a folder, not a file' : 'is not a file', {
      where: path,
      hint: 'Name a file: a batch keeps what it has done beside it',
    });
  }
  for await (const _ of recordsOf(path)) return;
}

/** {@link FinishedCalls}; none where there is no file, or an empty one. Throws `ALREADY_EXISTS` where it holds anything else. */
export async function finishedCalls(
  path: string,
  calls: BatchCalls,
  signal?: AbortSignal,
): Promise<FinishedCalls> {
  const batch = batchName(calls);
  const done = new Uint8Array(calls.total);
  let count = 0;
  let failed = 0;
  const written = recordsOf(path, signal);
  try {
    let next = await written.next();
    if (next.done !== true) {
      for await (const asked of calls.all()) {
        for (let sample = 0; sample < calls.samples; sample++) {
          if (next.done === true) throw changed(path);
          const { batch: of, id, sample: given, ...reasoned } = next.value;
          if (of !== batch) throw foreign(path, 'holds another batch');
          const isInPlace = id === asked.id && (calls.samples === 1 || given === sample);
          if (!isInPlace || !isRecord(reasoned, asked.query)) throw changed(path);
          if (reasoned.finish === 'failed') failed++;
          else done[count] = 1;
          count++;
          next = await written.next();
        }
      }
      if (next.done !== true) throw changed(path);
    }
  } finally {
    await written.return(undefined);
  }
  return {
    isWhole: count === calls.total && failed === 0,
    isDone: (call) => done[call] === 1,
    records: () => recordsOf(path, signal),
  };
}

/** The records of the file of a batch; none where there is no file, or an empty one. */
async function* recordsOf(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size === 0) return;
  const what = 'exists, and no batch has written it';
  try {
    let isBlank = true;
    for await (const { record } of readJsonl(path, { signal })) {
      if (typeof record['batch'] !== 'string') throw foreign(path, what);
      isBlank = false;
      yield record;
    }
    if (isBlank) throw foreign(path, what);
  } catch (error) {
    if (!(error instanceof QuernError) || !['BAD_INPUT', 'CORRUPT_FILE'].includes(error.code)) throw error;
    throw foreign(path, what, error);
  }
}

function foreign(path: string, what: string, cause?: unknown): QuernError {
  const hint =
    'Choose another file, or delete it; the same reasoner, settings and queries go on with a batch';
  return new QuernError('ALREADY_EXISTS', what, { where: path, hint, cause });
}

function changed(path: string): QuernError {
  return foreign(path, 'was written by this batch and changed since');
}
