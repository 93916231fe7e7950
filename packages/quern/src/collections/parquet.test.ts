import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer, type ParquetWriteOptions } from 'hyparquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import { readParquet, type ParquetOptions } from './parquet.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-parquet-'));
afterAll(() => rmSync(folder, { recursive: true }));

const schema: SchemaElement[] = [
  { name: 'root', num_children: 3 },
  { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'gold_ids', converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
  { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'content', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];

const ids = ['a', 'b', 'c', 'd', 'é'];
const gold = [['x'], ['x', 'y'], [], null, ['ü']];
const contents = ['first', 'cut inside é of ü', null, '', 'last'];

/** A frame that holds its content as it is, in one raw block (RFC 8878, 3.1.1). */
function storedZstd(input: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(12);
  frame.writeUInt32LE(0xfd2fb528, 0);
  frame.writeUInt8(0b10_1_00000, 4);
  frame.writeUInt32LE(input.length, 5);
  frame.writeUIntLE((input.length << 3) | 1, 9, 3);
  return Buffer.concat([frame, input]);
}

function write(name: string, options: Partial<ParquetWriteOptions> = {}): string {
  const path = join(folder, name);
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'id', data: ids },
      { name: 'gold_ids', data: gold },
      { name: 'content', data: contents },
    ],
    schema,
    compressors: { GZIP: (input) => gzipSync(input), ZSTD: storedZstd },
    ...options,
  });
  writeFileSync(path, new Uint8Array(buffer));
  return path;
}

async function rows(path: string, columns = ['id', 'gold_ids', 'content'], options?: ParquetOptions) {
  const found: Record<string, unknown>[] = [];
  for await (const { record, where } of readParquet(path, columns, options)) {
    found.push(record);
    expect(where).toBe(`${path} (row ${found.length})`);
  }
  return found;
}

describe('the rows of a Parquet file', () => {
  it.each(['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD'] as const)('are read from %s pages', async (codec) => {
    const found = await rows(write('codec.parquet', { codec }));
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(found.map(({ gold_ids }) => gold_ids ?? null)).toEqual(gold);
    expect(found.map(({ content }) => content ?? null)).toEqual(contents);
  });

  it('come from every row group, and only those asked for are decoded', async () => {
    const path = write('groups.parquet', { rowGroupSize: 2 });
    expect((await rows(path)).map(({ id }) => id)).toEqual(ids);
    const told: number[] = [];
    for await (const { record } of readParquet(path, ['id'], { onBytes: (count) => told.push(count) })) {
      if (record['id'] === 'c') break;
    }
    expect(told).toHaveLength(1);
  });

  it('have only the columns that are asked for', async () => {
    expect(await rows(write('columns.parquet'), ['id'])).toEqual(ids.map((id) => ({ id })));
  });

  it('have of optional columns those that are there', async () => {
    const found = await rows(write('optional.parquet'), [], { optional: ['_id', 'id'] });
    expect(found).toEqual(ids.map((id) => ({ id })));
  });

  it('are none in an empty file', async () => {
    const columnData = ['id', 'gold_ids', 'content'].map((name) => ({ name, data: [] }));
    expect(await rows(write('empty.parquet', { columnData }))).toEqual([]);
  });

  it('tell how many bytes were read, in all the size of the file', async () => {
    const path = write('told.parquet', { rowGroupSize: 2 });
    let bytes = 0;
    await rows(path, ['id'], { onBytes: (count) => (bytes += count) });
    expect(bytes).toBe(statSync(path).size);
  });

  it('with a missing column are an error that names those that are there', async () => {
    const reading = rows(write('missing.parquet'), ['id', 'query']);
    await expect(reading).rejects.toThrow('no column query. Its columns are id, gold_ids, content');
  });

  it('that are not UTF-8 are an error', async () => {
    const path = write('latin1.parquet', {
      columnData: [{ name: 'id', data: [new Uint8Array([0xe9])] }],
      schema: [
        { name: 'root', num_children: 1 },
        { name: 'id', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' },
      ],
    });
    await expect(rows(path, ['id'])).rejects.toMatchObject({ code: 'BAD_INPUT', where: path });
  });

  it('of a missing file or a folder are an error', async () => {
    await expect(rows(join(folder, 'none.parquet'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(rows(folder)).rejects.toMatchObject({ code: 'IO' });
  });

  it('stop on request', async () => {
    const reading = rows(write('abort.parquet'), ['id'], { signal: AbortSignal.abort() });
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('a damaged Parquet file', () => {
  const path = join(folder, 'damaged.parquet');

  /** Whether the file with these bytes gives rows, or is refused with a QuernError. Any other error is thrown. */
  async function isReadOrRefused(bytes: Uint8Array): Promise<boolean> {
    writeFileSync(path, bytes);
    try {
      await rows(path);
    } catch (error) {
      if (!(error instanceof QuernError)) throw error;
    }
    return true;
  }

  it('that ends early is an error', async () => {
    const whole = new Uint8Array(readFileSync(write('whole.parquet')));
    for (const length of [0, 3, 11, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(rows(path)).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: path });
    }
  });

  it('whose page headers never let hyparquet return is an error', async () => {
    const whole = new Uint8Array(readFileSync(write('whole.parquet')));
    for (let i = 4; i < 40; i++) {
      const damaged = Uint8Array.from(whole);
      damaged[i] = 0;
      expect(await isReadOrRefused(damaged)).toBe(true);
    }
  });

  it('gives rows or a QuernError, whatever byte is changed', async () => {
    const whole = new Uint8Array(readFileSync(write('whole.parquet', { rowGroupSize: 2 })));
    const place = fc.nat({ max: whole.length - 1 });
    const checking = fc.assert(
      fc.asyncProperty(place, fc.nat({ max: 255 }), async (i, value) => {
        const damaged = Uint8Array.from(whole);
        damaged[i] = value;
        return isReadOrRefused(damaged);
      }),
      { numRuns: 300, seed: 2506 },
    );
    await expect(checking).resolves.toBeUndefined();
  });

  it('of arbitrary bytes before a Parquet footer is refused', async () => {
    const checking = fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 300 }), async (bytes, length) => {
        const footer = Buffer.alloc(8, 'PAR1');
        footer.writeUInt32LE(length, 0);
        return isReadOrRefused(Buffer.concat([bytes, footer]));
      }),
    );
    await expect(checking).resolves.toBeUndefined();
  });
});
