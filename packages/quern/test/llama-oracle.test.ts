import { join } from 'node:path';
import { expect, it } from 'vitest';
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

async function converted(name: string): Promise<{ checkpoint: string; adapters: string[]; out: string }> {
  const place = join(folder, name);
  await writeOracleModel(place, oracleModels[name]);
  const adapters = oracleModels[name].adapter ? [join(place, 'adapter')] : [];
  return { checkpoint: join(place, 'checkpoint'), adapters, out: join(folder, `${name}.gguf`) };
}

it.each(Object.keys(oracleModels))('llama.cpp tells the next tokens of %s as PyTorch does', async (name) => {
  const { checkpoint, adapters, out } = await converted(name);
  await convertToGguf(checkpoint, { type: 'f16', out, adapters });
  expect(await differenceOf(name, out)).toBeLessThan(2e-2);
});

it.each(['adapted', 'stabilized'])('llama.cpp does so with the adapter of %s kept apart', async (name) => {
  const { checkpoint, adapters, out } = await converted(name);
  const lora = join(folder, `${name}.lora.gguf`);
  await convertToGguf(checkpoint, { type: 'f16', out });
  await convertAdapterToGguf(adapters[0], { base: checkpoint, out: lora });
  expect(await differenceOf(name, out, lora)).toBeLessThan(2e-2);
  expect(await differenceOf(name, out)).toBeGreaterThan(1);
});
