import { beirJudgements } from '../../collections/beir.ts';
import { placedDocuments, TEXT_FIELDS } from '../../collections/documents.ts';
import { jsonlRecords, type PlacedRecord } from '../../collections/jsonl.ts';
import { linesOf } from '../../collections/lines.ts';
import { placedTopics } from '../../collections/topics.ts';
import { QuernError } from '../../errors.ts';
import { checkNoArchive, headBytes } from './archives.ts';
import type { CorpusFile } from './data-names.ts';

/**
 * How many records a file of a corpus holds, which comes in blocks; it is read as it will be later, a line at a time. Throws
 * `BAD_INPUT` at `file:line` for what its reader does not take, for an archive and for a file without a record, and what
 * `blocks` throws.
 */
export async function countedRecords(
  file: CorpusFile,
  blocks: AsyncIterable<Buffer>,
  longestLine: number,
): Promise<number> {
  let count = 0;
  for await (const _ of recordsOf(file, linesOf(withoutArchive(blocks, file), file, longestLine))) count++;
  if (count > 0) return count;
  throw new QuernError('BAD_INPUT', 'is empty', { where: file });
}

function recordsOf(file: CorpusFile, lines: ReturnType<typeof linesOf>): AsyncIterable<unknown> {
  switch (file) {
    case 'corpus.jsonl':
      return placedDocuments(withText(jsonlRecords(lines, file)));
    case 'queries.jsonl':
      return placedTopics(jsonlRecords(lines, file));
    default:
      return beirJudgements(lines, file);
  }
}

/** Documents that have a text, were it an empty one: a file of other records would make an index that finds nothing. */
async function* withText(records: AsyncIterable<PlacedRecord>): AsyncGenerator<PlacedRecord> {
  for await (const placed of records) {
    const { record, where } = placed;
    if (TEXT_FIELDS.every((field) => record[field] === undefined || record[field] === null)) {
      throw new QuernError('BAD_INPUT', 'the document has no text', {
        where,
        hint: `Its text is looked for in ${TEXT_FIELDS.join(', ')}`,
      });
    }
    yield placed;
  }
}

async function* withoutArchive(blocks: AsyncIterable<Buffer>, file: CorpusFile): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const block of blocks) {
    if (head === undefined) {
      yield block;
      continue;
    }
    head = Buffer.concat([head, block]);
    if (head.length < headBytes) continue;
    checkNoArchive(head, file);
    yield head;
    head = undefined;
  }
  if (head === undefined) return;
  checkNoArchive(head, file);
  yield head;
}
