import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytes } from '../byte-order.ts';
import { QuernError } from '../errors.ts';
import { fileBytes } from './files.ts';
import type { PlacedRecord } from './jsonl.ts';
import { readParquet, type ParquetOptions } from './parquet.ts';

/** One of the Parquet files that a table is split into. */
export interface Shard {
  readonly path: string;
  readonly bytes: number;
}

/**
 * The files `NAME-*.parquet` of a folder, in order; none where there are none. Throws `NOT_FOUND` where their names say
 * that there are more of them than lie there.
 */
export async function parquetShards(folder: string, name: string): Promise<Shard[]> {
  const names = await readdir(folder).catch(() => []);
  const found = names
    .filter((file) => file.startsWith(`${name}-`) && file.endsWith('.parquet'))
    .sort(compareBytes);
  const promised = Number(/-of-(\d+)\.parquet$/.exec(found[0] ?? '')?.[1] ?? found.length);
  if (found.length > 0 && found.length !== promised) {
    throw new QuernError('NOT_FOUND', `${found.length} of ${promised} files ${name}-*.parquet`, {
      where: folder,
      hint: 'Fetch the others as well',
    });
  }
  const shards: Shard[] = [];
  for (const file of found) {
    const path = join(folder, file);
    shards.push({ path, bytes: (await fileBytes(path)) ?? 0 });
  }
  return shards;
}

/** The rows of all shards, one file after the other, as {@link readParquet} reads them. */
export async function* shardRecords(
  shards: readonly Shard[],
  columns: readonly string[],
  options: ParquetOptions,
): AsyncGenerator<PlacedRecord> {
  for (const { path } of shards) yield* readParquet(path, columns, options);
}

/** The bytes of all shards. */
export function shardsBytes(shards: readonly Shard[]): number {
  return shards.reduce((sum, { bytes }) => sum + bytes, 0);
}
