import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type FileMetaData,
  type RowGroup,
  type SchemaTree,
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

/** A Parquet file, wherever it lies. */
export interface ParquetFile {
  /** As errors and places name it. */
  readonly path: string;
  open(): Promise<AsyncBuffer>;
}

/** How {@link parquetGroups} reads. */
export interface GroupOptions extends Pick<ParquetOptions, 'signal' | 'optional'> {
  /** The row group to begin with, from 0. */
  readonly from?: number;
  /** What makes a text of bytes. Default: one that throws `BAD_INPUT` where they are not UTF-8. */
  readonly text?: (bytes: Uint8Array) => string;
  /** Told of the columns before any is read; may throw. */
  readonly onSchema?: (columns: readonly SchemaTree[], path: string) => void;
  /** The most bytes that a group may have when it is decoded: all of it is in memory at once. Default: any number. */
  readonly mostGroupBytes?: number;
}

/** A row group's rows. */
export interface ParquetGroup {
  /** Its number, from 0. */
  readonly group: number;
  readonly records: readonly PlacedRecord[];
  /** Rows of the file up to its end, and of all of the file. */
  readonly rowEnd: number;
  readonly totalRows: number;
}

/** The Parquet file at a path. */
export function localParquet(path: string): ParquetFile {
  return { path, open: () => asyncBufferFromFile(path) };
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
  let toldBytes = 0;
  for await (const group of parquetGroups(localParquet(path), columns, { signal, optional })) {
    yield* group.records;
    const readBytes = Math.floor(totalBytes * (group.rowEnd / Math.max(1, group.totalRows)));
    onBytes?.(readBytes - toldBytes);
    toldBytes = readBytes;
  }
}

/** The row groups of a Parquet file, as {@link readParquet} reads them; a group that is too large is `UNSUPPORTED`. */
export async function* parquetGroups(
  { path, open }: ParquetFile,
  columns: readonly string[],
  { signal, optional = [], from = 0, text, onSchema, mostGroupBytes = Infinity }: GroupOptions = {},
): AsyncGenerator<ParquetGroup> {
  const { file, metadata } = await decoded(path, async () => {
    const buffer = await open();
    return { file: buffer, metadata: await parquetMetadataAsync(buffer, { geoparquet: false }) };
  });
  const schema = await decoded(path, () => parquetSchema(metadata).children);
  const present = schema.map((child) => child.element.name);
  const missing = columns.filter((column) => !present.includes(column));
  if (missing.length > 0) {
    const hint = `Its columns are ${present.join(', ')}`;
    throw new QuernError('BAD_INPUT', `no column ${missing.join(', ')}`, { where: path, hint });
  }
  onSchema?.(schema, path);
  const wanted = [...columns, ...optional.filter((column) => present.includes(column))];
  // Only here, not for the metadata: its statistics hold strings that are cut inside of a character.
  const parsers = {
    stringFromBytes: (bytes: Uint8Array | undefined) => bytes && (text ? text(bytes) : utf8Text(bytes, path)),
  };
  await decoded(path, () => assertRowCounts(metadata, path));
  const totalRows = Number(metadata.num_rows);
  let rowStart = 0;
  for (const [number, group] of metadata.row_groups.entries()) {
    const rowEnd = rowStart + Number(group.num_rows);
    if (number >= from) {
      throwIfAborted(signal);
      assertGroupSize(group, { number, mostGroupBytes, path });
      const range = { rowStart, rowEnd };
      const rows = await decoded(path, () =>
        groupRows(wanted, group, { file, metadata, compressors, parsers, ...range }),
      );
      const first = rowStart + 1;
      const records = rows.map((record, i) => ({ where: `${path} (row ${first + i})`, record }));
      yield { group: number, records, rowEnd, totalRows };
    }
    rowStart = rowEnd;
  }
}

function assertGroupSize(
  group: RowGroup,
  { number, mostGroupBytes, path }: { number: number; mostGroupBytes: number; path: string },
): void {
  const bytes = Number(group.total_byte_size);
  if (bytes <= mostGroupBytes) return;
  const what = `row group ${number} has ${bytes} bytes, and all of it would have to be in memory`;
  throw new QuernError('UNSUPPORTED', what, {
    where: path,
    hint: 'Write it again with fewer rows in a group (10,000, say)',
  });
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
    if (chunks.length === 0) throw new Error(`${column} has no values`);
    for (const { meta_data } of chunks) await assertWholePages(reading.file, meta_data!);
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
    throw new QuernError('CORRUPT_FILE', `not a readable Parquet file (${reason})`, {
      where: path,
      hint: 'Fetch or write the file again',
      cause,
    });
  }
}
