import { readJsonl } from '../../collections/jsonl.ts';
import { idText, textField } from '../../collections/record-fields.ts';
import { QuernError } from '../../errors.ts';

/** A query of a batch. */
export interface BatchQuery {
  readonly id?: string;
  readonly query: string;
}

/**
 * The queries of a JSONL file (plain or gzipped): each record has a `query` or a `text`, and may have an `_id` or `id`, as
 * BEIR's topics do. Throws `BAD_INPUT` at `file:line` for a record without a text or with a blank one, and for a file
 * without records.
 */
export async function readBatchQueries(path: string, signal?: AbortSignal): Promise<BatchQuery[]> {
  const queries: BatchQuery[] = [];
  for await (const placed of readJsonl(path, { signal })) {
    const { record, where } = placed;
    const query = textField(placed, 'query') ?? textField(placed, 'text');
    if (query === undefined || query.trim() === '') {
      const what = query === undefined ? 'the record has no query' : 'the query is empty';
      throw new QuernError('BAD_INPUT', what, { where, hint: 'Write it in a field query or text' });
    }
    const field = ['_id', 'id'].find((name) => record[name] !== undefined && record[name] !== null);
    queries.push(field === undefined ? { query } : { id: idText(record[field], field, where), query });
  }
  if (queries.length === 0) throw new QuernError('BAD_INPUT', 'holds no queries', { where: path });
  return queries;
}
