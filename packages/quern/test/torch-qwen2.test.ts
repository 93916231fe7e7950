/** Qwen2 on LibTorch in its other ways to the same values: joined matrices, and layers that are computed again. */
import {
  autocast,
  memory,
  noGrad,
  randn,
  resetPeakMemory,
  scope,
  tensor,
  type Tensor,
} from '@quern/libtorch';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Qwen2Config } from '../src/models/checkpoint/qwen2-config.ts';
import { KeyValueCache } from '../src/models/torch/key-value-cache.ts';
import { LoraWeights } from '../src/models/torch/lora.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { randomQwen2 } from '../src/models/torch/random-qwen2.ts';
import { TokenGenerator } from '../src/models/torch/token-generation.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();

function tokensOf(rows: number, length: number, from = 1): Tensor {
  const values = Array.from({ length: rows * length }, (_, i) => (from * 31 + i * i * 7 + i) % 94);
  return tensor(BigInt64Array.from(values, BigInt), { shape: [rows, length] });
}

/** The largest difference of two tensors. */
function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return scope(() => noGrad(() => a.sub(b).abs().max().item()));
}

/** Of a part of the norm of what is wanted. */
function relativeDifference(found: Tensor, wanted: Tensor): number {
  return scope(() => noGrad(() => found.sub(wanted).norm().item() / wanted.norm().item()));
}

function held(): { tensors: number; bytes: number } {
  const { tensors, bytes } = memory();
  return { tensors, bytes };
}

/** Lets `work` have a model as it was loaded, and one that was joined; nothing is held after it that was not before. */
async function beside(
  name: string,
  work: (plain: Qwen2Model, joined: Qwen2Model) => void | Promise<void>,
): Promise<void> {
  const before = held();
  const plain = await Qwen2Model.load(`${folder}/${name}`);
  const joined = await Qwen2Model.load(`${folder}/${name}`);
  expect(joined.join()).toBe(joined);
  await work(plain, joined);
  plain.close();
  joined.close();
  expect(held()).toEqual(before);
}

describe.skipIf(!hasLibTorch)('a joined model', () => {
  const shapes = {
    tied: { seed: 3 },
    untied: { seed: 4, tied: false },
    'of one head of keys and values': { seed: 5, hidden: 96, heads: 6, keyValueHeads: 1 },
    'of as many heads of keys and values': { seed: 9, heads: 4, keyValueHeads: 4, intermediate: 80 },
  } as const;

  beforeAll(async () => {
    for (const [name, options] of Object.entries(shapes)) {
      await writeTinyCheckpoint(`${folder}/${name}`, { dtype: 'F32', ...options });
    }
  });

  it.each(Object.keys(shapes))('computes the same hidden states and log-probabilities: %s', async (name) => {
    await beside(name, (plain, joined) => {
      scope(() =>
        noGrad(() => {
          const tokens = tokensOf(3, 17);
          expect(relativeDifference(joined.hidden(tokens), plain.hidden(tokens))).toBeLessThan(1e-6);
          const found = joined.tokenLogProbabilities(tokens, { temperature: 0.7 });
          expect(difference(found, plain.tokenLogProbabilities(tokens, { temperature: 0.7 }))).toBeLessThan(
            1e-5,
          );
        }),
      );
    });
  });

  it.each(Object.keys(shapes))('has the same states, and steps of a cache: %s', async (name) => {
    await beside(name, (plain, joined) => {
      const { layers, keyValueHeads } = plain.config;
      const found = [plain, joined].map((model) => {
        const cache = new KeyValueCache(
          { layers, keyValueHeads, headSize: model.headSize, rows: 3 },
          model.placement,
        );
        const made = scope(() =>
          noGrad(() => {
            const first = model.hiddenAfter(tokensOf(1, 5), []);
            const second = model.hiddenAfter(tokensOf(1, 4, 2), first.states);
            cache.addRows(first.states, { length: 5, count: 1 });
            cache.addRows(second.states, { length: 9, count: 2 });
            const steps = [3, 4, 5].map((from) => model.hiddenOfNext(tokensOf(3, 1, from), cache));
            // The joined model takes one call of its own for it.
            const logits = [6, 7, 8].map((from) => model.logitsOfNext(tokensOf(3, 1, from), cache));
            cache.removeRow(0);
            logits.push(model.logitsOfNext(tokensOf(2, 1, 9), cache));
            const states = second.states.flatMap(({ keys, values }) => [keys, values]);
            const room = Array.from({ length: layers }, (_, i) => Object.values(cache.layer(i))).flat();
            const filled = room.map((each) => each.narrow(0, 0, 2).narrow(2, 0, 12).contiguous());
            return [first.hidden, second.hidden, ...states, ...steps, ...logits, ...filled];
          }),
        );
        cache.dispose();
        return made;
      });
      for (const [i, each] of found[0].entries())
        expect(relativeDifference(found[1][i], each)).toBeLessThan(3e-6);
      for (const each of found.flat()) each.dispose();
    });
  });

  it.each(Object.keys(shapes))('writes the same completions: %s', async (name) => {
    await beside(name, async (plain, joined) => {
      const found = [];
      for (const model of [plain, joined]) {
        const generator = new TokenGenerator(model, {
          sampling: { temperature: 0, topK: 0, topP: 1, repetitionPenalty: 1.1, maxTokens: 40 },
          endTokens: [],
          rows: 3,
        });
        const prompts = [[1, 2, 3], [40, 41, 42, 43, 44], [7]];
        found.push(await Promise.all(prompts.map((prompt) => generator.generate({ prompt, seeds: [1, 2] }))));
        await generator.close();
      }
      const tokens = found.map((each) => each.flat().map((completion) => completion.tokens));
      expect(tokens[1]).toEqual(tokens[0]);
      expect(new Set(tokens[0].flat()).size).toBeGreaterThan(5);
    });
  });

  it('has weights of the same names, order and values, which lie in no more memory', async () => {
    await beside('untied', (plain, joined) => {
      expect([...joined.weights.keys()]).toEqual([...plain.weights.keys()]);
      for (const [name, weight] of plain.weights)
        expect(difference(joined.weights.get(name)!, weight)).toBe(0);
    });
    const before = held().bytes;
    const model = await Qwen2Model.load(`${folder}/untied`);
    const plain = held().bytes - before;
    model.join();
    // LibTorch's allocator rounds each tensor up.
    expect(Math.abs(held().bytes - before - plain)).toBeLessThan(2048);
    model.close();
    expect(held().bytes).toBe(before);
  });

  it('computes with each of its weights as it is changed in place', async () => {
    await beside('untied', (plain, joined) => {
      scope(() =>
        noGrad(() => {
          const tokens = tokensOf(2, 9);
          const logits = (model: Qwen2Model): Tensor => model.logits(model.hidden(tokens));
          for (const [name, weight] of plain.weights) {
            const was = logits(joined);
            const change = randn(weight.shape).mul(0.1).add(weight);
            joined.weights.get(name)!.copy_(change);
            const is = logits(joined);
            // A bias of the keys adds the same to all scores of a query.
            const least = name.endsWith('k_proj.bias') ? 0 : 1e-4;
            expect([name, difference(is, was) > least]).toEqual([name, true]);
            weight.copy_(change);
            expect(difference(is, logits(plain))).toBeLessThan(1e-4);
          }
        }),
      );
    });
  });

  it('frees what it joined when it is closed, also where a scope has gone by', () => {
    const before = held();
    const config = { hiddenSize: 32, layers: 2, heads: 4, keyValueHeads: 2, intermediateSize: 64 };
    const model = scope(() =>
      randomQwen2({
        ...config,
        vocabularySize: 100,
        positions: 128,
        normEpsilon: 1e-6,
        ropeBase: 1e4,
        tiedEmbeddings: true,
        endTokens: [],
      }).join(),
    );
    scope(() => noGrad(() => expect(model.hidden(tokensOf(1, 3)).shape).toEqual([1, 3, 32])));
    expect(held().tensors).toBeGreaterThan(before.tensors);
    model.close();
    expect(held()).toEqual(before);
  });
});

const config: Qwen2Config = {
  hiddenSize: 32,
  layers: 12,
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

describe.skipIf(!hasLibTorch)('layers that are computed again', () => {
  const lora = { rank: 2, alpha: 4, targets: ['all-linear'] };

  /** A model whose values spread more than those of a new one, what of it is trained, and how it is freed. */
  function made(isAdapted: boolean): { model: Qwen2Model; trained: Tensor[]; close: () => void } {
    const model = randomQwen2(config, { seed: 3, isTrained: !isAdapted });
    scope(() =>
      noGrad(() => {
        for (const weight of model.weights.values()) if (weight.dim > 1) weight.mul_(5);
      }),
    );
    if (!isAdapted) return { model, trained: model.parameters, close: () => model.close() };
    const adapter = LoraWeights.begun(config, lora, { seed: 5, device: 'cpu' });
    for (const { b } of adapter.pairs.values()) scope(() => void b.detach().add_(0.05));
    model.adapt(adapter.pairs);
    const close = (): void => {
      adapter.dispose();
      model.close();
    };
    return { model, trained: [...adapter.weights.values()], close };
  }

  type Way = (model: Qwen2Model, tokens: Tensor) => { hidden: Tensor; backward: () => void };
  const ways: Record<'plain' | 'checkpointed' | 'plainHalf' | 'checkpointedHalf', Way> = {
    plain: (model, tokens) => ({ hidden: model.hidden(tokens), backward: () => undefined }),
    checkpointed: (model, tokens) => model.hiddenCheckpointed(tokens),
    plainHalf: (model, tokens) => ({
      hidden: autocast('bfloat16', () => model.hidden(tokens)),
      backward: () => undefined,
    }),
    checkpointedHalf: (model, tokens) => model.hiddenCheckpointed(tokens, 'bfloat16'),
  };

  /** Adds the gradients of a loss of the hidden states to the weights'; returns the loss. */
  function step(model: Qwen2Model, tokens: Tensor, way: Way): number {
    return scope(() => {
      const { hidden, backward } = way(model, tokens);
      const loss = hidden
        .mul(tokensOf(1, hidden.numel).view(hidden.shape).to('float32').sub(40).div(40))
        .sum();
      loss.backward();
      backward();
      return loss.item();
    });
  }

  /** Their loss and gradients. */
  function gradients(way: Way, isAdapted: boolean): { loss: number; all: Tensor[] } {
    const { model, trained, close } = made(isAdapted);
    const loss = step(model, tokensOf(3, 20), way);
    const all = trained.map((weight) => weight.grad!.clone());
    close();
    return { loss, all };
  }

  it.each([
    ['trained', false],
    ['adapted', true],
  ])('have the gradients that they have when all is kept, within autocast or not: %s', (_, isAdapted) => {
    scope(() => {
      const exact = gradients(ways.plain, isAdapted);
      const again = gradients(ways.checkpointed, isAdapted);
      expect(again.loss).toBe(exact.loss);
      for (const [i, each] of exact.all.entries()) {
        expect(relativeDifference(again.all[i], each)).toBeLessThan(1e-6);
      }
      const half = gradients(ways.plainHalf, isAdapted);
      const halfAgain = gradients(ways.checkpointedHalf, isAdapted);
      expect(halfAgain.loss).toBe(half.loss);
      expect(half.loss).not.toBe(exact.loss);
      for (const [i, each] of half.all.entries()) {
        expect(each.dtype).toBe('float32');
        expect(halfAgain.all[i].dtype).toBe('float32');
        expect(each.norm().item()).toBeGreaterThan(0);
        // bfloat16 has 8 bits; what rounds alike comes much nearer than to what is exact.
        expect(relativeDifference(halfAgain.all[i], each)).toBeLessThan(4e-3);
      }
      const off = half.all.map((each, i) => relativeDifference(each, exact.all[i]));
      expect(Math.max(...off)).toBeGreaterThan(4e-3);
    });
  });

  it.each([
    ['trained', false],
    ['adapted', true],
  ])('take less memory at the peak, and leave none behind: %s', (_, isAdapted) => {
    const { model, close } = made(isAdapted);
    const tokens = tokensOf(4, 100);
    const peak = (way: Way): number => {
      // The rotations and gradients are there from the first time on.
      step(model, tokens, way);
      const before = held();
      resetPeakMemory();
      step(model, tokens, way);
      const most = memory().peakBytes - before.bytes;
      expect(held()).toEqual(before);
      return most;
    };
    expect(peak(ways.checkpointed)).toBeLessThan(peak(ways.plain) / 2.5);
    expect(peak(ways.checkpointedHalf)).toBeLessThan(peak(ways.plainHalf) / 2.5);
    // What is not taken back holds the inputs of the layers until the scope ends.
    const before = held();
    scope(() => void model.hiddenCheckpointed(tokens));
    expect(held()).toEqual(before);
    tokens.dispose();
    close();
  });
});
