import { QuernError } from '../../errors.ts';
import { architectureOf, Fields, shown, unsupported } from './config-fields.ts';
import type { JsonObject } from './json-file.ts';

/** The shape of a Qwen2 model, as `config.json` of its checkpoint tells it. */
export interface Qwen2Config {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; groups of `heads / keyValueHeads` heads share one. */
  readonly keyValueHeads: number;
  readonly intermediateSize: number;
  /** Rows of the embedding matrix: the tokenizer's tokens, and padding. */
  readonly vocabularySize: number;
  /** The most positions. */
  readonly positions: number;
  readonly normEpsilon: number;
  readonly ropeBase: number;
  readonly ropeScaling?: RopeScaling;
  /** Whether the embedding matrix is the output matrix too. */
  readonly tiedEmbeddings: boolean;
  readonly beginToken?: number;
  /** Tokens that end a generation; `generation_config.json` may name more. */
  readonly endTokens: readonly number[];
  readonly paddingToken?: number;
}

/** How positions beyond those of training are reached. */
export interface RopeScaling {
  readonly type: 'linear' | 'yarn';
  readonly factor: number;
  /** The positions of training. */
  readonly originalPositions?: number;
  readonly betaFast?: number;
  readonly betaSlow?: number;
}

/** The architecture that `config.json` has to name. */
export const qwen2Architecture = 'Qwen2ForCausalLM';

/**
 * The configuration that `config.json` holds. Throws `UNSUPPORTED` for another architecture than `Qwen2ForCausalLM` and
 * for what llama.cpp would compute otherwise, `CORRUPT_FILE` for values that cannot be.
 */
export function parseQwen2Config(config: JsonObject, path: string): Qwen2Config {
  checkArchitecture(config, path);
  const fields = new Fields(config, path);
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const keyValueHeads = fields.optionalSize('num_key_value_heads') ?? heads;
  const positions = fields.size('max_position_embeddings');
  if (hiddenSize % heads !== 0) fields.fail(`hidden_size ${hiddenSize} is no multiple of ${heads} heads`);
  if (heads % keyValueHeads !== 0) {
    fields.fail(`num_attention_heads ${heads} is no multiple of num_key_value_heads ${keyValueHeads}`);
  }
  const headSize = fields.optionalSize('head_dim') ?? hiddenSize / heads;
  if (headSize !== hiddenSize / heads) {
    throw unsupported(path, `head_dim ${headSize}, which is not hidden_size / num_attention_heads`);
  }
  if (headSize % 2 !== 0) fields.fail(`heads of ${headSize} values cannot be rotated in pairs`);
  // Newer checkpoints have both in one object.
  const rope = fields.optionalObject('rope_parameters') ?? fields.optionalObject('rope_scaling');
  return {
    hiddenSize,
    layers: fields.layerCount(),
    heads,
    keyValueHeads,
    intermediateSize: fields.size('intermediate_size'),
    vocabularySize: fields.size('vocab_size'),
    positions,
    normEpsilon: fields.positive('rms_norm_eps', 1e-6),
    ropeBase:
      (rope && new Fields(rope, path).optionalPositive('rope_theta')) ?? fields.positive('rope_theta', 1e4),
    ropeScaling: rope && ropeScaling(rope, path),
    tiedEmbeddings: fields.flag('tie_word_embeddings'),
    beginToken: fields.optionalId('bos_token_id'),
    endTokens: fields.ids('eos_token_id'),
    paddingToken: fields.optionalId('pad_token_id'),
  };
}

/** The ids of the tokens that end a generation, as `config.json` or `generation_config.json` lists them. */
export function endTokensOf(config: JsonObject, path: string): number[] {
  return new Fields(config, path).ids('eos_token_id');
}

function checkArchitecture(config: JsonObject, path: string): void {
  const { architectures, model_type: type } = config;
  const named: unknown[] = Array.isArray(architectures) ? architectures : [];
  const isQwen2 = named.length > 0 ? named.includes(qwen2Architecture) : type === 'qwen2';
  if (!isQwen2) {
    const name = architectureOf(config);
    const isEncoder = type === 'bert' || /^Bert[A-Z]/.test(name);
    throw new QuernError('UNSUPPORTED', `the architecture ${name}`, {
      where: path,
      hint: isEncoder
        ? 'It is an encoder: it embeds as torch:…, and does not write'
        : `Checkpoints of ${qwen2Architecture} are read`,
    });
  }
  if (config['quantization_config']) throw unsupported(path, 'weights that are quantised already');
  const fields = new Fields(config, path);
  if (fields.flag('use_sliding_window')) throw unsupported(path, 'use_sliding_window');
  const activation = fields.optionalText('hidden_act') ?? 'silu';
  if (activation !== 'silu') throw unsupported(path, `hidden_act ${shown(activation)}`);
}

/** What is read of the rope scaling, and what may be there as it is anyway. */
const ropeFields = new Set(
  'rope_type type rope_theta factor original_max_position_embeddings beta_fast beta_slow'.split(' '),
);
const ropeDefaults: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['truncate', true],
  ['partial_rotary_factor', 1],
]);

function ropeScaling(rope: JsonObject, path: string): RopeScaling | undefined {
  for (const [name, value] of Object.entries(rope)) {
    const isKnown = value === null || ropeFields.has(name) || ropeDefaults.get(name) === value;
    if (!isKnown) throw unsupported(path, `${shown(name)} of the rope scaling`);
  }
  const fields = new Fields(rope, path);
  const type = fields.optionalText('rope_type') ?? fields.optionalText('type') ?? 'default';
  if (type === 'default') return undefined;
  if (type !== 'linear' && type !== 'yarn') throw unsupported(path, `the rope scaling ${shown(type)}`);
  const factor = fields.optionalPositive('factor');
  if (factor === undefined) return fields.fail('the rope scaling has no factor');
  if (type === 'linear') return { type, factor };
  const originalPositions = fields.optionalSize('original_max_position_embeddings');
  if (originalPositions === undefined) {
    return fields.fail('the rope scaling has no original_max_position_embeddings');
  }
  return {
    type,
    factor,
    originalPositions,
    betaFast: fields.optionalPositive('beta_fast'),
    betaSlow: fields.optionalPositive('beta_slow'),
  };
}
