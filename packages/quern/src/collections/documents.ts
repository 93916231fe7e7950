import type { Warnings } from '../warnings.ts';
import type { CorpusOptions, Placed, TextCorpus } from './corpus.ts';
import { fileBytes } from './files.ts';
import { readJsonl, type PlacedRecord } from './jsonl.ts';
import { recordId, textField } from './record-fields.ts';
import { documentText, type Document } from './records.ts';

/** The fields that may hold a document's text, first come first. */
export const TEXT_FIELDS = ['text', 'contents', 'content', 'body'] as const;

/**
 * The corpus in a JSONL file (plain or gzipped): a record's id is its `_id`, `id` or `docid`, its title `title`, its
 * text `text`, `contents`, `content` or `body`; what else it has becomes metadata. Throws `NOT_FOUND` or `IO`.
 */
export async function jsonlCorpus(path: string, options: CorpusOptions = {}): Promise<TextCorpus> {
  return {
    kind: 'text',
    bytes: await fileBytes(path),
    documents: (onBytes) =>
      placedDocuments(readJsonl(path, { signal: options.signal, onBytes }), options.warnings),
  };
}

/**
 * Records as documents. A document without any text is counted as a warning and kept. Throws `BAD_INPUT` for a missing
 * or unusable id and for a title or text that is not a string.
 */
export async function* placedDocuments(
  records: AsyncIterable<PlacedRecord>,
  warnings?: Warnings,
): AsyncGenerator<Placed<Document>> {
  for await (const placed of records) {
    const { id, field } = recordId(placed);
    const title = textField(placed, 'title') ?? '';
    const bodyField = TEXT_FIELDS.find((name) => textField(placed, name) !== undefined);
    const text = bodyField === undefined ? '' : textField(placed, bodyField)!;
    const document = { id, title, text, ...metadata(placed.record, [field, 'title', bodyField]) };
    warnIfEmpty(document, placed.where, warnings);
    if (bodyField === undefined && title !== '') {
      warnings?.add(`document with a title but no text (${TEXT_FIELDS.join(', ')})`, placed.where);
    }
    yield { where: placed.where, document };
  }
}

/** Counts a document that has no text at all as a warning. */
export function warnIfEmpty(document: Document, where: string, warnings?: Warnings): void {
  if (documentText(document).trim() === '') warnings?.add('empty document', where);
}

/** The remaining fields; those of BEIR's own `metadata` object stand beside them. */
function metadata(
  record: Readonly<Record<string, unknown>>,
  used: readonly (string | undefined)[],
): Pick<Document, 'metadata'> {
  const fields = Object.entries(record).flatMap((entry): [string, unknown][] => {
    const [name, value] = entry;
    if (used.includes(name)) return [];
    const nested =
      name === 'metadata' && typeof value === 'object' && value !== null && !Array.isArray(value);
    return nested ? Object.entries(value) : [entry];
  });
  return fields.length === 0 ? {} : { metadata: Object.fromEntries(fields) };
}
