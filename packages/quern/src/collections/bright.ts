import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import { brightName, type BrightSubset, type BrightVariant } from './bright-subsets.ts';
import { brightTopicsFiles, brightVectorsAnalyzer } from './bright-vectors.ts';
import type { ReadOptions } from './bytes.ts';
import type { Corpus, CorpusOptions, TextCorpus } from './corpus.ts';
import { placedDocuments } from './documents.ts';
import { fileBytes, firstFile } from './files.ts';
import { cachedDataset } from './hub-cache.ts';
import { readJsonl, type PlacedRecord } from './jsonl.ts';
import { readParquet } from './parquet.ts';
import { compareBytes } from '../byte-order.ts';
import { idListField, recordId, textField } from './record-fields.ts';
import type { Qrels, Topic } from './records.ts';
import { collectTopics, type PlacedTopic } from './topics.ts';
import { VECTORS_FILES, vectorCorpus } from './vectors.ts';

const DATASET = 'xlangai/BRIGHT';

/** What BRIGHT writes into a list of ids that is empty. */
const NO_ID = 'N/A';

/** Where BRIGHT is looked for. */
export interface BrightPlaces {
  /** A folder that holds BRIGHT, or holds it as `BRIGHT` or `bright`. */
  readonly data?: string;
  /** A Hugging Face cache that may hold a snapshot of the data set. */
  readonly hubCache: string;
}

/** The questions of a subset and their gold documents, judged 1. */
export interface BrightTopics {
  readonly topics: Topic[];
  readonly qrels: Qrels;
}

/**
 * The topics and judgements of a subset, from `examples/SUBSET-*.parquet` of a snapshot of the data set, or from
 * `topics/topics.bright-SUBSET-original.jsonl.gz` of the local layout. Judgements are the topics' own gold ids (the
 * TREC qrels that are published beside them say the same). Of BRIGHT's fields, `reasoning` and `gold_answer`, which
 * give the gold away, are not taken. Throws `NOT_FOUND`, naming the places looked in, and `BAD_INPUT` for malformed
 * records.
 */
export async function readBrightTopics(
  variant: BrightVariant,
  places: BrightPlaces,
  options: CorpusOptions = {},
): Promise<BrightTopics> {
  const goldField = variant.long ? 'gold_ids_long' : 'gold_ids';
  const records = await topicRecords(variant, goldField, places, options);
  const qrels = new Map<string, ReadonlyMap<string, number>>();
  const topics = await collectTopics(placedTopics(records, goldField, qrels), options.warnings);
  return { topics, qrels };
}

/**
 * The documents of a subset: texts from `documents/SUBSET-*.parquet` (`long_documents` for the long variant) of a
 * snapshot of the data set, or term vectors from `SUBSET/vectors.jsonl[.gz]` of the local layout. Throws `NOT_FOUND`,
 * naming the places looked in and what to put there.
 */
export async function brightCorpus(
  variant: BrightVariant,
  places: BrightPlaces,
  options: CorpusOptions = {},
): Promise<Corpus> {
  const { subset, long } = variant;
  const config = long ? 'long_documents' : 'documents';
  const folders = await brightFolders(places);
  for (const folder of folders) {
    const shards = await parquetShards(join(folder, config), subset);
    if (shards.length > 0) return parquetCorpus(shards, options);
    const vectors = long ? undefined : await firstFile(join(folder, subset), VECTORS_FILES);
    if (vectors !== undefined) {
      return vectorCorpus(vectors, options, await brightVectorsAnalyzer(vectors));
    }
  }
  const wanted = [`${config}/${subset}-*.parquet`, ...(long ? [] : [`${subset}/vectors.jsonl.gz`])];
  throw notFound('documents', variant, wanted, folders, places);
}

async function topicRecords(
  variant: BrightVariant,
  goldField: string,
  places: BrightPlaces,
  { signal }: CorpusOptions,
): Promise<AsyncIterable<PlacedRecord>> {
  const { subset } = variant;
  const folders = await brightFolders(places);
  for (const folder of folders) {
    const shards = await parquetShards(join(folder, 'examples'), subset);
    if (shards.length > 0) {
      return shardRecords(shards, ['id', 'query', 'excluded_ids', goldField], { signal });
    }
    const file = await firstFile(join(folder, 'topics'), brightTopicsFiles(subset));
    if (file !== undefined) return readJsonl(file, { signal });
  }
  const wanted = [`examples/${subset}-*.parquet`, `topics/${brightTopicsFiles(subset)[0]}`];
  throw notFound('topics', variant, wanted, folders, places);
}

async function* placedTopics(
  records: AsyncIterable<PlacedRecord>,
  goldField: string,
  qrels: Map<string, ReadonlyMap<string, number>>,
): AsyncGenerator<PlacedTopic> {
  for await (const placed of records) {
    const { where } = placed;
    const { id } = recordId(placed);
    const text = textField(placed, 'query');
    if (text === undefined) throw new QuernError('BAD_INPUT', 'the topic has no query', { where });
    qrels.set(id, new Map(realIds(placed, goldField).map((gold) => [gold, 1])));
    yield { where, topic: { id, text, excluded: realIds(placed, 'excluded_ids') } };
  }
}

/** The ids in a list that may be written as missing (an empty list in Parquet) or as `["N/A"]`. */
function realIds(placed: PlacedRecord, field: string): string[] {
  const value = placed.record[field];
  if (value === undefined || value === null) return [];
  return idListField(placed, field).filter((id) => id !== NO_ID);
}

function parquetCorpus(shards: readonly Shard[], options: CorpusOptions): TextCorpus {
  return {
    kind: 'text',
    bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    documents: (onBytes) =>
      placedDocuments(
        shardRecords(shards, ['id', 'content'], { signal: options.signal, onBytes }),
        options.warnings,
      ),
  };
}

async function* shardRecords(
  shards: readonly Shard[],
  columns: readonly string[],
  options: ReadOptions,
): AsyncGenerator<PlacedRecord> {
  for (const { path } of shards) yield* readParquet(path, columns, options);
}

interface Shard {
  readonly path: string;
  readonly bytes: number;
}

/** The Parquet files of a subset in a folder, in order; none where there are none. All shards must be there. */
async function parquetShards(folder: string, subset: BrightSubset): Promise<Shard[]> {
  const names = await readdir(folder).catch(() => []);
  const found = names
    .filter((name) => name.startsWith(`${subset}-`) && name.endsWith('.parquet'))
    .sort(compareBytes);
  const promised = Number(/-of-(\d+)\.parquet$/.exec(found[0] ?? '')?.[1] ?? found.length);
  if (found.length > 0 && found.length !== promised) {
    throw new QuernError('NOT_FOUND', `${found.length} of ${promised} files ${subset}-*.parquet`, {
      where: folder,
      hint: 'Fetch the others as well',
    });
  }
  const shards: Shard[] = [];
  for (const name of found) {
    const path = join(folder, name);
    shards.push({ path, bytes: (await fileBytes(path)) ?? 0 });
  }
  return shards;
}

/** The folders that may hold BRIGHT, in the order in which they are asked. */
async function brightFolders({ data, hubCache }: BrightPlaces): Promise<string[]> {
  const local = data === undefined ? [] : [join(data, 'BRIGHT'), join(data, 'bright'), data];
  const snapshot = await cachedDataset(hubCache, DATASET);
  return snapshot === undefined ? local : [...local, snapshot];
}

function notFound(
  what: string,
  variant: BrightVariant,
  wanted: readonly string[],
  folders: readonly string[],
  { data, hubCache }: BrightPlaces,
): QuernError {
  const cacheNote =
    folders.length > (data === undefined ? 0 : 3) ? [] : [`${hubCache} (no snapshot of ${DATASET})`];
  const home = data === undefined ? 'a folder BRIGHT in the data folder (QUERN_DATA)' : join(data, 'BRIGHT');
  return new QuernError(
    'NOT_FOUND',
    `no ${what}: looked for ${wanted.join(' and ')} in ${[...folders, ...cacheNote].join(', ')}`,
    {
      where: brightName(variant),
      hint: `Put ${wanted[0]} of the Hugging Face data set ${DATASET} into ${home}`,
    },
  );
}
