import { join } from 'node:path';
import type { CorpusOptions } from './corpus.ts';
import { readBeirQrels } from './beir.ts';
import { firstFile } from './files.ts';
import { datasetFolders, datasetNotFound, type HubDataset, type HubPlaces } from './hub-dataset.ts';
import { JUDGEMENT_FIELDS, judgedTopics, recordJudgements, type JudgedTopics } from './judgements.ts';
import { firstRecordFiles, type RecordFiles } from './record-files.ts';
import { ID_FIELDS } from './record-fields.ts';
import type { Qrels } from './records.ts';
import { recordTopics } from './topics.ts';

/** A collection that is a data set of its own on the hub, in the form of BEIR's or one near to it. */
export interface RetrievalDataset {
  /** Its canonical name as a collection. */
  readonly name: string;
  /** The data set, and its mirrors in other forms. */
  readonly datasets: readonly [HubDataset, ...HubDataset[]];
  /** The files that an error asks for. */
  readonly files: { readonly corpus: string; readonly queries: string; readonly qrels: string };
}

/** Tables as the hub has them: a file beside the others, or one split of a configuration of that name. */
const CORPUS = ['corpus', 'corpus/test', 'corpus/corpus'];
const QUERIES = ['query', 'queries', 'queries/test', 'queries/queries', 'query/query', 'query/test'];
const QRELS = ['qrels', 'qrels/test', 'qrels/qrels'];

/**
 * The topics that have judgements, from a folder that holds both: `queries.jsonl` or `query.jsonl`, and `qrels/test.tsv`
 * or `qrels.jsonl`, or Parquet files `queries/test-*.parquet` and `qrels/test-*.parquet`. Throws `NOT_FOUND`, and
 * `BAD_INPUT` for malformed records.
 */
export async function readDatasetTopics(
  collection: RetrievalDataset,
  places: HubPlaces,
  options: CorpusOptions,
): Promise<JudgedTopics> {
  const { datasets, files, name } = collection;
  const searched = await datasetFolders(datasets, places);
  for (const folder of searched.folders) {
    const queries = await firstRecordFiles(folder, QUERIES);
    const qrels = queries && (await folderQrels(folder, options));
    if (queries === undefined || qrels === undefined) continue;
    const { signal, warnings } = options;
    const records = queries.read(['text'], { signal, optional: ID_FIELDS });
    return judgedTopics(await recordTopics(records, warnings), qrels.judged, qrels.path, warnings);
  }
  const wanted = [files.queries, files.qrels];
  throw datasetNotFound({ name, what: 'topics', wanted, needed: wanted }, searched, datasets[0], places);
}

/** The table of documents: `corpus.jsonl` or Parquet files `corpus/test-*.parquet`. Throws `NOT_FOUND`. */
export async function datasetDocuments(
  { datasets, files, name }: RetrievalDataset,
  places: HubPlaces,
): Promise<RecordFiles> {
  const searched = await datasetFolders(datasets, places);
  for (const folder of searched.folders) {
    const corpus = await firstRecordFiles(folder, CORPUS);
    if (corpus !== undefined) return corpus;
  }
  const wanted = [files.corpus];
  throw datasetNotFound({ name, what: 'documents', wanted, needed: wanted }, searched, datasets[0], places);
}

async function folderQrels(
  folder: string,
  options: CorpusOptions,
): Promise<{ path: string; judged: Qrels } | undefined> {
  const table = await firstFile(join(folder, 'qrels'), ['test.tsv']);
  if (table !== undefined) return { path: table, judged: await readBeirQrels(table, options) };
  const files = await firstRecordFiles(folder, QRELS);
  if (files === undefined) return undefined;
  const records = files.read(['score'], { signal: options.signal, optional: JUDGEMENT_FIELDS });
  return { path: files.path, judged: await recordJudgements(records, options.warnings) };
}
