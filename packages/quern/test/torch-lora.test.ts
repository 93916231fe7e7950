/** LoRA on LibTorch: what adapters change, and their folders, which PEFT has opened. */
import { join } from 'node:path';
import { memory, noGrad, scope, tensor, type Tensor } from '@quern/libtorch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Checkpoint } from '../src/models/checkpoint/checkpoint.ts';
import { LoraAdapter } from '../src/models/checkpoint/lora-adapter.ts';
import { mergedChange } from '../src/models/checkpoint/lora-merge.ts';
import { LoraWeights, mergedMatrix, pairShapes } from '../src/models/torch/lora.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { fileHashes } from './file-hashes.ts';
import { goldenFile, largestDifference } from './golden-file.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { savedAdapters, trainedAdapter, writeSavedAdapter } from './saved-adapters.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface GoldenAdapter {
  /** SHA-256 by name. */
  readonly files: Record<string, string>;
  readonly tensors: number;
  /** At the last token, without the adapter and with it. */
  readonly plain: number[];
  readonly adapted: number[];
}

const golden = goldenFile<{ tokens: number[]; models: Record<string, GoldenAdapter> }>('models/lora.json');
const folder = temporaryFolder();

function held(): { tensors: number; bytes: number } {
  const { tensors, bytes } = memory();
  return { tensors, bytes };
}

/** Of the last token. */
function logitsOf(model: Qwen2Model): number[] {
  return scope(() =>
    noGrad(() => {
      const tokens = tensor(BigInt64Array.from(golden.tokens, BigInt), { shape: [1, golden.tokens.length] });
      return model.logits(model.hidden(tokens).select(1, -1)).view([-1]).toArray();
    }),
  );
}

it('has an adapter of training for each that PEFT has opened', () => {
  expect(Object.keys(golden.models)).toEqual(Object.keys(savedAdapters));
});

describe.skipIf(!hasLibTorch).each(Object.keys(savedAdapters))('the adapter "%s"', (name) => {
  const { settings } = savedAdapters[name];
  const { files, tensors, plain, adapted } = golden.models[name];
  const at = join(folder, name);
  let model: Qwen2Model;

  beforeAll(async () => {
    await writeSavedAdapter(at, savedAdapters[name]);
    model = await Qwen2Model.load(join(at, 'checkpoint'));
    // The rotations are held from here on.
    logitsOf(model);
  });
  afterAll(() => model?.close());

  it('is saved as the folder that PEFT has opened, byte by byte', () => {
    const found = fileHashes(`${at}/`);
    const ofAdapter = Object.entries(found).filter(([path]) => path.startsWith('adapter/'));
    expect(Object.fromEntries(ofAdapter)).toEqual(files);
  });

  it('changes nothing when it is begun, and has the logits of PEFT when it was trained', () => {
    const before = held();
    const unchanged = logitsOf(model);
    expect(largestDifference(unchanged, plain)).toBeLessThan(1e-4);
    const begun = LoraWeights.begun(model.config, settings, { seed: 3, device: 'cpu' });
    model.adapt(begun.pairs);
    expect(logitsOf(model)).toEqual(unchanged);
    const trained = trainedAdapter(model.config, settings);
    model.adapt(trained.pairs);
    expect(largestDifference(logitsOf(model), adapted)).toBeLessThan(1e-4);
    expect(largestDifference(adapted, plain)).toBeGreaterThan(1);
    model.adapt(new Map());
    expect(logitsOf(model)).toEqual(unchanged);
    begun.dispose();
    trained.dispose();
    expect(held()).toEqual(before);
  });

  it('begins with A within 1 / √in from its seed, to be trained, and B of zeros', () => {
    scope(() => {
      const [one, same, other] = [3, 3, 4].map((seed) =>
        LoraWeights.begun(model.config, settings, { seed, device: 'cpu' }),
      );
      expect(one.weights.size).toBe(tensors);
      const shapes = pairShapes(model.config, settings);
      expect([...one.pairs.keys()]).toEqual([...shapes.keys()]);
      for (const [key, { a, b, scale }] of one.pairs) {
        expect({ a: a.shape, b: b.shape }).toEqual(shapes.get(key));
        expect([a.isLeaf, b.isLeaf, a.requiresGrad, b.requiresGrad]).toEqual([true, true, true, true]);
        expect([a.dtype, b.dtype, scale]).toEqual(['float32', 'float32', settings.alpha / settings.rank]);
        const bound = 1 / Math.sqrt(a.size(1));
        const most = a.abs().max().item();
        expect(most).toBeLessThanOrEqual(bound * 1.0001);
        expect(most).toBeGreaterThan(bound * 0.9);
        expect(Math.abs(a.mean().item())).toBeLessThan(bound / 4);
        expect(b.abs().max().item()).toBe(0);
        expect(same.pairs.get(key)!.a.toArray()).toEqual(a.toArray());
        expect(other.pairs.get(key)!.a.toArray()).not.toEqual(a.toArray());
      }
    });
  });

  it('has gradients of its own alone, of A too once B is not 0', () => {
    const before = held();
    scope(() => {
      const trained = trainedAdapter(model.config, settings);
      model.adapt(trained.pairs);
      const tokens = tensor(BigInt64Array.from(golden.tokens, BigInt), { shape: [1, golden.tokens.length] });
      model.tokenLogProbabilities(tokens).mean().backward();
      for (const weight of trained.weights.values()) expect(weight.grad!.norm().item()).toBeGreaterThan(0);
      for (const weight of model.parameters) expect(weight.grad).toBeUndefined();
      model.adapt(new Map());
    });
    expect(held()).toEqual(before);
  });

  it('computes the same when it is merged into the matrices, also of a joined model', async () => {
    const before = held();
    const trained = trainedAdapter(model.config, settings);
    model.adapt(trained.pairs);
    const wanted = logitsOf(model);
    model.adapt(new Map());
    for (const isJoined of [false, true]) {
      const merged = await Qwen2Model.load(join(at, 'checkpoint'));
      if (isJoined) merged.join();
      scope(() =>
        noGrad(() => {
          for (const [key, pair] of trained.pairs) {
            const weight = merged.weights.get(`${key}.weight`)!;
            weight.copy_(mergedMatrix(weight, pair));
          }
        }),
      );
      const norm = Math.hypot(...wanted);
      const off = Math.hypot(...logitsOf(merged).map((value, i) => value - wanted[i]));
      expect(off / norm).toBeLessThan(1e-5);
      merged.close();
    }
    trained.dispose();
    expect(held()).toEqual(before);
  });

  it('is merged in the type of the matrix, added up in float32', () => {
    scope(() =>
      noGrad(() => {
        const trained = trainedAdapter(model.config, settings);
        for (const [key, { a, b, scale }] of trained.pairs) {
          const weight = model.weights.get(`${key}.weight`)!.to('bfloat16');
          const merged = mergedMatrix(weight, { a, b, scale });
          const wanted = b.matmul(a).mul(scale).add(weight.to('float32'));
          expect([merged.dtype, merged.shape]).toEqual(['bfloat16', weight.shape]);
          expect(merged.toArray()).toEqual(wanted.to('bfloat16').toArray());
        }
      }),
    );
  });

  it('is loaded again as it was saved, to be trained on', async () => {
    const before = held();
    const trained = trainedAdapter(model.config, settings);
    const loaded = await LoraWeights.load(join(at, 'adapter'), model.config, settings, 'cpu');
    expect(loaded.settings).toEqual(settings);
    expect([...loaded.pairs.keys()]).toEqual([...trained.pairs.keys()]);
    const was = [...trained.weights];
    for (const [i, [key, weight]] of [...loaded.weights].entries()) {
      expect([key, weight.requiresGrad, weight.isLeaf]).toEqual([was[i][0], true, true]);
      expect(Buffer.compare(weight.bytes(), was[i][1].bytes())).toBe(0);
    }
    for (const [key, { scale }] of loaded.pairs) expect(scale).toBe(trained.pairs.get(key)!.scale);
    loaded.dispose();
    trained.dispose();
    expect(held()).toEqual(before);
  });

  it('is read as an adapter of the checkpoint, whose changes are those that are merged here', async () => {
    const checkpoint = await Checkpoint.open(join(at, 'checkpoint'));
    const adapter = await LoraAdapter.open(join(at, 'adapter'), checkpoint.tensors);
    const trained = trainedAdapter(model.config, settings);
    const names = adapter.pairs.map(({ target }) => target.name.replace(/\.weight$/, ''));
    expect(names).toEqual([...trained.pairs.keys()]);
    for (const pair of adapter.pairs) {
      const key = pair.target.name.replace(/\.weight$/, '');
      expect([pair.rank, pair.scale]).toEqual([settings.rank, trained.pairs.get(key)!.scale]);
      const change = await mergedChange([pair]);
      const [values, wanted] = scope(() =>
        noGrad(() => {
          const weight: Tensor = model.weights.get(pair.target.name)!;
          return [weight, mergedMatrix(weight, trained.pairs.get(key)!)].map(
            (each) => each.data() as Float32Array,
          );
        }),
      );
      change!(values, 0);
      const off = values.map((value, i) => Math.abs(value - wanted[i]));
      expect(Math.max(...off)).toBeLessThan(1e-6);
    }
    trained.dispose();
    await adapter.close();
    await checkpoint.close();
  });

  it.each([
    ['of another rank', { rank: settings.rank + 1 }, 'CORRUPT_FILE'],
    ['of other matrices', { targets: ['o_proj', 'k_proj', 'gate_proj', 'wrong'] }, 'USAGE'],
    ['of no matrices', { targets: [] }, 'USAGE'],
  ])('is refused as one %s, and nothing is held of it', async (_, other, code) => {
    const before = held();
    const loading = LoraWeights.load(join(at, 'adapter'), model.config, { ...settings, ...other }, 'cpu');
    await expect(loading).rejects.toMatchObject({ code });
    expect(held()).toEqual(before);
  });

  it('is not loaded from a folder that has none', async () => {
    const loading = LoraWeights.load(join(at, 'checkpoint'), model.config, settings, 'cpu');
    await expect(loading).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe.skipIf(!hasLibTorch)('an adapter that went wrong', () => {
  it('is not saved', async () => {
    const model = await Qwen2Model.load(join(folder, 'all', 'checkpoint'));
    const adapter = trainedAdapter(model.config, savedAdapters['all'].settings);
    scope(() => noGrad(() => void [...adapter.weights.values()].at(-1)!.narrow(0, 0, 1).fill_(NaN)));
    const saving = adapter.save(join(folder, 'wrong'), { base: 'tiny' });
    await expect(saving).rejects.toThrow(/down_proj\.lora_B\.weight holds values that are no finite numbers/);
    await expect(
      LoraWeights.load(join(folder, 'wrong'), model.config, adapter.settings, 'cpu'),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    adapter.dispose();
    model.close();
  });
});
