import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onnxFile, type OnnxConstant } from './onnx-writer.ts';

/** The words that the tokenizer knows after its special tokens, each a token. */
export const tinyWords = 'a b c d e f g h i j k l the'.split(' ');

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];

/** The token of a word. */
export function tinyToken(word: string): number {
  return [...special, ...tinyWords].indexOf(word);
}

export interface TinyOnnxOptions {
  /** The length of its vectors. Default 3. */
  readonly dimensions?: number;
  /** A token's value in a dimension. Default: something that differs in each. */
  readonly weight?: (token: number, dimension: number) => number;
  /** Whether it classifies: one number for each dimension. Default false: a vector for each token. */
  readonly classifies?: boolean;
  /** Other files of the folder, as JSON; null leaves one out. */
  readonly files?: Readonly<Record<string, unknown>>;
  /** More of `config.json`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default `onnx/model.onnx`. */
  readonly name?: string;
}

/** A weight that no other token has. */
export function tinyWeight(token: number, dimension: number): number {
  return Math.fround(Math.sin(1 + token * 7 + dimension * 3));
}

/**
 * Writes the folder of a tiny model in ONNX: with `w` the weights of a token, `w` plus the sum of `w` over all tokens that the
 * attention mask lets through is a token's vector, and that sum is what it classifies by. So padding must not count.
 */
export function writeTinyOnnx(folder: string, options: TinyOnnxOptions = {}): void {
  const { dimensions = 3, weight = tinyWeight, classifies = false, name = 'onnx/model.onnx' } = options;
  const tokens = special.length + tinyWords.length;
  const weights = new Float32Array(tokens * dimensions);
  for (let token = 0; token < tokens; token++) {
    for (let i = 0; i < dimensions; i++) weights[token * dimensions + i] = weight(token, i);
  }
  const model = onnxFile({
    nodes: [
      ['Gather', ['weights', 'input_ids'], ['own']],
      ['Cast', ['attention_mask'], ['mask'], { to: 1 }],
      ['Unsqueeze', ['mask', 'last'], ['column']],
      ['Mul', ['own', 'column'], ['seen']],
      ['ReduceSum', ['seen', 'tokens'], ['sum'], { keepdims: classifies ? 0 : 1 }],
      classifies ? ['Identity', ['sum'], ['logits']] : ['Add', ['own', 'sum'], ['last_hidden_state']],
    ],
    constants: [
      { name: 'weights', dims: [tokens, dimensions], values: weights },
      axis('last', 2),
      axis('tokens', 1),
    ],
    inputs: ['input_ids', 'attention_mask'].map((each) => ({
      name: each,
      type: 'int64',
      dims: ['batch', 'length'],
    })),
    outputs: classifies
      ? [{ name: 'logits', type: 'float', dims: ['batch', dimensions] }]
      : [{ name: 'last_hidden_state', type: 'float', dims: ['batch', 'length', dimensions] }],
  });
  const files: Record<string, unknown> = {
    'config.json': {
      model_type: 'bert',
      architectures: [classifies ? 'BertForSequenceClassification' : 'BertModel'],
      hidden_size: dimensions,
      max_position_embeddings: 64,
      ...(classifies && { id2label: { 0: 'LABEL_0' } }),
      ...options.config,
    },
    'tokenizer.json': tokenizer(),
    'tokenizer_config.json': {
      tokenizer_class: 'BertTokenizer',
      model_max_length: 64,
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
    },
    ...options.files,
  };
  for (const [file, content] of Object.entries(files)) {
    if (content === null) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), JSON.stringify(content));
  }
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), model);
}

/** The files that sentence-transformers writes for a pooling. */
export function sentenceTransformersFiles(
  mode: string,
  { maxTokens = 8, normalizes = false, prompts = {} as Record<string, string> } = {},
): Record<string, unknown> {
  const modules = ['Transformer', 'Pooling', ...(normalizes ? ['Normalize'] : [])];
  return {
    'modules.json': modules.map((type, i) => ({
      idx: i,
      name: String(i),
      path: i === 0 ? '' : `${i}_${type}`,
      type: `sentence_transformers.models.${type}`,
    })),
    '1_Pooling/config.json': { word_embedding_dimension: 3, [`pooling_mode_${mode}`]: true },
    'sentence_bert_config.json': { max_seq_length: maxTokens, do_lower_case: false },
    'config_sentence_transformers.json': { prompts },
  };
}

/** A constant that names one axis. */
function axis(name: string, at: number): OnnxConstant {
  return { name, dims: [1], values: BigInt64Array.of(BigInt(at)) };
}

function tokenizer(): unknown {
  const [cls, sep, secondSep] = [
    ['[CLS]', 0],
    ['[SEP]', 0],
    ['[SEP]', 1],
  ].map(([id, type]) => ({ SpecialToken: { id, type_id: type } }));
  const [a, b] = ['A', 'B'].map((id, type) => ({ Sequence: { id, type_id: type } }));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [cls, a, sep],
      pair: [cls, a, sep, b, secondSep],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries([...special, ...tinyWords].map((word, id) => [word, id])),
    },
  };
}
