import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32ToBfloat16, float32ToFloat16 } from '../src/models/gguf/float-formats.ts';
import { parseQwen2Config } from '../src/models/checkpoint/qwen2-config.ts';
import { qwen2Tensors, type Qwen2Tensor } from '../src/models/checkpoint/qwen2-tensors.ts';
import { writeSafetensors, type NewTensor } from '../src/models/checkpoint/safetensors.ts';
import { randomNumbers, type Random } from './random-numbers.ts';
import { tinyTokenizer, type TinyVocabulary } from './tiny-tokenizer.ts';

/** Options of {@link writeTinyCheckpoint}. */
export interface TinyCheckpointOptions {
  /** The same seed and options give the same files. Default 1. */
  readonly seed?: number;
  /** Default `BF16`, as published checkpoints have it. */
  readonly dtype?: 'F32' | 'F16' | 'BF16';
  /** Files that the tensors are spread over. Default 1: `model.safetensors` alone. */
  readonly shards?: number;
  /** Whether the embedding matrix is the output matrix too. Default true. */
  readonly tied?: boolean;
  /**
   * `bytes`: 256 bytes, a few merges and the special tokens, 300 tokens in all, needs no shared data; `cut`: the first
   * `vocabularySize` of Qwen2's tokens and the special ones; `full`: all 151,646. Default `bytes`.
   */
  readonly vocabulary?: TinyVocabulary;
  /** How many of Qwen2's tokens `cut` keeps. Default 2,000. */
  readonly vocabularySize?: number;
  /** Rows of the embedding matrix beyond the tokens; they are zero. Default 0. */
  readonly padding?: number;
  /** Default 64. */
  readonly hidden?: number;
  /** Default 2. */
  readonly layers?: number;
  /** Default 4. */
  readonly heads?: number;
  /** Default 2. */
  readonly keyValueHeads?: number;
  /** Default 128. */
  readonly intermediate?: number;
  /** Replaces or adds fields of `config.json`; undefined takes one away. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/**
 * Writes the folder of a checkpoint of a tiny random Qwen2 model with its tokenizer. Its weights are scaled so that what is
 * sampled from it varies: logits spread over a few units, and no token only repeats itself.
 */
export async function writeTinyCheckpoint(
  folder: string,
  options: TinyCheckpointOptions = {},
): Promise<void> {
  const { vocabulary = 'bytes', vocabularySize = 2000, padding = 0 } = options;
  const tokenizer = tinyTokenizer(vocabulary, vocabularySize);
  const config = {
    ...tinyConfig(options),
    vocab_size: tokenizer.tokens + padding,
    bos_token_id: tokenizer.endOfText,
    eos_token_id: tokenizer.turnEnd,
    ...options.config,
  };
  const generation = {
    bos_token_id: tokenizer.endOfText,
    pad_token_id: tokenizer.endOfText,
    eos_token_id: [tokenizer.turnEnd, tokenizer.endOfText],
    do_sample: true,
    repetition_penalty: 1.05,
    temperature: 0.7,
    top_p: 0.8,
    top_k: 20,
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config, null, 2));
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify(generation, null, 2));
  for (const [name, text] of Object.entries(tokenizer.files)) await writeFile(join(folder, name), text);
  await writeWeights(folder, tinyWeights(config, tokenizer.tokens, options), options.shards ?? 1);
}

function tinyConfig(options: TinyCheckpointOptions): Record<string, unknown> {
  const { hidden = 64, layers = 2, heads = 4, keyValueHeads = 2, intermediate = 128 } = options;
  return {
    architectures: ['Qwen2ForCausalLM'],
    attention_dropout: 0,
    hidden_act: 'silu',
    hidden_size: hidden,
    initializer_range: 0.02,
    intermediate_size: intermediate,
    max_position_embeddings: 32768,
    model_type: 'qwen2',
    num_attention_heads: heads,
    num_hidden_layers: layers,
    num_key_value_heads: keyValueHeads,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    tie_word_embeddings: options.tied ?? true,
    torch_dtype: { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[options.dtype ?? 'BF16'],
    use_cache: true,
    use_sliding_window: false,
  };
}

function tinyWeights(
  config: Readonly<Record<string, unknown>>,
  tokens: number,
  { seed = 1, dtype = 'BF16', vocabulary = 'bytes' }: TinyCheckpointOptions,
): NewTensor[] {
  const random = randomNumbers(seed);
  return qwen2Tensors(parseQwen2Config(config, 'config.json')).map((tensor) => {
    const values = tinyValues(tensor, tokens, random);
    if (vocabulary === 'bytes' && isTable(tensor)) dampBytes(values, tensor.shape);
    return { name: tensor.name, dtype, shape: tensor.shape, data: encoded(values, dtype) };
  });
}

function tinyValues({ name, shape }: Qwen2Tensor, tokens: number, random: Random): Float32Array {
  const columns = shape.at(-1) ?? 1;
  const isEmbedding = isTable({ name });
  const length = isEmbedding ? tokens * columns : shape.reduce((a, b) => a * b, 1);
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const [centre, spread] = spreadOf(name, isEmbedding, columns);
  for (let i = 0; i < length; i++) values[i] = centre + spread * random.normal();
  return values;
}

function isTable({ name }: Pick<Qwen2Tensor, 'name'>): boolean {
  return name === 'model.embed_tokens.weight' || name === 'lm_head.weight';
}

/** Makes the bytes beyond ASCII (tokens 94 to 255) unlikely, so that what is sampled is mostly text. */
function dampBytes(values: Float32Array, [, columns]: readonly number[]): void {
  for (let i = 94 * columns; i < 256 * columns; i++) values[i] *= 0.1;
}

function spreadOf(name: string, isEmbedding: boolean, columns: number): [centre: number, spread: number] {
  if (name.endsWith('norm.weight')) return [1, 0.1];
  if (name.endsWith('.bias')) return [0, 0.3];
  return [0, isEmbedding ? 0.3 : 1.5 / Math.sqrt(columns)];
}

function encoded(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): ArrayBufferView {
  if (dtype === 'F32') return values;
  const halves = new Uint16Array(values.length);
  (dtype === 'F16' ? float32ToFloat16 : float32ToBfloat16)(values, halves);
  return halves;
}

async function writeWeights(folder: string, tensors: readonly NewTensor[], shards: number): Promise<void> {
  const metadata = { format: 'pt' };
  if (shards === 1) return writeSafetensors(join(folder, 'model.safetensors'), tensors, metadata);
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const name = `model-${numbered(shard + 1)}-of-${numbered(shards)}.safetensors`;
    const held = tensors.filter((_, i) => Math.floor((i * shards) / tensors.length) === shard);
    for (const tensor of held) weightMap[tensor.name] = name;
    await writeSafetensors(join(folder, name), held, metadata);
  }
  const index = { metadata: {}, weight_map: weightMap };
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index, null, 2));
}

function numbered(shard: number): string {
  return String(shard).padStart(5, '0');
}
