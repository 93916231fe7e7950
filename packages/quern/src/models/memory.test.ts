import { expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import { tensorBytes, type GgufValue } from './gguf/gguf-format.ts';
import type { GgufInfo } from './gguf/gguf-reader.ts';
import { checkMemory, memoryNeeded } from './memory.ts';
import { publishedModels } from './gguf/published-models.ts';
import type { Qwen2Config } from './checkpoint/qwen2-config.ts';
import { modelMetadata, type ModelType } from './gguf/qwen2-metadata.ts';
import { qwen2Tensors } from './checkpoint/qwen2-tensors.ts';
import { writtenType } from './gguf/tensor-encoding.ts';

/** What a published model of the given size would be as GGUF file, its vocabulary left out. */
function published(size: string, type: ModelType): GgufInfo {
  const model = publishedModels.find(({ name }) => name.endsWith(`-${size}`))!;
  const config: Qwen2Config = model.config;
  const tokenizer = { tokens: [], merges: [], addsBeginToken: false };
  const metadata = modelMetadata({ config, tokenizer, endTokens: [], type, folder: '' });
  const scalars = new Map<string, GgufValue>([...metadata].filter(([, value]) => value.type !== 'array'));
  const tensors = qwen2Tensors(config).map(({ ggufName, shape }) => {
    const tensor = {
      name: ggufName,
      dimensions: shape.toReversed(),
      type: writtenType({ ggufName, shape }, type),
    };
    return { ...tensor, position: 0, bytes: tensorBytes(tensor) };
  });
  return { version: 3, metadata: scalars, tensors, bytes: 0 };
}

const use = { contextTokens: 4096, sequences: 1 };

it("counts the tensors' bytes and two bytes for each key and value of each token", () => {
  const { weights, cache, compute, total } = memoryNeeded({ gguf: published('1.5B', 'f16'), ...use });
  // 1.54 billion weights; 28 layers, 2 key-value heads of 128.
  expect(Math.round(weights / 1e7)).toBe(309);
  expect(cache).toBe(2 * 28 * 2 * 128 * 2 * 4096);
  expect(total).toBe(weights + cache + compute);
  const three = memoryNeeded({ gguf: published('1.5B', 'f16'), ...use, sequences: 3 });
  expect(three.cache).toBe(3 * cache);
});

it('counts the logits of a batch, which llama.cpp reserves 300 MiB for', () => {
  const { compute } = memoryNeeded({ gguf: published('1.5B', 'q8_0'), ...use });
  expect(Math.round(compute / 2 ** 20)).toBe(300);
});

it('lets a model pass that fits, up to the last byte', () => {
  const gguf = published('1.5B', 'q8_0');
  const { total } = memoryNeeded({ gguf, ...use });
  expect(() => checkMemory({ gguf, path: 'm.gguf', ...use, free: total })).not.toThrow();
  expect(() => checkMemory({ gguf, path: 'm.gguf', ...use, free: total - 1 })).toThrow(QuernError);
});

it.each<[string, ModelType, number, RegExp]>([
  [
    '7B',
    'f16',
    10e9,
    /needs 15\.\d GB for 1 x 4096 tokens, and 10\.0 GB are free\. As q8_0 it would need 8\.\d GB/,
  ],
  ['7B', 'q8_0', 6e9, /As q4_0 it would need 5\.\d GB/],
  ['7B', 'q4_0', 4.5e9, /TongSearch-QR-3B as q8_0 would fit with 3\.\d GB/],
  ['7B', 'f16', 2.5e9, /TongSearch-QR-3B as q4_0 would fit/],
  ['3B', 'q4_0', 2e9, /TongSearch-QR-1\.5B as q4_0 would fit with 1\.\d GB/],
  ['1.5B', 'q4_0', 1e9, /take a shorter context, or let a server on another machine/],
])('names for the %s model as %s with %d bytes free what would fit', (size, type, free, message) => {
  const check = (): void => checkMemory({ gguf: published(size, type), path: 'm.gguf', ...use, free });
  expect(check).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY', where: 'm.gguf' }));
  expect(check).toThrow(message);
});

it('counts only the weights of an architecture that tells nothing else', () => {
  const { tensors } = published('1.5B', 'q4_0');
  const metadata = new Map<string, GgufValue>([['general.architecture', { type: 'string', value: 'other' }]]);
  const { weights, cache } = memoryNeeded({ gguf: { version: 3, metadata, tensors, bytes: 0 }, ...use });
  expect(cache).toBe(0);
  expect(weights).toBe(tensors.reduce((sum, { bytes }) => sum + bytes, 0));
});
