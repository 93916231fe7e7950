import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeWithMetadata } from '../../test/gguf-metadata.ts';
import { goldenFile } from '../../test/golden-file.ts';
import { oracleModels, writeOracleModel } from '../../test/oracle-models.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { convertToGguf } from '../models/convert.ts';
import type { Embedder } from './embedder.ts';
import { openEmbedder } from './embedders.ts';
import type { EmbedderOptions } from './model-options.ts';

interface HiddenStates {
  readonly text: string;
  readonly last: readonly number[];
  readonly mean: readonly number[];
  readonly end: readonly number[];
}

const golden = goldenFile<HiddenStates[]>('embeddings/hidden-states.json');
const texts = golden.map(({ text }) => text);
const folder = temporaryFolder();
const plain = join(folder, 'tied.gguf');
const meaning = join(folder, 'mean.gguf');
const known = join(folder, 'Qwen3-Embedding-0.6B.gguf');
const opened: Embedder[] = [];

beforeAll(async () => {
  await writeOracleModel(join(folder, 'tied'), oracleModels.tied);
  await convertToGguf(join(folder, 'tied/checkpoint'), { type: 'f16', out: plain });
  await writeWithMetadata(plain, meaning, { 'qwen2.pooling_type': { type: 'uint32', value: 1 } });
  await writeWithMetadata(plain, known, { 'qwen2.pooling_type': { type: 'uint32', value: 3 } });
});

afterEach(async () => {
  for (const embedder of opened.splice(0)) await embedder.close();
});

async function embedderOf(path: string, options: EmbedderOptions = {}): Promise<Embedder> {
  const embedder = await openEmbedder(`llama:${path}`, { cacheFolder: folder, env: {}, ...options });
  opened.push(embedder);
  return embedder;
}

function cosine(a: ArrayLike<number>, b: readonly number[]): number {
  const dot = b.reduce((sum, value, i) => sum + value * a[i], 0);
  return dot / Math.hypot(...b) / Math.hypot(...Array.from(a));
}

describe('an embedder in a GGUF file', () => {
  it.each([
    ['the last token where the file says nothing', plain, 'last'],
    ['the mean where the file says so', meaning, 'mean'],
    ['the end token of a model that is known to want one', known, 'end'],
  ] as const)('takes %s, as PyTorch computes it', async (_, path, pooled) => {
    const embedder = await embedderOf(path);
    const vectors = await embedder.embed(texts, 'document');
    expect(embedder).toMatchObject({ dimensions: 64, isNormalized: true });
    for (const [i, vector] of vectors.entries()) {
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      expect(cosine(vector, golden[i][pooled])).toBeGreaterThan(0.999);
      expect(cosine(vector, golden[1 - i][pooled])).toBeLessThan(0.99);
    }
  });

  it('gives the same vectors again and in another order, each text its own', async () => {
    const embedder = await embedderOf(plain);
    const asked = [...texts, 'x', texts[0]];
    const vectors = await embedder.embed(asked, 'document');
    expect(await embedder.embed(asked.toReversed(), 'document')).toEqual(vectors.toReversed());
    expect(vectors[3]).toEqual(vectors[0]);
    expect(vectors[3]).not.toBe(vectors[0]);
  });

  it('cuts what is too long, embeds an empty text, and says how far it is', async () => {
    const embedder = await embedderOf(plain, { settings: { maxTokens: 16 } });
    const done: number[] = [];
    const long = 'One, two, three. '.repeat(50_000);
    const asked = ['', long, long.slice(0, 1000)];
    const vectors = await embedder.embed(asked, 'document', undefined, (count) => done.push(count));
    expect(embedder.maxTokens).toBe(16);
    expect(vectors[1]).toEqual(vectors[2]);
    expect(done).toEqual([1, 2, 3]);
  });

  it('puts instructions before texts of their kind', async () => {
    const embedder = await embedderOf(plain, { settings: { queryInstruction: 'Q: ' } });
    const [query] = await embedder.embed(['why'], 'query');
    const [document] = await embedder.embed(['Q: why'], 'document');
    expect(query).toEqual(document);
  });

  it('has another hash for another file or other settings, but for the instruction for queries', async () => {
    const hashes = [
      await embedderOf(plain),
      await embedderOf(plain, { settings: { queryInstruction: 'Q: ' } }),
      await embedderOf(meaning),
      await embedderOf(plain, { settings: { maxTokens: 32 } }),
    ].map(({ contentHash }) => contentHash);
    expect(hashes[1]).toBe(hashes[0]);
    expect(new Set(hashes).size).toBe(3);
  });

  it('is refused where it would have to be pooled in another way than its file says', async () => {
    await expect(embedderOf(plain, { settings: { pooling: 'mean' } })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/qwen2\.pooling_type 1/),
    });
    const settings = { queryInstruction: 'Q: ', poolsInstruction: false };
    await expect(embedderOf(meaning, { settings })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('stops on request and when it is closed', async () => {
    const embedder = await embedderOf(plain);
    await expect(embedder.embed(['a'], 'query', AbortSignal.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const asked = Array.from({ length: 200 }, (_, i) => `${texts[0]} ${i}`);
    let closed: Promise<void> | undefined;
    const waiting = embedder.embed(asked, 'query', undefined, () => (closed ??= embedder.close()));
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await closed;
    await expect(embedder.embed(['a'], 'query')).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

it.each(['onnx', 'onnx:', 'torch:', 'tensor:model', 'MiniLM', ''])('%j names no embedder', async (name) => {
  await expect(openEmbedder(name)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/onnx:.*llama:.*openai:/),
  });
});
