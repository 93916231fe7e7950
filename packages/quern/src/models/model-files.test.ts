import { describe, expect, it } from 'vitest';
import { isModelFile, isWholeModel } from './model-files.ts';

describe('the files of a model', () => {
  it.each([
    ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'vocab.json'],
    ['merges.txt', 'special_tokens_map.json', 'added_tokens.json', 'chat_template.jinja'],
    ['model.safetensors', 'model-00001-of-00002.safetensors', 'model.safetensors.index.json'],
    ['adapter_config.json', 'adapter_model.safetensors'],
  ])('are %s, %s and the like', (...names) => {
    expect(names.filter((name) => !isModelFile(name))).toEqual([]);
  });

  it.each([
    ['README.md', '.gitattributes', 'pytorch_model.bin', 'adapter_model.bin', 'tf_model.h5', 'model.gguf'],
    [
      'onnx/model.onnx',
      'x/config.json',
      'x/model.safetensors',
      'training_args.bin',
      'xconfig.json',
      'config.json.bak',
    ],
    [
      '../model.safetensors',
      'tokenizer.model',
      'optimizer.pt',
      'optimizer.safetensors',
      'model.safetensors/x',
    ],
  ])('are not %s, %s and the like', (...names) => {
    expect(names.filter(isModelFile)).toEqual([]);
  });
});

const index = (...parts: string[]): Record<string, string> => ({
  'model.safetensors.index.json': JSON.stringify({
    weight_map: Object.fromEntries(parts.map((part, i) => [`weight ${i}`, part])),
  }),
});
const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

async function isWhole(names: string[], texts: Record<string, string> = {}): Promise<boolean> {
  return isWholeModel([...names, ...Object.keys(texts)], async (name) => texts[name] ?? '');
}

describe('files of which nobody noted what else there is', () => {
  it('are a whole model where there are weights, and all that an index names', async () => {
    expect(await isWhole(['config.json', 'model.safetensors'])).toBe(true);
    expect(await isWhole(['model.gguf'])).toBe(true);
    expect(await isWhole(shards, index(...shards, shards[0]))).toBe(true);
    expect(await isWhole(['q/m-00001-of-00001.gguf'])).toBe(true);
  });

  it('are none where weights, or some of them, are missing', async () => {
    expect(await isWhole([])).toBe(false);
    expect(await isWhole(['config.json', 'tokenizer.json'])).toBe(false);
    expect(await isWhole(['config.json'], index(...shards))).toBe(false);
    expect(await isWhole([shards[0]])).toBe(false);
    expect(await isWhole([shards[0]], index(...shards))).toBe(false);
    expect(await isWhole(shards, index(...shards, 'other.safetensors'))).toBe(false);
    expect(await isWhole(['q/m-00002-of-00003.gguf', 'q/m-00003-of-00003.gguf'])).toBe(false);
  });

  it('are none with an index that cannot be read', async () => {
    const texts = ['', '{"weight_map', '{}', 'null', '[]', '{"weight_map": 1}', '{"weight_map": {}}'];
    for (const text of texts) {
      const found = await isWhole(['model.safetensors'], { 'model.safetensors.index.json': text });
      expect([text, found]).toEqual([text, false]);
    }
  });
});
