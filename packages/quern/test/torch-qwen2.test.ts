import { join } from 'node:path';
import { noGrad, tensor } from '@quern/libtorch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { TokenGenerator } from '../src/models/torch/token-generation.ts';
import { goldenFile } from './golden-file.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { oracleModels, writeOracleModel } from './oracle-models.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const { models } = goldenFile<{
  models: Record<string, { tokens: number[]; logProbabilities: Record<string, number[]> }>;
}>('models/log-probabilities.json');
const names = ['tied', 'untied', 'half', 'yarn', 'linear'];

describe.skipIf(!hasLibTorch).each(names)('the Qwen2 model %s', (name) => {
  const { tokens, logProbabilities } = models[name];
  let model: Qwen2Model;

  beforeAll(async () => {
    await writeOracleModel(join(folder, name), oracleModels[name]);
    model = await Qwen2Model.load(join(folder, name, 'checkpoint'));
  });
  afterAll(() => model?.close());

  // The golden values have five digits.
  it.each(Object.keys(logProbabilities))('has the log-probabilities of transformers at token %s', (at) => {
    const input = tensor(BigInt64Array.from(tokens, BigInt), { shape: [1, tokens.length] });
    const values = noGrad(() => model.logits(model.hidden(input)).logSoftmax(-1)).select(0, 0);
    const found = values.select(0, Number(at)).toArray();
    const worst = Math.max(...logProbabilities[at].map((value, i) => Math.abs(value - found[i])));
    expect(worst).toBeLessThan(6e-4);
  });

  it("draws a completion's tokens alike in a full batch and alone, and evaluates a group's prompt once", async () => {
    const sampling = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1.1, maxTokens: 20 };
    const generator = new TokenGenerator(model, { sampling, endTokens: [299], rows: 3, promptChunk: 7 });
    const [group] = await Promise.all([
      generator.generate({ prompt: tokens, seeds: [1, 2, 3, 4] }),
      generator.generate({ prompt: tokens.slice(0, 5), seeds: [1, 9] }),
    ]);
    expect(generator.work.promptTokens).toBe(tokens.length + 5);
    const [alone] = await generator.generate({ prompt: tokens, seeds: [3] });
    expect(alone.tokens).toEqual(group[2].tokens);
    expect(alone.tokens.length).toBe(alone.logProbabilities.length);
    await generator.close();
  });
});
