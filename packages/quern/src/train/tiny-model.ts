/** `random:tiny`: a model of random weights with a tokenizer of bytes, to try a training without a download. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathKindIfAny } from '../collections/files.ts';
import type { Qwen2Config } from '../models/checkpoint/qwen2-config.ts';
import { randomQwen2 } from '../models/torch/random-qwen2.ts';
import { saveModel } from '../models/torch/save-model.ts';

const controlTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const [endOfText, , turnEnd] = controlTokens.map((_, i) => 256 + i);

/** Its shape. */
export const tinyModelConfig: Qwen2Config = {
  hiddenSize: 64,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  intermediateSize: 128,
  vocabularySize: 256 + controlTokens.length,
  positions: 4096,
  normEpsilon: 1e-6,
  ropeBase: 10_000,
  tiedEmbeddings: true,
  endTokens: [turnEnd, endOfText],
};

/** Writes the model's folder, whole or not at all; one that is there stays as it is. Throws as {@link saveModel} does. */
export async function writeTinyModel(folder: string, seed: number): Promise<void> {
  if (await pathKindIfAny(folder)) return;
  const beside = `${folder}.partial`;
  const model = randomQwen2(tinyModelConfig, { seed });
  try {
    await saveModel(model, beside, { dtype: 'float32' });
    for (const [name, value] of Object.entries(tokenizerFiles())) {
      await writeFile(join(beside, name), JSON.stringify(value));
    }
    await rename(beside, folder);
  } finally {
    model.close();
  }
}

/** How Qwen2 splits texts into words. */
const words =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Every byte is a token, written as byte-level tokenizers do. */
function tokenizerFiles(): Record<string, unknown> {
  const kind = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const added = controlTokens.map((content, i) => ({ id: 256 + i, content, ...kind }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: 'Split', pattern: { Regex: words }, behavior: 'Isolated', invert: false };
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
      post_processor: byteLevel,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries(byteTexts().map((text, id) => [text, id])),
        merges: [],
      },
    },
    'tokenizer_config.json': {
      added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
      bos_token: null,
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      tokenizer_class: 'Qwen2Tokenizer',
      unk_token: null,
    },
  };
}

/** The 256 bytes as GPT-2 writes them: those that can be seen first, then the others as letters from U+0100 on. */
function byteTexts(): string[] {
  const seen = [
    [0x21, 0x7e],
    [0xa1, 0xac],
    [0xae, 0xff],
  ].flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)));
  return [...seen, ...Array.from({ length: 256 - seen.length }, (_, i) => String.fromCodePoint(0x100 + i))];
}
