import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { convertToGguf } from '../src/models/convert.ts';
import { withLlamaModel } from './llama-model.ts';
import { dataPath, sharedData } from './shared-data.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint, type TinyCheckpointOptions } from './tiny-checkpoint.ts';

const folder = temporaryFolder();

async function converted(options: TinyCheckpointOptions, type: 'f16' | 'q8_0' | 'q4_0'): Promise<string> {
  const checkpoint = join(folder, 'checkpoint');
  const out = join(folder, 'model.gguf');
  await writeTinyCheckpoint(checkpoint, options);
  await convertToGguf(checkpoint, { type, out });
  return out;
}

it.runIf(sharedData)("splits texts into the tokens that llama.cpp's own vocabulary file gives", async () => {
  const golden = dataPath('reference/llama.cpp-vocab/ggml-vocab-qwen2.gguf');
  const texts = readFileSync(`${golden}.inp`, 'utf8').split('\n__ggml_vocab_test__\n');
  const ids = readFileSync(`${golden}.out`, 'utf8').split('\n');
  const path = await converted(
    { vocabulary: 'full', padding: 290, layers: 1, hidden: 8, intermediate: 8 },
    'f16',
  );
  await withLlamaModel(path, (model) => {
    const found = texts.map((text) => model.tokenize(text).join(' '));
    expect(found).toEqual(ids.slice(0, texts.length).map((line) => line.trim()));
    expect(texts).toHaveLength(47);
  });
});

it('gives llama.cpp the special tokens, the template and the ends', async () => {
  const path = await converted({ padding: 4 }, 'f16');
  await withLlamaModel(path, (model) => {
    expect(model.tokenize('<|im_start|>a<|im_end|>', true)).toEqual([298, 64, 299]);
    expect([model.tokens.eos, model.tokens.bos, model.tokens.shouldPrependBosToken]).toEqual([
      299,
      297,
      false,
    ]);
    expect([297, 298, 299, 5].map((id) => model.isEogToken(id as never))).toEqual([true, false, true, false]);
    expect(model.fileInfo.metadata.tokenizer.chat_template).toContain('<|im_start|>');
    expect(model.detokenize(model.tokenize('Any text, été 質問\n'))).toBe('Any text, été 質問\n');
  });
});

it.each(['f16', 'q8_0', 'q4_0'] as const)('lets llama.cpp generate varied text from %s', async (type) => {
  const path = await converted({ seed: 3, tied: type !== 'q4_0' }, type);
  await withLlamaModel(path, async (model) => {
    const context = await model.createContext({ contextSize: 256 });
    const tokens: number[] = [];
    const sampling = { temperature: 0.7, topK: 20, topP: 0.8, seed: 1, yieldEogToken: true };
    for await (const token of context.getSequence().evaluate(model.tokenize('What is'), sampling)) {
      if (tokens.push(token) === 40) break;
    }
    await context.dispose();
    expect(new Set(tokens).size).toBeGreaterThan(15);
  });
});
