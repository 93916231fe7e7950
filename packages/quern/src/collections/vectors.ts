import { dirname } from 'node:path';
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { CorpusOptions, Placed, VectorCorpus } from './corpus.ts';
import { fileBytes, firstFile } from './files.ts';
import { excerpt, parseJsonObject, readJsonl, type PlacedRecord } from './jsonl.ts';
import { readText } from './lines.ts';
import { kindOf, recordId } from './record-fields.ts';
import type { TermVector } from './records.ts';

/** The names of a vectors file in a folder, the preferred one first. */
export const VECTORS_FILES = ['vectors.jsonl', 'vectors.jsonl.gz'] as const;

/** The file beside a vectors file that says how it was made: `{"analyzer": "english"}`. */
export const VECTORS_META_FILE = 'vectors.meta.json';

const TERM_FREQUENCY_LIMIT = 2 ** 31;

/**
 * The corpus in a file of JSON vectors, one `{id, vector: {term: frequency}}` a line (plain or gzipped). Its analyzer
 * is what {@link VECTORS_META_FILE} beside it says, else `knownAnalyzer`. Throws `NOT_FOUND` or `IO`, and `BAD_INPUT`
 * for a malformed meta file.
 */
export async function vectorCorpus(
  path: string,
  options: CorpusOptions = {},
  knownAnalyzer?: string,
): Promise<VectorCorpus> {
  return {
    kind: 'vectors',
    bytes: await fileBytes(path),
    analyzer: (await statedAnalyzer(path, options)) ?? knownAnalyzer,
    documents: (onBytes) =>
      placedVectors(readJsonl(path, { signal: options.signal, onBytes }), options.warnings),
  };
}

async function* placedVectors(
  records: AsyncIterable<PlacedRecord>,
  warnings?: Warnings,
): AsyncGenerator<Placed<TermVector>> {
  for await (const placed of records) {
    const document = { id: recordId(placed).id, vector: termFrequencies(placed) };
    if (document.vector.size === 0) warnings?.add('empty document', placed.where);
    yield { where: placed.where, document };
  }
}

function termFrequencies({ record, where }: PlacedRecord): Map<string, number> {
  const vector = record['vector'];
  if (typeof vector !== 'object' || vector === null || Array.isArray(vector)) {
    throw new QuernError('BAD_INPUT', `vector is ${kindOf(vector)}, not an object`, {
      where,
      hint: 'A record reads {"id": …, "vector": {term: frequency}}',
    });
  }
  const frequencies = new Map<string, number>();
  for (const [term, frequency] of Object.entries(vector) as [string, unknown][]) {
    if (term === '' || /\p{Cs}/u.test(term)) {
      const what = term === '' ? 'an empty term' : `a term that is not valid Unicode: ${excerpt(term)}`;
      throw new QuernError('BAD_INPUT', what, { where });
    }
    if (!Number.isInteger(frequency) || Number(frequency) < 1 || Number(frequency) >= TERM_FREQUENCY_LIMIT) {
      const shown = typeof frequency === 'number' ? String(frequency) : kindOf(frequency);
      throw new QuernError('BAD_INPUT', `the frequency of ${excerpt(term)} is ${shown}`, {
        where,
        hint: 'Term frequencies are positive integers below 2^31',
      });
    }
    frequencies.set(term, Number(frequency));
  }
  return frequencies;
}

async function statedAnalyzer(path: string, { signal }: CorpusOptions): Promise<string | undefined> {
  const metaFile = await firstFile(dirname(path), [VECTORS_META_FILE]);
  if (metaFile === undefined) return undefined;
  const analyzer = parseJsonObject(await readText(metaFile, { signal }), metaFile)['analyzer'];
  if (analyzer === undefined || (typeof analyzer === 'string' && analyzer !== '')) return analyzer;
  const what = `analyzer is ${analyzer === '' ? 'empty' : kindOf(analyzer)}, not the name of an analyzer`;
  throw new QuernError('BAD_INPUT', what, { where: metaFile });
}
