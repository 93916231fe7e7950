/**
 * The file that a batch is written to: a line a call, in their order, with the query's `id` where it has one, the number of
 * the `sample` where there are several, the reasoned query, and `batch`, by which the same batch is known again.
 */
import { stat } from 'node:fs/promises';
import { readJsonl } from '../../collections/jsonl.ts';
import { fileError, QuernError } from '../../errors.ts';
import type { ReasonedRecord } from '../reasoned-record.ts';
import { isRecordOf, type BatchCalls } from './batch-calls.ts';

/** What says in a record which batch it is of: the first 16 hex digits of its identity. */
function batchName({ identity }: BatchCalls): string {
  return identity.slice(0, 16);
}

/** The lines of the file, where `done` has every call. */
export function* batchLines(calls: BatchCalls, done: ReadonlyMap<number, ReasonedRecord>): Generator<string> {
  const batch = batchName(calls);
  let call = 0;
  for (const { id } of calls.queries) {
    for (let sample = 0; sample < calls.samples; sample++) {
      yield JSON.stringify({
        ...(id !== undefined && { id }),
        ...(calls.samples > 1 && { sample }),
        ...done.get(call++)!,
        batch,
      });
    }
  }
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

/**
 * What the file of a batch has of it, call → record; nothing where there is no file, or an empty one. Throws
 * `ALREADY_EXISTS` where it holds anything but this very batch.
 */
export async function finishedCalls(
  path: string,
  calls: BatchCalls,
  signal?: AbortSignal,
): Promise<Map<number, ReasonedRecord>> {
  const finished = new Map<number, ReasonedRecord>();
  const batch = batchName(calls);
  const total = calls.queries.length * calls.samples;
  for await (const { batch: of, id, sample, ...reasoned } of recordsOf(path, signal)) {
    const call = finished.size;
    if (of !== batch) throw foreign(path, 'holds another batch');
    if (call === total) throw changed(path);
    const asked = calls.queries[Math.floor(call / calls.samples)];
    const isInPlace = id === asked.id && (calls.samples === 1 || sample === call % calls.samples);
    if (!isInPlace || !isRecordOf(asked.query, reasoned)) throw changed(path);
    finished.set(call, reasoned);
  }
  if (finished.size > 0 && finished.size < total) throw changed(path);
  return finished;
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
