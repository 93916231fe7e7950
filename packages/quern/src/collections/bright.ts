import { join } from 'node:path';
import type { QuernError } from '../errors.ts';
import { brightName, type BrightSubset, type BrightVariant } from './bright-subsets.ts';
import { brightTopics } from './bright-topics.ts';
import { brightTopicsFiles, brightVectorsAnalyzer } from './bright-vectors.ts';
import type { Corpus, CorpusOptions, TextCorpus } from './corpus.ts';
import { placedDocuments } from './documents.ts';
import { firstFile } from './files.ts';
import {
  datasetFolders,
  datasetNotFound,
  type HubDataset,
  type HubPlaces,
  type SearchedFolders,
} from './hub-dataset.ts';
import { readJsonl, type PlacedRecord } from './jsonl.ts';
import type { JudgedTopics } from './judgements.ts';
import { parquetShards, shardRecords, shardsBytes, type Shard } from './parquet-shards.ts';
import { recordId, textField } from './record-fields.ts';
import { VECTORS_FILES, vectorCorpus } from './vectors.ts';

const DATASET: HubDataset = { repository: 'xlangai/BRIGHT', folders: ['BRIGHT', 'bright', ''] };

/**
 * The topics and judgements of a subset, from `examples/SUBSET-*.parquet` of a snapshot of the data set, or from
 * `topics/topics.bright-SUBSET-original.jsonl.gz` of the local layout. Judgements are the topics' own gold ids (the
 * TREC qrels that are published beside them say the same). Of BRIGHT's fields, `reasoning` and `gold_answer`, which
 * give the gold away, are not taken. Throws `NOT_FOUND`, naming the places looked in, and `BAD_INPUT` for malformed
 * records.
 */
export async function readBrightTopics(
  variant: BrightVariant,
  places: HubPlaces,
  options: CorpusOptions = {},
): Promise<JudgedTopics> {
  const goldField = variant.long ? 'gold_ids_long' : 'gold_ids';
  const records = await topicRecords(variant, goldField, places, options);
  return brightTopics(records, goldField, options.warnings);
}

/** A text of BRIGHT that no training data may hold. */
export interface BrightText {
  /** The subset's name, the topic's id, and which of its texts it is. */
  readonly id: string;
  readonly text: string;
}

/**
 * The queries and gold answers of a subset: what training data is to be free of, and good for nothing else. Throws as
 * {@link readBrightTopics} does.
 */
export async function readBrightTexts(
  subset: BrightSubset,
  places: HubPlaces,
  options: CorpusOptions = {},
): Promise<BrightText[]> {
  const variant = { subset, long: false };
  const texts: BrightText[] = [];
  for await (const placed of await topicRecords(variant, 'gold_answer', places, options)) {
    const { id } = recordId(placed);
    for (const [field, name] of [
      ['query', 'query'],
      ['gold_answer', 'gold answer'],
    ] as const) {
      const text = textField(placed, field);
      if (text !== undefined && text !== 'N/A')
        texts.push({ id: `${brightName(variant)}/${id} (${name})`, text });
    }
  }
  return texts;
}

/**
 * The documents of a subset: texts from `documents/SUBSET-*.parquet` (`long_documents` for the long variant) of a
 * snapshot of the data set, or term vectors from `SUBSET/vectors.jsonl[.gz]` of the local layout. Throws `NOT_FOUND`,
 * naming the places looked in and what to put there.
 */
export async function brightCorpus(
  variant: BrightVariant,
  places: HubPlaces,
  options: CorpusOptions = {},
): Promise<Corpus> {
  const { subset, long } = variant;
  const config = long ? 'long_documents' : 'documents';
  const searched = await datasetFolders([DATASET], places);
  for (const folder of searched.folders) {
    const shards = await parquetShards(join(folder, config), subset);
    if (shards.length > 0) return parquetCorpus(shards, options);
    const vectors = long ? undefined : await firstFile(join(folder, subset), VECTORS_FILES);
    if (vectors !== undefined) {
      return vectorCorpus(vectors, options, await brightVectorsAnalyzer(vectors));
    }
  }
  const wanted = [`${config}/${subset}-*.parquet`, ...(long ? [] : [`${subset}/vectors.jsonl.gz`])];
  throw notFound('documents', variant, wanted, searched, places);
}

async function topicRecords(
  variant: BrightVariant,
  goldField: string,
  places: HubPlaces,
  { signal }: CorpusOptions,
): Promise<AsyncIterable<PlacedRecord>> {
  const { subset } = variant;
  const searched = await datasetFolders([DATASET], places);
  for (const folder of searched.folders) {
    const shards = await parquetShards(join(folder, 'examples'), subset);
    if (shards.length > 0) {
      return shardRecords(shards, ['id', 'query', 'excluded_ids', goldField], { signal });
    }
    const file = await firstFile(join(folder, 'topics'), brightTopicsFiles(subset));
    if (file !== undefined) return readJsonl(file, { signal });
  }
  const wanted = [`examples/${subset}-*.parquet`, `topics/${brightTopicsFiles(subset)[0]}`];
  throw notFound('topics', variant, wanted, searched, places);
}

function parquetCorpus(shards: readonly Shard[], options: CorpusOptions): TextCorpus {
  return {
    kind: 'text',
    bytes: shardsBytes(shards),
    documents: (onBytes) =>
      placedDocuments(
        shardRecords(shards, ['id', 'content'], { signal: options.signal, onBytes }),
        options.warnings,
      ),
  };
}

function notFound(
  what: string,
  variant: BrightVariant,
  wanted: readonly string[],
  searched: SearchedFolders,
  places: HubPlaces,
): QuernError {
  const missing = { name: brightName(variant), what, wanted, needed: wanted.slice(0, 1) };
  return datasetNotFound(missing, searched, DATASET, places);
}
