/** Adapters that are taken for models on LibTorch: merged into the checkpoint that they name. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memory, scope, type Tensor } from '@quern/libtorch';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { TorchReasoner } from '../src/reason/torch.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { mergedNumbers, numbersIn } from './safetensors-numbers.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyAdapter, type TinyAdapterOptions } from './tiny-adapter.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const base = join(folder, 'base');

async function adapterOf(name: string, { config, ...options }: TinyAdapterOptions = {}): Promise<string> {
  const at = join(folder, name);
  await writeTinyAdapter(at, { ...options, config: { base_model_name_or_path: base, ...config } });
  return at;
}

beforeAll(() => writeTinyCheckpoint(base, { dtype: 'F32' }));

describe.skipIf(!hasLibTorch)('the model of an adapter', () => {
  it.each([
    ['float32', {}, 2 ** -22],
    ['float32', { rank: 3, alpha: 5, rankStabilized: true }, 2 ** -22],
    // Rounded once, after it was added up.
    ['bfloat16', {}, 2 ** -8],
  ] as const)(
    'has the matrices of its checkpoint changed by it (%s, %o)',
    async (dtype, options, rounding) => {
      const adapter = await adapterOf('changed', options);
      const model = await Qwen2Model.load(adapter, { dtype });
      const wanted = mergedNumbers(base, adapter);
      const plain = numbersIn(join(base, 'model.safetensors'));
      let changed = 0;
      for (const [name, weight] of model.weights) {
        const { shape, values } = wanted.get(name)!;
        expect([name, weight.dtype, weight.shape]).toEqual([name, dtype, shape]);
        const found = scope(() => (weight.to('float32') as Tensor).toArray());
        const off = found.filter(
          (value, i) => Math.abs(value - values[i]) > rounding * Math.abs(values[i]) + 1e-6,
        );
        expect([name, off]).toEqual([name, []]);
        if (Buffer.compare(Buffer.from(values.buffer), Buffer.from(plain.get(name)!.values.buffer)) !== 0)
          changed++;
      }
      expect([model.weights.size, changed]).toEqual([wanted.size, 14]);
      model.close();
    },
  );

  it.each<[string, TinyAdapterOptions, object]>([
    ['bias', { config: { bias: 'all' } }, { code: 'UNSUPPORTED', what: 'bias "all" is not supported' }],
    ['dora', { config: { use_dora: true } }, { code: 'UNSUPPORTED', what: 'use_dora is not supported' }],
    ['no-base', { config: { base_model_name_or_path: './none' } }, { code: 'NOT_FOUND' }],
    ['unnamed', { config: { base_model_name_or_path: null } }, { code: 'CORRUPT_FILE' }],
    ['rank', { config: { r: 5 } }, { code: 'CORRUPT_FILE' }],
  ])(
    'is refused where the adapter cannot be merged (%s), and nothing is held',
    async (name, options, error) => {
      const adapter = await adapterOf(name, options);
      const before = memory();
      await expect(Qwen2Model.load(adapter)).rejects.toMatchObject(error);
      const reasoner = new TorchReasoner(adapter, { cacheFolder: join(folder, 'cache') });
      await expect(reasoner.ready()).rejects.toMatchObject(error);
      await reasoner.close();
      expect(memory()).toMatchObject({ tensors: before.tensors, bytes: before.bytes });
    },
  );

  it('is refused where the checkpoint is of another size', async () => {
    const other = join(folder, 'other');
    await writeTinyCheckpoint(other, { hidden: 32 });
    const adapter = await adapterOf('misfit', { config: { base_model_name_or_path: other } });
    await expect(Qwen2Model.load(adapter)).rejects.toMatchObject({
      code: 'CORRUPT_FILE',
      where: join(adapter, 'adapter_model.safetensors'),
      what: expect.stringMatching(/lora_A\.weight has the shape \[4,64\], not \[4,32\]/) as string,
    });
  });
});

describe.skipIf(!hasLibTorch)('a torch: reasoner of an adapter', () => {
  const settings = { sampling: { temperature: 0, maxTokens: 24 }, cacheFolder: join(folder, 'cache') };

  async function said(model: string): Promise<string> {
    const reasoner = new TorchReasoner(model, settings);
    return (await reasoner.reason('why do cats purr').finally(() => reasoner.close())).text;
  }

  it('says what the merged checkpoint says', async () => {
    const adapter = await adapterOf('asked');
    const merged = join(folder, 'merged');
    mkdirSync(merged);
    cpSync(base, merged, { recursive: true });
    const tensors = Array.from(mergedNumbers(base, adapter), ([name, { shape, values }]) => ({
      name,
      dtype: 'F32' as const,
      shape,
      data: values,
    }));
    await writeSafetensors(join(merged, 'model.safetensors'), tensors);
    const text = await said(adapter);
    expect(text).toBe(await said(merged));
    expect(text).not.toBe(await said(base));
  });

  it('keeps a text under the name of the checkpoint and the adapter', async () => {
    const adapter = await adapterOf('keyed', { seed: 3 });
    const key = async (): Promise<string> => {
      const reasoner = new TorchReasoner(adapter, settings);
      return reasoner.cacheKey('why').finally(() => reasoner.close());
    };
    const keys = [await key()];
    expect(await key()).toBe(keys[0]);
    await adapterOf('keyed', { seed: 4 });
    keys.push(await key());
    await adapterOf('keyed', { seed: 4, alpha: 9 });
    keys.push(await key());
    const generation = join(base, 'generation_config.json');
    const before = readFileSync(generation, 'utf8');
    writeFileSync(generation, JSON.stringify({ ...(JSON.parse(before) as object), eos_token_id: 299 }));
    keys.push(await key());
    writeFileSync(generation, before);
    expect(new Set(keys).size).toBe(4);
  });
});
