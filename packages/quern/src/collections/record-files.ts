import { join } from 'node:path';
import type { Warnings } from '../warnings.ts';
import type { CorpusOptions, TextCorpus } from './corpus.ts';
import { placedDocuments, TEXT_FIELDS } from './documents.ts';
import { fileBytes, firstFile } from './files.ts';
import { readJsonl, type PlacedRecord } from './jsonl.ts';
import type { ParquetOptions } from './parquet.ts';
import { parquetShards, shardRecords, shardsBytes, type Shard } from './parquet-shards.ts';
import { ID_FIELDS } from './record-fields.ts';

/** The records of one table of a data set, in whatever files the Hugging Face hub has them. */
export interface RecordFiles {
  /** The first of the files, which warnings about all of them name. */
  readonly path: string;
  /** Bytes of the files, compressed where they are. */
  readonly bytes?: number;
  /**
   * The records from the beginning. Of Parquet files, `columns` are read, and those of `optional` that are there; JSONL
   * has all fields.
   */
  read(columns: readonly string[], options?: ParquetOptions): AsyncIterable<PlacedRecord>;
}

/**
 * The table `name` in `folder`: `NAME.jsonl`, `NAME.jsonl.gz`, `NAME.parquet` or `NAME-00000-of-00001.parquet` and so on;
 * undefined where there is none of them. Throws `NOT_FOUND` where some of several files are missing.
 */
export async function recordFiles(folder: string, name: string): Promise<RecordFiles | undefined> {
  const lines = await firstFile(folder, [`${name}.jsonl`, `${name}.jsonl.gz`]);
  if (lines !== undefined) {
    return {
      path: lines,
      bytes: await fileBytes(lines),
      read: (_, { signal, onBytes } = {}) => readJsonl(lines, { signal, onBytes }),
    };
  }
  const whole = await firstFile(folder, [`${name}.parquet`]);
  if (whole !== undefined) return shardFiles([{ path: whole, bytes: (await fileBytes(whole)) ?? 0 }]);
  const shards = await parquetShards(folder, name);
  return shards.length > 0 ? shardFiles(shards) : undefined;
}

function shardFiles(shards: readonly Shard[]): RecordFiles {
  return {
    path: shards[0].path,
    bytes: shardsBytes(shards),
    read: (columns, options = {}) => shardRecords(shards, columns, options),
  };
}

/** The first table there is among `paths`, each a folder below `folder` and the table's name, e.g. `qrels/test`. */
export async function firstRecordFiles(
  folder: string,
  paths: readonly string[],
): Promise<RecordFiles | undefined> {
  for (const path of paths) {
    const parts = path.split('/');
    const files = await recordFiles(join(folder, ...parts.slice(0, -1)), parts[parts.length - 1]);
    if (files !== undefined) return files;
  }
  return undefined;
}

/** The table as a corpus: its records' ids, titles and texts, wherever these stand. */
export function recordCorpus(files: RecordFiles, options: CorpusOptions = {}): TextCorpus {
  const { signal } = options;
  return {
    kind: 'text',
    bytes: files.bytes,
    documents: (onBytes) => recordDocuments(files, { signal, onBytes }, options.warnings),
  };
}

function recordDocuments(
  files: RecordFiles,
  reading: Pick<ParquetOptions, 'signal' | 'onBytes'>,
  warnings?: Warnings,
): ReturnType<typeof placedDocuments> {
  const optional = [...ID_FIELDS, 'title', ...TEXT_FIELDS];
  return placedDocuments(files.read([], { ...reading, optional }), warnings);
}
