import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertAdapterToGguf } from '../src/models/convert-adapter.ts';
import { convertToGguf } from '../src/models/convert.ts';
import { goldenFile, largestDifference } from './golden-file.ts';
import { logProbabilities, withLlamaModel } from './llama-model.ts';
import { oracleModels, writeOracleModel } from './oracle-models.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Golden {
  readonly text: string;
  readonly models: Readonly<
    Record<string, { tokens: number[]; logProbabilities: Readonly<Record<string, number[]>> }>
  >;
}

const golden = goldenFile<Golden>('models/log-probabilities.json');
const folder = temporaryFolder();

async function differenceOf(name: string, path: string, lora?: string): Promise<number> {
  const { tokens, logProbabilities: expected } = golden.models[name];
  return withLlamaModel(path, async (model) => {
    expect(Array.from(model.tokenize(golden.text))).toEqual(tokens);
    const found = await logProbabilities(model, tokens, Object.keys(expected).map(Number), lora);
    const differences = Array.from(found, ([at, values]) => largestDifference(values, expected[at]));
    return Math.max(...differences);
  });
}

describe.each(Object.entries(oracleModels))('the model %s of a checkpoint', (name, oracleModel) => {
  const place = join(folder, name);
  const out = join(folder, `${name}.gguf`);
  const checkpoint = join(place, 'checkpoint');
  const adapters = oracleModel.adapter ? [join(place, 'adapter')] : [];

  it('tells llama.cpp the next tokens as PyTorch computes them from the checkpoint', async () => {
    await writeOracleModel(place, oracleModel);
    await convertToGguf(checkpoint, { type: 'f16', out, adapters });
    expect(await differenceOf(name, out)).toBeLessThan(2e-2);
  });

  it.runIf(oracleModel.adapter)('does so too with its adapter kept apart', async () => {
    const lora = join(folder, `${name}.lora.gguf`);
    await writeOracleModel(place, oracleModel);
    await convertToGguf(checkpoint, { type: 'f16', out });
    await convertAdapterToGguf(adapters[0], { base: checkpoint, out: lora });
    expect(await differenceOf(name, out, lora)).toBeLessThan(2e-2);
    expect(await differenceOf(name, out)).toBeGreaterThan(1);
  });
});
