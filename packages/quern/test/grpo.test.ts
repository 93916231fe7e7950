import { scope, tensor, type Tensor } from '@quern/libtorch';
import { describe, expect, it } from 'vitest';
import { hasLibTorch } from '../../libtorch/test/has-libtorch.ts';
import type { Qwen2Config } from '../src/models/checkpoint/qwen2-config.ts';
import { LoraWeights } from '../src/models/torch/lora.ts';
import { randomQwen2 } from '../src/models/torch/random-qwen2.ts';
import { TokenGenerator } from '../src/models/torch/token-generation.ts';
import { grpoUpdate, type Group, type GrpoSettings } from '../src/train/grpo.ts';
import { TrainedModel, type TrainedModelOptions } from '../src/train/policy/trained-model.ts';
import { sequenceBatch } from '../src/train/sequence-batch.ts';

const config: Qwen2Config = {
  hiddenSize: 32,
  layers: 3,
  heads: 4,
  keyValueHeads: 2,
  intermediateSize: 48,
  vocabularySize: 40,
  positions: 128,
  normEpsilon: 1e-6,
  ropeBase: 10_000,
  tiedEmbeddings: true,
  endTokens: [1],
} as Qwen2Config;

const options: TrainedModelOptions = {
  folder: '',
  device: 'cpu',
  bf16: false,
  seed: 1,
  optimizer: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
  keepsReference: false,
  samples: true,
  gradientCheckpointing: false,
};

const settings: GrpoSettings = {
  scaleRewards: 'group',
  lossType: 'dapo',
  epsilon: 0.2,
  epsilonHigh: 0.2,
  beta: 0,
  samplingCap: 2,
  temperature: 1,
  maxCompletionLength: 12,
  masksTruncated: false,
  iterations: 1,
  stepsPerIteration: 1,
  tokensPerMicroBatch: 64,
  maxGradientNorm: 1,
  seed: 7,
};

const sequences = [
  { prompt: [3, 4, 5], completion: [6, 7, 8, 9] },
  { prompt: [10, 11], completion: [12] },
  { prompt: [13, 14, 15, 16], completion: [17, 18, 19] },
];

function gradients(trained: TrainedModel): { name: string; values: number[] }[] {
  return Array.from(trained.lora?.weights ?? trained.model.weights, ([name, weight]) => ({
    name,
    values: Array.from((weight.grad as Tensor).data() as Float32Array),
  }));
}

describe.skipIf(!hasLibTorch)('GRPO on a tiny model', () => {
  it.each([undefined, { rank: 2, alpha: 4, targets: ['all-linear'] }])(
    'has the same gradients with gradient checkpointing (LoRA %j)',
    (lora) => {
      const found = [false, true].map((gradientCheckpointing) => {
        const model = randomQwen2(config, { seed: 3, isTrained: lora === undefined });
        const adapter = lora && LoraWeights.begun(config, lora, { seed: 5, device: 'cpu' });
        if (adapter) for (const { b } of adapter.pairs.values()) scope(() => void b.detach().add_(0.01));
        const trained = TrainedModel.of(
          { ...options, lora, gradientCheckpointing },
          { model, lora: adapter },
        );
        scope(() => {
          const { logProbabilities, backward } = trained.recorded(sequenceBatch(sequences, 'cpu'), 1);
          backward(logProbabilities.mul(tensor([1, 2, 3, 4, 5, 6, 7, 8])).sum());
        });
        const all = gradients(trained);
        trained.close();
        return all;
      });
      for (const [i, { name, values }] of found[0].entries()) {
        expect(found[1][i].name).toBe(name);
        const worst = Math.max(...values.map((value, j) => Math.abs(value - found[1][i].values[j])));
        expect(worst).toBeLessThan(1e-5);
        expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0);
      }
    },
  );

  it('learns to write the token that is rewarded', async () => {
    const trained = TrainedModel.of(
      { ...options, gradientCheckpointing: true },
      { model: randomQwen2(config, { seed: 4, isTrained: true }) },
    );
    const rewards: number[] = [];
    for (let step = 0; step < 40; step++) {
      const generator = new TokenGenerator(trained.sampler, { sampling: { maxTokens: 12 }, rows: 32 });
      const groups: Group[] = await Promise.all(
        [
          [3, 4],
          [5, 6, 7],
        ].map(async (prompt, p) => {
          const seeds = Array.from({ length: 8 }, (_, i) => step * 100 + p * 10 + i);
          const completions = await generator.generate({ prompt, seeds });
          return {
            prompt,
            completions: completions.map(({ tokens, drawnLogProbabilities, finish }) => ({
              tokens,
              drawnLogProbabilities,
              isTruncated: finish === 'length',
              reward: tokens.filter((token) => token === 9).length / tokens.length,
            })),
          };
        }),
      );
      await generator.close();
      const all = groups.flatMap(({ completions }) => completions.map(({ reward }) => reward));
      rewards.push(all.reduce((sum, reward) => sum + reward, 0) / all.length);
      const statistics = await grpoUpdate(trained, groups, settings, () => 1e-2);
      expect(statistics.samplingDifference.max).toBeLessThan(1e-4);
    }
    trained.close();
    const late = rewards.slice(-5).reduce((sum, reward) => sum + reward, 0) / 5;
    expect(late).toBeGreaterThan(0.5);
  });
});
