import { QuernError } from '../../errors.ts';
import { architectureOf, Fields, shown, unsupported } from './config-fields.ts';
import type { JsonObject } from './json-file.ts';

/** The shape of a BERT encoder, as `config.json` of its checkpoint tells it. */
export interface BertConfig {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  /** The most positions. */
  readonly positions: number;
  /** Kinds of tokens: of the first text and the second. */
  readonly tokenTypes: number;
  readonly normEpsilon: number;
  readonly activation: 'gelu' | 'gelu_tanh' | 'relu';
}

/** The activations by the names that transformers gives them. */
const activations: ReadonlyMap<string, BertConfig['activation']> = new Map([
  ['gelu', 'gelu'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
  ['relu', 'relu'],
]);

/**
 * The configuration that `config.json` holds. Throws `UNSUPPORTED` for another architecture than BERT's and what is not
 * computed here, `CORRUPT_FILE` for values that cannot be.
 */
export function parseBertConfig(config: JsonObject, path: string): BertConfig {
  const architecture = architectureOf(config);
  if (config['model_type'] !== 'bert' && !/^Bert[A-Z]/.test(architecture)) {
    throw new QuernError('UNSUPPORTED', `the architecture ${architecture}`, {
      where: path,
      hint: 'Embedders on LibTorch are BERT models; others run as onnx: or llama:',
    });
  }
  const fields = new Fields(config, path);
  const positionType = fields.optionalText('position_embedding_type') ?? 'absolute';
  if (positionType !== 'absolute') throw unsupported(path, `position_embedding_type ${shown(positionType)}`);
  if (fields.flag('is_decoder')) throw unsupported(path, 'is_decoder');
  const activationName = fields.optionalText('hidden_act') ?? 'gelu';
  const activation = activations.get(activationName);
  if (activation === undefined) throw unsupported(path, `hidden_act ${shown(activationName)}`);
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  if (hiddenSize % heads !== 0) fields.fail(`hidden_size ${hiddenSize} is no multiple of ${heads} heads`);
  return {
    hiddenSize,
    layers: fields.layerCount(),
    heads,
    intermediateSize: fields.size('intermediate_size'),
    vocabularySize: fields.size('vocab_size'),
    positions: fields.size('max_position_embeddings'),
    tokenTypes: fields.optionalSize('type_vocab_size') ?? 2,
    normEpsilon: fields.positive('layer_norm_eps', 1e-12),
    activation,
  };
}
