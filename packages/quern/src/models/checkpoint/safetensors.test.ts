import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { QuernError } from '../../errors.ts';
import { SafetensorsFile, writeSafetensors, type NewTensor } from './safetensors.ts';

const folder = temporaryFolder();
const path = join(folder, 'a.safetensors');

/** The file that a header, given as JSON text, and as many bytes of data make. */
function fileOf(header: string, dataBytes: number): Buffer {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

const files: SafetensorsFile[] = [];
afterEach(async () => {
  for (const file of files.splice(0)) await file.close();
});

async function opened(bytes: Uint8Array): Promise<SafetensorsFile> {
  writeFileSync(path, bytes);
  const file = await SafetensorsFile.open(path);
  files.push(file);
  return file;
}

async function bytesOf(file: SafetensorsFile, name: string): Promise<Uint8Array> {
  const tensor = file.tensors.get(name)!;
  const bytes = new Uint8Array(tensor.bytes);
  await file.read(tensor, 0, bytes);
  return bytes;
}

it('reads back what it wrote, whole and in ranges', async () => {
  const values = Float32Array.from({ length: 6 }, (_, i) => i / 4);
  const halves = new Uint16Array([1, 2, 3, 4]);
  await writeSafetensors(
    path,
    [
      { name: 'a', dtype: 'F32', shape: [2, 3], data: values },
      { name: 'none', dtype: 'F32', shape: [0, 3], data: new Uint8Array(0) },
      { name: 'b', dtype: 'BF16', shape: [4], data: [halves.subarray(0, 1), halves.subarray(1)] },
      { name: 'scalar', dtype: 'I64', shape: [], data: new BigInt64Array([5n]) },
    ],
    { format: 'pt' },
  );
  const file = await SafetensorsFile.open(path);
  expect(
    [...file.tensors.values()].map(({ name, dtype, shape, bytes }) => [name, dtype, shape, bytes]),
  ).toEqual([
    ['a', 'F32', [2, 3], 24],
    ['none', 'F32', [0, 3], 0],
    ['b', 'BF16', [4], 8],
    ['scalar', 'I64', [], 8],
  ]);
  expect([...file.metadata]).toEqual([['format', 'pt']]);
  expect(new Float32Array((await bytesOf(file, 'a')).buffer)).toEqual(values);
  const middle = new Uint8Array(4);
  await file.read(file.tensors.get('b')!, 2, middle);
  expect(Array.from(middle)).toEqual([2, 0, 3, 0]);
  expect(() => file.read(file.tensors.get('b')!, 6, middle)).toThrow(RangeError);
  await file.close();
});

it('reads an empty file of tensors, and a header that is padded with spaces', async () => {
  expect((await opened(fileOf('{}', 0))).tensors.size).toBe(0);
  expect(
    (await opened(fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   ', 1))).tensors.size,
  ).toBe(1);
});

it('takes tensors in any order in the header', async () => {
  const header =
    '{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}';
  const file = await opened(fileOf(header, 3));
  expect([...file.tensors.keys()]).toEqual(['a', 'b']);
});

it('leaves nothing, and an older file as it was, where writing fails', async () => {
  await writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [1], data: new Uint8Array(1) }]);
  const before = readFileSync(path);
  const short: NewTensor = { name: 'a', dtype: 'F32', shape: [2], data: new Float32Array(1) };
  await expect(writeSafetensors(path, [short])).rejects.toMatchObject({ code: 'BAD_INPUT', where: path });
  await expect(writeSafetensors(path, [short, short])).rejects.toMatchObject({ code: 'BAD_INPUT' });
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(folder)).toEqual(['a.safetensors']);
});

it('stops reading when told to', async () => {
  await writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [1], data: new Uint8Array(1) }]);
  await expect(SafetensorsFile.open(path, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
});

/** A header of one tensor, with more fields. */
function headerOf(fields: string): string {
  return `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]${fields}}}`;
}

/** A header of two tensors of four bytes, the second at other offsets. */
function twoTensors(second: string): string {
  const b = `{"dtype":"U8","shape":[4],"data_offsets":${second}}`;
  return `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":${b}}`;
}

describe('a damaged file', () => {
  const damaged: readonly (readonly [what: string, header: string, dataBytes: number, named: RegExp])[] = [
    ['is cut', headerOf(''), 7, /end at byte/],
    ['has bytes behind its tensors', headerOf(''), 9, /end at byte/],
    ['has an unknown dtype', headerOf(',"dtype":"F31"').replace('"dtype":"F32",', ''), 8, /tensor "a".*F31/],
    ['has a dtype from the prototype', headerOf('').replace('F32', 'toString'), 8, /tensor "a".*dtype/],
    ['has a negative size', headerOf('').replace('[2]', '[-2]'), 8, /tensor "a".*shape/],
    ['has a fractional size', headerOf('').replace('[2]', '[2.5]'), 8, /tensor "a".*shape/],
    ['has a size of 2^63', headerOf('').replace('[2]', '[9223372036854775808]'), 8, /tensor "a".*shape/],
    [
      'has sizes whose product overflows',
      headerOf('').replace('[2]', '[4294967296,4294967296]'),
      8,
      /tensor "a"/,
    ],
    [
      'has 65 dimensions',
      headerOf('').replace('[2]', `[2${',1'.repeat(64)}]`),
      8,
      /tensor "a".*65 dimensions/,
    ],
    [
      'has offsets of 2^63',
      headerOf('').replace('[0,8]', '[0,9223372036854775808]'),
      8,
      /tensor "a".*offsets/,
    ],
    ['has descending offsets', headerOf('').replace('[0,8]', '[8,0]'), 8, /tensor "a".*offsets/],
    ['has another size than its shape', headerOf('').replace('[2]', '[3]'), 8, /tensor "a".*needs 12 bytes/],
    ['has overlapping tensors', twoTensors('[2,6]'), 6, /tensor "b" overlaps/],
    ['has a hole', twoTensors('[5,9]'), 9, /tensor "b" leaves a hole of 1/],
    [
      'has a tensor twice',
      `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`,
      1,
      /twice/,
    ],
    ['has a field twice', headerOf(',"shape":[2]'), 8, /twice/],
    ['has metadata that is no text', '{"__metadata__":{"a":1}}', 0, /"a" is not a text/],
    ['has a header that is a list', '[]', 0, /not a JSON object/],
    ['has a header that begins with a space', ' {}', 0, /not a JSON object/],
    ['has a header that is no JSON', '{"a":', 0, /not JSON/],
    ['has a tensor that is no object', '{"a":[1]}', 0, /tensor "a"/],
  ];

  it.each(damaged)('that %s is refused', async (_, header, dataBytes, named) => {
    const opening = opened(fileOf(header, dataBytes));
    await expect(opening).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: path });
    await expect(opening).rejects.toThrow(named);
  });

  it.each([0n, 2n ** 63n, 2n ** 64n - 1n, 100_000_001n, 3n])(
    'whose header claims %s bytes is refused',
    async (length) => {
      const bytes = fileOf('{}', 0);
      bytes.writeBigUInt64LE(length);
      await expect(opened(bytes)).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: path });
    },
  );

  it('gives a typed error or a consistent table, whatever a byte is changed to', async () => {
    await writeSafetensors(path, [
      { name: 'a', dtype: 'F32', shape: [2, 3], data: new Float32Array(6) },
      { name: 'b', dtype: 'BF16', shape: [4], data: new Uint16Array(4) },
    ]);
    const whole = readFileSync(path);
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255), cut: fc.nat(20) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const { at, byte } of changes) bytes[at] = byte;
        const { cut } = changes[0];
        const found = await opened(cut > 10 ? bytes.subarray(0, bytes.length - cut) : bytes).catch(
          (error: unknown) => {
            if (error instanceof QuernError && error.code === 'CORRUPT_FILE') return undefined;
            throw error;
          },
        );
        const sum = [...(found?.tensors.values() ?? [])].reduce((total, { bytes: size }) => total + size, 0);
        expect([0, 32]).toContain(sum);
      }),
      { numRuns: 300 },
    );
  });
});
