/** Models that cannot be saved, made or asked, and why. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { scope, tensor, type Tensor } from '@quern/libtorch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Qwen2Config } from '../src/models/checkpoint/qwen2-config.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { randomQwen2 } from '../src/models/torch/random-qwen2.ts';
import { saveModel } from '../src/models/torch/save-model.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const tiny: Qwen2Config = {
  hiddenSize: 32,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  intermediateSize: 64,
  vocabularySize: 100,
  positions: 128,
  normEpsilon: 1e-6,
  ropeBase: 1e4,
  tiedEmbeddings: true,
  endTokens: [],
};

const leftovers = (): string[] => readdirSync(folder).filter((name) => name.startsWith('not-saved'));

describe.skipIf(!hasLibTorch)('a model is not saved', () => {
  const to = join(folder, 'not-saved');
  let model: Qwen2Model;
  beforeAll(() => {
    if (hasLibTorch) model = randomQwen2(tiny, { seed: 1 });
  });
  afterAll(() => model?.close());

  it.each([
    ['in a type that there is not', { dtype: 'BF16' as 'bfloat16' }, 'USAGE', /float32, bfloat16 or float16/],
    ['in shards of no size', { shardBytes: NaN }, 'USAGE', /shardBytes/],
    ['with a configuration of our own', { config: { ...tiny } }, 'USAGE', /qwen2ConfigJson/],
    ['from a folder without a configuration', { from: folder }, 'NOT_FOUND', /config\.json/],
  ])('%s', async (_, options, code, message) => {
    const saving = saveModel(model, to, options);
    await expect(saving).rejects.toMatchObject({ code });
    await expect(saving).rejects.toThrow(message);
    expect(leftovers()).toEqual([]);
  });

  it('where a weight is no finite number, or not in the type of the file', async () => {
    const norm = model.weights.get('model.norm.weight')!;
    for (const [value, dtype] of [
      [NaN, 'float32'],
      [1e10, 'float16'],
    ] as const) {
      scope(() => void norm.narrow(0, 1, 1).fill_(value));
      await expect(saveModel(model, to, { dtype })).rejects.toThrow(
        `the tensor model.norm.weight holds values that are no finite numbers in ${dtype}`,
      );
    }
    scope(() => void norm.fill_(1));
    expect(leftovers()).toEqual([]);
  });

  it('where it is trained meanwhile', async () => {
    const saving = saveModel(model, to);
    const embeddings = model.weights.get('model.embed_tokens.weight')!;
    const training = setInterval(() => scope(() => void embeddings.mul_(1.001)), 1);
    await expect(saving).rejects.toThrow('the weights were changed while they were saved');
    clearInterval(training);
    expect(leftovers()).toEqual([]);
  });

  it('twice under one name, with a slash behind it or without', async () => {
    const once = join(folder, 'saved');
    const outcomes = await Promise.allSettled([saveModel(model, `${once}/`), saveModel(model, once)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes).toContainEqual(
      expect.objectContaining({ reason: expect.objectContaining({ code: 'ALREADY_EXISTS' }) as unknown }),
    );
    (await Qwen2Model.load(once)).close();
  });
});

describe.skipIf(!hasLibTorch)('a model is refused', () => {
  it.each([
    [{ heads: 5 }, /5 heads/],
    [{ keyValueHeads: 3 }, /num_key_value_heads 3/],
    [{ layers: -1 }, /num_hidden_layers/],
    [{ hiddenSize: 2 ** 40 }, /hidden_size/],
  ])('for a configuration with %j', (changes, message) => {
    const make = (): unknown => randomQwen2({ ...tiny, ...changes });
    expect(make).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(make).toThrow(message);
  });

  it('tensors that are not of its shapes, and all when it is closed', () => {
    scope(() => {
      const model = randomQwen2(tiny);
      const hidden = (tokens: unknown) => (): Tensor => model.hidden(tokens as Tensor);
      expect(hidden([[1, 2]])).toThrow('hidden: tokens is a tensor (sequences, tokens) of int64, not object');
      expect(hidden(tensor([1, 2], { dtype: 'int64' }))).toThrow(/not Tensor\(\[2\] int64\)/);
      expect(hidden(tensor([[1, 2]]))).toThrow(/not Tensor\(\[1,2\] float32\)/);
      model.close();
      expect(hidden(tensor([[1, 2]], { dtype: 'int64' }))).toThrow('the model was closed');
      expect(() => model.head).toThrow('the model was closed');
    });
  });
});
