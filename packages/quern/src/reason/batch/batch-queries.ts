import { stat } from 'node:fs/promises';
import { readJsonl } from '../../collections/jsonl.ts';
import { idText, textField } from '../../collections/record-fields.ts';
import { QuernError } from '../../errors.ts';

/** A query of a batch. */
export interface BatchQuery {
  readonly id?: string;
  readonly query: string;
}

/** The queries of a batch, in their order. They are gone through several times, and must be the same each time. */
export type BatchQueries = Iterable<BatchQuery> | AsyncIterable<BatchQuery>;

/**
 * The queries of a JSONL file (plain or gzipped): each record has a `query` or a `text`, and may have an `_id` or `id`, as
 * BEIR's topics do. They are read from the file each time that they are gone through, so that their number takes no memory;
 * what is no file, such as a pipe, can be read once only, and is kept.
 *
 * Throws `NOT_FOUND` or `IO`; going through them throws `BAD_INPUT` at `file:line` for a record without a text or with a
 * blank one, and for a file without records.
 */
export async function batchQueriesIn(path: string, signal?: AbortSignal): Promise<BatchQueries> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) return readBatchQueries(path, signal);
  return { [Symbol.asyncIterator]: () => queriesOf(path, signal) };
}

/** The queries of {@link batchQueriesIn}, all of them in memory. Throws what that and going through them does. */
export async function readBatchQueries(path: string, signal?: AbortSignal): Promise<BatchQuery[]> {
  const queries: BatchQuery[] = [];
  for await (const query of queriesOf(path, signal)) queries.push(query);
  return queries;
}

async function* queriesOf(path: string, signal: AbortSignal | undefined): AsyncGenerator<BatchQuery> {
  let isEmpty = true;
  for await (const placed of readJsonl(path, { signal })) {
    const { record, where } = placed;
    const query = textField(placed, 'query') ?? textField(placed, 'text');
    if (query === undefined || query.trim() === '') {
      const what = query === undefined ? 'the record has no query' : 'the query is empty';
      throw new QuernError('BAD_INPUT', what, { where, hint: 'Write it in a field query or text' });
    }
    const field = ['_id', 'id'].find((name) => record[name] !== undefined && record[name] !== null);
    isEmpty = false;
    yield field === undefined ? { query } : { id: idText(record[field], field, where), query };
  }
  if (isEmpty) throw new QuernError('BAD_INPUT', 'holds no queries', { where: path });
}
