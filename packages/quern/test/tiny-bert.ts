import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bertTensors } from '../src/models/checkpoint/bert-checkpoint.ts';
import { parseBertConfig } from '../src/models/checkpoint/bert-config.ts';
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts';
import { randomNumbers } from './random-numbers.ts';

const specialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const words = 'the a question asks about thing that is not there words and no more why do cat ##s purr'.split(
  ' ',
);

/** The configuration of the tiny BERT. */
export const tinyBertConfig = {
  architectures: ['BertModel'],
  model_type: 'bert',
  vocab_size: specialTokens.length + words.length,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 64,
  hidden_act: 'gelu',
  max_position_embeddings: 24,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
};

/**
 * Writes the folder of a tiny random BERT with its tokenizer; the same files each time. `prefix` is put before all names;
 * `hasPooler` adds the tensors that embeddings do not need.
 */
export async function writeTinyBert(
  folder: string,
  {
    prefix = '',
    hasPooler = false,
    config = {},
  }: {
    readonly prefix?: string;
    readonly hasPooler?: boolean;
    readonly config?: Record<string, unknown>;
  } = {},
): Promise<void> {
  const random = randomNumbers(21);
  await mkdir(folder, { recursive: true });
  const written = { ...tinyBertConfig, ...config };
  await writeFile(join(folder, 'config.json'), JSON.stringify(written, null, 2));
  const tensors = bertTensors(parseBertConfig(tinyBertConfig, 'config.json'), hasPooler).map(
    ({ name, shape }) => {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const [centre, spread] = name.endsWith('LayerNorm.weight') ? [1, 0.1] : [0, 0.2];
      for (let i = 0; i < values.length; i++) values[i] = centre + spread * random.normal();
      return { name: prefix + name, dtype: 'F32' as const, shape, data: values };
    },
  );
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer()));
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ tokenizer_class: 'BertTokenizer', do_lower_case: true, model_max_length: 24 }),
  );
}

const token = (id: string, type_id: number): unknown => ({ SpecialToken: { id, type_id } });
const text = (id: string, type_id: number): unknown => ({ Sequence: { id, type_id } });

function tokenizer(): Record<string, unknown> {
  const all = [...specialTokens, ...words];
  const special = (content: string): Record<string, unknown> => ({
    id: all.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const ids = (name: string): unknown => ({ id: name, ids: [all.indexOf(name)], tokens: [name] });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map(special),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]', 0), text('A', 0), token('[SEP]', 0)],
      pair: [token('[CLS]', 0), text('A', 0), token('[SEP]', 0), text('B', 1), token('[SEP]', 1)],
      special_tokens: { '[CLS]': ids('[CLS]'), '[SEP]': ids('[SEP]') },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(all.map((each, i) => [each, i])),
    },
  };
}
