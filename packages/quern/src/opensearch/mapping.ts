import * as z from 'zod';
import { QuernError } from '../errors.ts';
import { defaultBm25Parameters } from '../lexical/bm25.ts';

/*
 * An index of Quern's in OpenSearch. A document has
 *   content  its title and text, analysed: the field that is searched. Of a posting it keeps the term's frequency, no positions.
 *   id       its id again, as a value: OpenSearch's own `_id` can neither be sorted by nor read without reading the document
 *   tokens   its length in tokens, exactly: the index keeps lengths in one byte
 *   digest   a hash of title and text, by which a load that goes on sees that the document is the same
 *   title, text, metadata   for display, where they are stored
 * `content` is not kept in `_source`. What the index is, and whether its load has ended, is in the mapping's `_meta`.
 */

const formatVersion = 1;
const analyzer = 'quern_english';
const similarity = 'quern_bm25';

/** What the mapping says of an index. */
export interface OpenSearchIndexFacts {
  /** The name of Quern's analyzer that queries go through; the mapping has the same for documents. */
  readonly analyzer: 'english';
  readonly k1: number;
  readonly b: number;
  /** Whether titles and texts were stored for display. */
  readonly stored: boolean;
  /** Whether all documents are in. */
  readonly complete: boolean;
}

const recorded = z.object({
  format: z.number(),
  analyzer: z.literal('english'),
  k1: z.number(),
  b: z.number(),
  stored: z.boolean(),
  complete: z.boolean(),
});

/** How an index is laid out over a cluster. */
export interface OpenSearchLayout {
  /** Default: the cluster's, which is 1 unless it is told otherwise. */
  readonly shards?: number;
  /** Copies beside the first. Default: the cluster's, which is 1 unless it is told otherwise. */
  readonly replicas?: number;
}

/** What a new index is created with; its load has not ended. */
export function newIndexBody(stored: boolean, { shards, replicas }: OpenSearchLayout): object {
  const { k1, b } = defaultBm25Parameters;
  const unindexed = { type: 'keyword', index: false, doc_values: false };
  return {
    settings: {
      index: {
        ...(shards !== undefined && { number_of_shards: shards }),
        ...(replicas !== undefined && { number_of_replicas: replicas }),
        // Nobody searches it before all is in.
        refresh_interval: '-1',
        similarity: { [similarity]: { type: 'BM25', k1, b } },
      },
      analysis: {
        // Lucene's English analysis, filter by filter, as `src/text/english.ts` has it.
        analyzer: {
          [analyzer]: {
            type: 'custom',
            tokenizer: 'standard',
            filter: ['quern_possessive', 'lowercase', 'quern_stop', 'porter_stem'],
          },
        },
        filter: {
          quern_possessive: { type: 'stemmer', language: 'possessive_english' },
          quern_stop: { type: 'stop', stopwords: '_english_' },
        },
      },
    },
    mappings: {
      ...metaBody({ analyzer: 'english', k1, b, stored, complete: false }),
      dynamic: 'strict',
      _source: { excludes: ['content'] },
      properties: {
        content: { type: 'text', analyzer, similarity, index_options: 'freqs' },
        id: { type: 'keyword' },
        tokens: { type: 'integer' },
        digest: unindexed,
        ...(stored && { title: unindexed, text: unindexed, metadata: { type: 'object', enabled: false } }),
      },
    },
  };
}

/** The part of a mapping that says what the index is. */
export function metaBody(facts: OpenSearchIndexFacts): object {
  return { _meta: { quern: { format: formatVersion, ...facts } } };
}

/** Settings once all documents are in: it is refreshed as other indexes are. */
export const loadedSettings: object = { index: { refresh_interval: null } };

/** What a mapping says. Throws `BAD_INPUT` for an index that is not Quern's, and `WRONG_VERSION`. */
export function factsOfMapping(mapping: unknown, where: string): OpenSearchIndexFacts {
  const said = (mapping as { _meta?: { quern?: unknown } } | undefined)?._meta?.quern;
  if (said === undefined) {
    throw new QuernError('BAD_INPUT', 'this index was not made by Quern', {
      where,
      hint: 'Load the documents into an index of its own: quern index CORPUS --to opensearch:INDEX@URL',
    });
  }
  const format = (said as { format?: unknown } | null)?.format;
  if (format !== formatVersion) {
    throw new QuernError('WRONG_VERSION', `the index has format ${String(format)}, not ${formatVersion}`, {
      where,
    });
  }
  const facts = recorded.safeParse(said);
  if (!facts.success) throw new QuernError('CORRUPT_FILE', 'its mapping does not say what it is', { where });
  const { format: _, ...rest } = facts.data;
  return rest;
}
