import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type FileMetaData,
  type RowGroup,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { QuernError, fileError, throwIfAborted } from '../errors.ts';
import type { ReadOptions } from './bytes.ts';
import { fileBytes } from './files.ts';
import type { PlacedRecord } from './jsonl.ts';
import { utf8Text } from './lines.ts';
import { assertWholePages } from './parquet-pages.ts';

/** Options of {@link readParquet}. */
export interface ParquetOptions extends ReadOptions {
  /** Columns that are read as well where the file has them. */
  readonly optional?: readonly string[];
}

/**
 * The rows of a Parquet file, of the given columns (plain ones and lists) only, one row group in memory at a time. A
 * row's place is `file (row 12)`, counted from 1; nulls are undefined or null. Throws `BAD_INPUT` where a column is
 * missing or a string is not UTF-8, `CORRUPT_FILE` where the file cannot be decoded, and `NOT_FOUND` or `IO` where it
 * cannot be read.
 */
export async function* readParquet(
  path: string,
  columns: readonly string[],
  { signal, onBytes, optional = [] }: ParquetOptions = {},
): AsyncGenerator<PlacedRecord> {
  const totalBytes = (await fileBytes(path)) ?? 0;
  const { file, metadata } = await decoded(path, async () => {
    const buffer = await asyncBufferFromFile(path);
    return { file: buffer, metadata: await parquetMetadataAsync(buffer, { geoparquet: false }) };
  });
  const present = await decoded(path, () =>
    parquetSchema(metadata).children.map((child) => child.element.name),
  );
  const missing = columns.filter((column) => !present.includes(column));
  if (missing.length > 0) {
    const hint = `Its columns are ${present.join(', ')}`;
    throw new QuernError('BAD_INPUT', `no column ${missing.join(', ')}`, { where: path, hint });
  }
  const wanted = [...columns, ...optional.filter((column) => present.includes(column))];
  // Only here, not for the metadata: its statistics hold strings that are cut inside of a character.
  const parsers = {
    stringFromBytes: (bytes: Uint8Array | undefined) => bytes && utf8Text(bytes, path),
  };
  await decoded(path, () => assertRowCounts(metadata, path));
  const totalRows = Number(metadata.num_rows);
  let rowStart = 0;
  let toldBytes = 0;
  for (const group of metadata.row_groups) {
    throwIfAborted(signal);
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await decoded(path, () => {
      const range = { rowStart, rowEnd };
      return groupRows(wanted, group, { file, metadata, compressors, parsers, ...range });
    });
    for (const [i, record] of rows.entries()) yield { where: `${path} (row ${rowStart + i + 1})`, record };
    rowStart = rowEnd;
    const readBytes = Math.floor(totalBytes * (rowEnd / Math.max(1, totalRows)));
    onBytes?.(readBytes - toldBytes);
    toldBytes = readBytes;
  }
}

/**
 * The rows of one group. Columns are read one by one: when hyparquet meets a damaged column while it reads others, it
 * may leave their errors unhandled, which ends the process.
 */
async function groupRows(
  columns: readonly string[],
  group: RowGroup,
  reading: Omit<Parameters<typeof parquetReadObjects>[0], 'columns'>,
): Promise<Record<string, unknown>[]> {
  const rows = Array.from({ length: Number(group.num_rows) }, (): Record<string, unknown> => ({}));
  for (const column of columns) {
    const chunks = group.columns.filter(({ meta_data }) => meta_data?.path_in_schema[0] === column);
    if (chunks.length !== 1) throw new Error(`${column} is neither a plain column nor a list`);
    await assertWholePages(reading.file, chunks[0].meta_data!);
    const cells = await parquetReadObjects({ ...reading, columns: [column] });
    for (const [i, cell] of cells.entries()) rows[i][column] = cell[column];
  }
  return rows;
}

/**
 * Throws `CORRUPT_FILE` where the counts in the metadata contradict each other: hyparquet makes as many rows as they
 * say, with or without values.
 */
function assertRowCounts({ num_rows, row_groups }: FileMetaData, path: string): void {
  const counted = row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  const isShort = row_groups.some(({ num_rows: rows, columns }) =>
    columns.some(({ meta_data }) => meta_data === undefined || meta_data.num_values < rows),
  );
  if (counted !== num_rows || isShort) {
    throw new QuernError('CORRUPT_FILE', 'its row counts contradict each other', { where: path });
  }
}

/** What `decode` returns; hyparquet's errors, which have no codes, as `CORRUPT_FILE`. */
async function decoded<T>(path: string, decode: () => T | Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (cause) {
    const error = fileError(cause, path);
    if (error instanceof QuernError) throw error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuernError('CORRUPT_FILE', `not a readable Parquet file (${reason})`, { where: path, cause });
  }
}
