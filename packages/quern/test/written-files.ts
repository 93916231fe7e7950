import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';

type Row = Readonly<Record<string, string | number | bigint | readonly string[]>>;

/**
 * Writes `rows` as the name of the file says: `.parquet`, `.tsv` (with a header), or JSON lines, compressed where it ends
 * in `.gz`. Folders are made.
 */
export function writeRows(path: string, rows: readonly Row[]): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contentOf(path, rows));
  return path;
}

function contentOf(path: string, rows: readonly Row[]): string | Uint8Array {
  if (path.endsWith('.parquet')) return parquetBytes(rows);
  if (path.endsWith('.tsv')) {
    const table = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))];
    return table.map((cells) => `${cells.join('\t')}\n`).join('');
  }
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return path.endsWith('.gz') ? gzipSync(lines) : lines;
}

function parquetBytes(rows: readonly Row[]): Uint8Array {
  const columnData = Object.keys(rows[0]!).map((name) => ({ name, data: rows.map((row) => row[name]) }));
  const schema = [
    { name: 'root', num_children: columnData.length },
    ...columnData.flatMap(({ name, data }) => columnSchema(name, data[0]!)),
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, rowGroupSize: 2 }));
}

function columnSchema(name: string, value: Row[string]): SchemaElement[] {
  if (typeof value === 'bigint') return [{ name, type: 'INT64', repetition_type: 'OPTIONAL' }];
  if (typeof value === 'number') return [{ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' }];
  if (typeof value === 'string') {
    return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }];
  }
  return [
    { name, converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    ...columnSchema('element', ''),
  ];
}
