import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { QuernError } from '../../errors.ts';
import type { GgufMetadata, GgufTensor, GgufValue } from './gguf-format.ts';
import { readGguf, type GgufInfo } from './gguf-reader.ts';
import { ggufHead, writeGguf } from './gguf-writer.ts';

const path = join(temporaryFolder(), 'a.gguf');

const metadata: GgufMetadata = new Map<string, GgufValue>([
  ['general.architecture', { type: 'string', value: 'qwen2' }],
  ['a.uint8', { type: 'uint8', value: 255 }],
  ['a.int8', { type: 'int8', value: -128 }],
  ['a.uint16', { type: 'uint16', value: 65_535 }],
  ['a.int16', { type: 'int16', value: -32_768 }],
  ['a.uint32', { type: 'uint32', value: 4_294_967_295 }],
  ['a.int32', { type: 'int32', value: -2_147_483_648 }],
  ['a.float32', { type: 'float32', value: 0.5 }],
  ['a.float64', { type: 'float64', value: 0.1 }],
  ['a.uint64', { type: 'uint64', value: 2n ** 64n - 1n }],
  ['a.int64', { type: 'int64', value: -(2n ** 63n) }],
  ['a.bool', { type: 'bool', value: true }],
  ['a.texts', { type: 'array', of: 'string', items: ['', 'Ġa', '質問'] }],
  ['a.numbers', { type: 'array', of: 'int32', items: [1, -2, 3] }],
  ['a.none', { type: 'array', of: 'uint64', items: [] }],
]);

const tensors: readonly GgufTensor[] = [
  { name: 'token_embd.weight', dimensions: [64, 3], type: 'Q8_0' },
  { name: 'norm', dimensions: [5], type: 'F32' },
  { name: 'last', dimensions: [32, 1], type: 'Q4_0' },
];

const dataBytes = 224 + 32 + 18;

function read(bytes: Uint8Array, lists = true): Promise<GgufInfo> {
  writeFileSync(path, bytes);
  return readGguf(path, { lists });
}

function fileOf(head: Uint8Array): Buffer {
  return Buffer.concat([head, Buffer.alloc(dataBytes)]);
}

it('reads back metadata and tensors as they were written', async () => {
  const bytes = await writeGguf(
    path,
    metadata,
    tensors.map((tensor) => ({
      ...tensor,
      write: (sink) => sink(new Uint8Array({ Q8_0: 204, F32: 20, Q4_0: 18 }[tensor.type as 'F32']).fill(7)),
    })),
  );
  const info = await readGguf(path, { lists: true });
  expect(info.metadata).toEqual(metadata);
  expect(info.tensors.map(({ name, dimensions, type }) => ({ name, dimensions, type }))).toEqual(tensors);
  const [first, second, third] = info.tensors.map(({ position }) => position);
  expect([first % 32, second - first, third - second]).toEqual([0, 224, 32]);
  expect([info.version, info.bytes, bytes]).toEqual([3, bytes, third + 32]);
});

it('leaves lists out unless they are asked for', async () => {
  const info = await read(fileOf(ggufHead(metadata, tensors)), false);
  expect([...info.metadata.keys()]).toEqual([...metadata.keys()].slice(0, -3));
  expect(info.tensors).toHaveLength(3);
});

it('reads metadata longer than what it reads first', async () => {
  const items = Array.from({ length: 40_000 }, (_, i) => `token number ${i}`);
  const long = new Map<string, GgufValue>([['tokens', { type: 'array', of: 'string', items }]]);
  const info = await read(fileOf(ggufHead(long, tensors)));
  expect(info.metadata).toEqual(long);
  expect(info.tensors).toHaveLength(3);
});

describe('a damaged file', () => {
  const whole = fileOf(ggufHead(metadata, tensors));

  function changed(change: (bytes: Buffer) => void): Buffer {
    const bytes = Buffer.from(whole);
    change(bytes);
    return bytes;
  }

  const of = (value: GgufValue, tensor: Partial<GgufTensor> = {}): Buffer =>
    fileOf(ggufHead(new Map([['general.alignment', value]]), [{ ...tensors[0], ...tensor }]));
  const text: GgufValue = { type: 'string', value: 'x' };

  it.each<[string, Buffer, QuernError['code'], RegExp]>([
    ['is empty', Buffer.alloc(0), 'CORRUPT_FILE', /not a GGUF file/],
    ['has another magic', changed((bytes) => bytes.write('GGML')), 'CORRUPT_FILE', /not a GGUF file/],
    ['has version 1', changed((bytes) => bytes.writeUInt32LE(1, 4)), 'UNSUPPORTED', /version 1/],
    ['has version 4', changed((bytes) => bytes.writeUInt32LE(4, 4)), 'UNSUPPORTED', /version 4/],
    ['is big-endian', changed((bytes) => bytes.writeUInt32BE(3, 4)), 'UNSUPPORTED', /big-endian/],
    [
      'tells of 2^63 tensors',
      changed((bytes) => bytes.writeBigUInt64LE(2n ** 63n, 8)),
      'CORRUPT_FILE',
      /byte 8/,
    ],
    [
      'tells of a million tensors',
      changed((bytes) => bytes.writeBigUInt64LE(1_000_000n, 8)),
      'CORRUPT_FILE',
      /1000000 tensors/,
    ],
    [
      'tells of 2^64-1 members',
      changed((bytes) => bytes.writeBigUInt64LE(2n ** 64n - 1n, 16)),
      'CORRUPT_FILE',
      /byte 16/,
    ],
    [
      'tells of a key of 2^40 bytes',
      changed((bytes) => bytes.writeBigUInt64LE(2n ** 40n, 24)),
      'CORRUPT_FILE',
      /bytes of a text/,
    ],
    ['ends within its tensors', whole.subarray(0, -1), 'CORRUPT_FILE', /"last" ends at byte/],
    ['has an alignment that is a text', of(text), 'CORRUPT_FILE', /alignment/],
    ['has an alignment of 0', of({ type: 'uint32', value: 0 }), 'CORRUPT_FILE', /alignment/],
    ['has an alignment of 24', of({ type: 'uint32', value: 24 }), 'CORRUPT_FILE', /alignment/],
    [
      'has five dimensions',
      of({ type: 'uint32', value: 32 }, { dimensions: [32, 1, 1, 1, 1] }),
      'CORRUPT_FILE',
      /5 dimensions/,
    ],
    [
      'has a dimension of 0',
      of({ type: 'uint32', value: 32 }, { dimensions: [0, 4] }),
      'CORRUPT_FILE',
      /impossible size/,
    ],
    [
      'has rows that are no blocks',
      of({ type: 'uint32', value: 32 }, { dimensions: [40, 4] }),
      'CORRUPT_FILE',
      /no whole blocks/,
    ],
    [
      'has a tensor of 2^80 values',
      of({ type: 'uint32', value: 32 }, { dimensions: [2 ** 40, 2 ** 40] }),
      'CORRUPT_FILE',
      /impossible size/,
    ],
    ['has a tensor twice', fileOf(ggufHead(new Map(), [tensors[1], tensors[1]])), 'CORRUPT_FILE', /twice/],
    [
      'has a name of 70 bytes',
      of({ type: 'uint32', value: 32 }, { name: 'x'.repeat(70) }),
      'CORRUPT_FILE',
      /70 bytes/,
    ],
  ])('that %s is refused', async (_, bytes, code, message) => {
    await expect(read(bytes)).rejects.toMatchObject({ code, where: path });
    await expect(read(bytes)).rejects.toThrow(message);
  });

  it('of which any end is missing is refused', async () => {
    for (let length = 0; length < whole.length; length += 7) {
      await expect(read(whole.subarray(0, length))).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    }
  });

  it('gives a typed error or tensors within the file, whatever its bytes are changed to', async () => {
    const head = whole.length - dataBytes;
    const change = fc.tuple(
      fc.nat(head - 8),
      fc.oneof(
        fc.bigInt({ min: 0n, max: 255n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.constant(2n ** 63n),
      ),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (changes, lists) => {
          const bytes = changed((copy) => {
            for (const [at, value, wide] of changes) {
              if (wide) copy.writeBigUInt64LE(value, at);
              else copy[at] = Number(value & 255n);
            }
          });
          const info = await read(bytes, lists).catch((error: unknown) => {
            if (error instanceof QuernError && /^(CORRUPT_FILE|UNSUPPORTED)$/.test(error.code))
              return undefined;
            throw error;
          });
          const ends = (info?.tensors ?? []).map((tensor) => tensor.position + tensor.bytes);
          expect(Math.max(0, ...ends)).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});
