import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { weightOf, type Weight } from './checkpoint-weights.ts';
import { SafetensorsFile, writeSafetensors } from './safetensors.ts';
import { rowChunks } from './weight-rows.ts';

const path = join(temporaryFolder(), 'a.safetensors');
const rows = 2500;
const columns = 1000;
let file: SafetensorsFile;

beforeAll(async () => {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => i);
  const wide = new Float32Array(2 * (1 << 20));
  await writeSafetensors(path, [
    { name: 'matrix', dtype: 'F32', shape: [rows, columns], data },
    { name: 'wide', dtype: 'F32', shape: [2, 1 << 20], data: wide },
    { name: 'none', dtype: 'F32', shape: [0, 4], data: new Uint8Array(0) },
  ]);
  file = await SafetensorsFile.open(path);
});

afterAll(() => file.close());

/** A weight that notes the size of each read. */
function counted(name: string): { weight: Weight; reads: number[] } {
  const reads: number[] = [];
  const weight = weightOf(file, name);
  const read: Weight['read'] = (offset, target, signal) => {
    reads.push(target.length);
    return weight.read(offset, target, signal);
  };
  return { weight: { ...weight, read }, reads };
}

it('reads whole rows in order, a few megabytes at a time', async () => {
  const { weight, reads } = counted('matrix');
  let next = 0;
  for await (const chunk of rowChunks(weight)) {
    const values = new Float32Array(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.rows * columns);
    expect([chunk.row * columns, values[0], values.at(-1)]).toEqual([next, next, next + values.length - 1]);
    next += values.length;
  }
  expect(next).toBe(rows * columns);
  expect(reads).toEqual([4_192_000, 4_192_000, 1_616_000]);
});

it('reads one chunk ahead of the caller, and no more', async () => {
  const { weight, reads } = counted('matrix');
  const seen: number[] = [];
  for await (const { row } of rowChunks(weight)) seen.push(row, reads.length);
  expect(seen).toEqual([0, 2, 1048, 3, 2096, 3]);
});

it('reads a row at a time where rows are long, and nothing of an empty weight', async () => {
  const wide = counted('wide');
  for await (const chunk of rowChunks(wide.weight)) expect(chunk.rows).toBe(1);
  expect(wide.reads).toEqual([1 << 22, 1 << 22]);
  const none = counted('none');
  for await (const chunk of rowChunks(none.weight)) expect(chunk).toBeUndefined();
  expect(none.reads.reduce((a, b) => a + b, 0)).toBe(0);
});

it('ends when the caller leaves, with no read under way, and when told to stop', async () => {
  const { weight, reads } = counted('matrix');
  for await (const { row } of rowChunks(weight)) {
    expect(row).toBe(0);
    break;
  }
  expect(reads).toHaveLength(2);
  const controller = new AbortController();
  const reading = (async () => {
    for await (const { row } of rowChunks(weight, controller.signal)) {
      controller.abort();
      expect(row).toBeLessThan(1049);
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
});
