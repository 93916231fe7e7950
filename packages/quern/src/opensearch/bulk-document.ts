import { createHash } from 'node:crypto';
import { documentText, type Document } from '../collections/records.ts';
import type { Placed } from '../collections/corpus.ts';
import { QuernError } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';

/** OpenSearch takes ids of at most so many bytes. */
const longestId = 512;

/** A document as it is sent. */
export interface BulkDocument {
  readonly id: string;
  readonly where: string;
  /** A hash of what is indexed and stored. */
  readonly digest: string;
  readonly tokens: number;
  /** Two lines: that it is to be created, and the document. */
  readonly lines: readonly [string, string];
  readonly bytes: number;
}

/** A document as it is sent. Throws `BAD_INPUT` for an id that is too long for OpenSearch. */
export function bulkDocument(
  { document, where }: Placed<Document>,
  analyzer: Analyzer,
  stored: boolean,
): BulkDocument {
  const { id, title, text, metadata } = document;
  if (Buffer.byteLength(id) > longestId) {
    throw new QuernError(
      'BAD_INPUT',
      `an id of more than ${longestId} bytes, which OpenSearch does not take`,
      {
        where,
      },
    );
  }
  const content = documentText(document);
  const kept = stored ? { title, text, ...(metadata && { metadata }) } : {};
  const tokens = analyzer.terms(content).length;
  const digest = createHash('sha256')
    .update(JSON.stringify([content, kept]))
    .digest('hex')
    .slice(0, 32);
  // A document that is there stays: what was sent twice, as its answer was lost, changes nothing.
  const action = JSON.stringify({ create: { _id: id } });
  const source = JSON.stringify({ id, digest, tokens, content, ...kept });
  const bytes = Buffer.byteLength(action) + Buffer.byteLength(source) + 2;
  return { id, where, digest, tokens, lines: [action, source], bytes };
}
