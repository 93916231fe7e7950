/** The metadata of a Qwen2 model in a GGUF file, by the keys that llama.cpp's own converter writes. */
import { QuernError } from '../../errors.ts';
import type { CheckpointTokenizer } from '../checkpoint/checkpoint-tokenizer.ts';
import type { GgufMetadata, GgufNumberType, GgufValue } from './gguf-format.ts';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';

/** What a model can be converted to, the largest first. */
export const modelTypes = ['f16', 'q8_0', 'q4_0'] as const;

/** What a model is converted to. */
export type ModelType = (typeof modelTypes)[number];

/** llama.cpp's numbers for what most tensors of a file are. */
const fileTypes: Record<ModelType, number> = { f16: 1, q8_0: 7, q4_0: 2 };

/** The version of ggml's quantised formats. */
const quantizationVersion = 2;

/** The kinds of tokens as numbers; ids that no token has are filled up with `unused` ones. */
const tokenTypes = { normal: 1, control: 3, added: 4, unused: 5 };

/** Tokens that llama.cpp takes to end a generation by their texts, whatever the keys say. */
const knownEnds = new Set(['<|im_end|>', '<|endoftext|>']);

/** What the metadata of a model is made of. */
export interface ModelFacts {
  readonly config: Qwen2Config;
  readonly tokenizer: CheckpointTokenizer;
  /** Ids of the tokens that end a generation. */
  readonly endTokens: readonly number[];
  readonly type: ModelType;
  readonly folder: string;
}

/**
 * The metadata of a model. Throws `CORRUPT_FILE` where tokenizer and configuration do not fit together, `UNSUPPORTED` where
 * more tokens end a generation than a GGUF file can say.
 */
export function modelMetadata(facts: ModelFacts): GgufMetadata {
  const { config, type } = facts;
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', text('qwen2')],
    ['general.type', text('model')],
    ['general.file_type', number('uint32', fileTypes[type])],
    ['general.quantization_version', number('uint32', quantizationVersion)],
  ]);
  addShape(metadata, config);
  addTokenizer(metadata, facts);
  return metadata;
}

function addShape(metadata: Map<string, GgufValue>, config: Qwen2Config): void {
  const set = (key: string, value: GgufValue): void => void metadata.set(`qwen2.${key}`, value);
  set('block_count', number('uint32', config.layers));
  set('context_length', number('uint32', config.positions));
  set('embedding_length', number('uint32', config.hiddenSize));
  set('feed_forward_length', number('uint32', config.intermediateSize));
  set('attention.head_count', number('uint32', config.heads));
  set('attention.head_count_kv', number('uint32', config.keyValueHeads));
  set('rope.freq_base', number('float32', config.ropeBase));
  set('attention.layer_norm_rms_epsilon', number('float32', config.normEpsilon));
  set('vocab_size', number('uint32', config.vocabularySize));
  const scaling = config.ropeScaling;
  if (!scaling) return;
  set('rope.scaling.type', text(scaling.type));
  set('rope.scaling.factor', number('float32', scaling.factor));
  const { originalPositions, betaFast, betaSlow } = scaling;
  if (originalPositions !== undefined) {
    set('rope.scaling.original_context_length', number('uint32', originalPositions));
  }
  if (betaFast !== undefined) set('rope.scaling.yarn_beta_fast', number('float32', betaFast));
  if (betaSlow !== undefined) set('rope.scaling.yarn_beta_slow', number('float32', betaSlow));
}

function addTokenizer(metadata: Map<string, GgufValue>, facts: ModelFacts): void {
  const { config, tokenizer, folder } = facts;
  const { tokens } = tokenizer;
  const size = config.vocabularySize;
  if (tokens.length > size) {
    const what = `the tokenizer has ids up to ${tokens.length - 1}, and the model only ${size} embeddings`;
    throw new QuernError('CORRUPT_FILE', what, { where: folder });
  }
  const ids = Array.from({ length: size }, (_, id) => id);
  const set = (key: string, value: GgufValue): void => void metadata.set(`tokenizer.${key}`, value);
  const setId = (key: string, id: number | undefined): void => {
    if (id === undefined) return;
    if (id >= size) {
      throw new QuernError('CORRUPT_FILE', `the ${key} token ${id} has no embedding`, { where: folder });
    }
    set(`ggml.${key}_token_id`, number('uint32', id));
  };
  set('ggml.model', text('gpt2'));
  set('ggml.pre', text('qwen2'));
  set('ggml.tokens', {
    type: 'array',
    of: 'string',
    items: ids.map((id) => tokens[id]?.text ?? `[PAD${id}]`),
  });
  set('ggml.token_type', {
    type: 'array',
    of: 'int32',
    items: ids.map((id) => tokenTypes[tokens[id]?.kind ?? 'unused']),
  });
  set('ggml.merges', { type: 'array', of: 'string', items: tokenizer.merges });
  const end = tokenizer.endToken ?? facts.endTokens[0];
  setId('eos', end);
  addOtherEnds(facts, end, setId);
  setId('bos', tokenizer.beginToken ?? config.beginToken);
  setId('padding', tokenizer.paddingToken ?? config.paddingToken);
  set('ggml.add_bos_token', { type: 'bool', value: tokenizer.addsBeginToken });
  if (tokenizer.chatTemplate !== undefined) set('chat_template', text(tokenizer.chatTemplate));
}

/** A file has room for two ends beside the first: those of a turn and of a message. */
function addOtherEnds(
  { endTokens, tokenizer: { tokens }, folder }: ModelFacts,
  end: number | undefined,
  setId: (key: string, id: number | undefined) => void,
): void {
  const others = endTokens.filter((id) => id !== end && !knownEnds.has(tokens[id]?.text ?? ''));
  if (others.length > 2) {
    const what = `${others.length + 1} tokens that end a generation are not supported`;
    throw new QuernError('UNSUPPORTED', what, { where: folder });
  }
  setId('eot', others[0]);
  setId('eom', others[1]);
}

function text(value: string): GgufValue {
  return { type: 'string', value };
}

function number(type: GgufNumberType, value: number): GgufValue {
  return { type, value };
}
