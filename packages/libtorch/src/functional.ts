/** The functions that neural networks are made of; shapes as in PyTorch's `torch.nn.functional`. */
import { LibTorchError } from './errors.ts';
import { native } from './native.ts';
import { operator } from './operators.ts';
import { optionsOf } from './options.ts';
import { handleOf, one, optionalHandle, Tensor } from './tensor.ts';

const ops = {
  linear: operator('linear'),
  embedding: operator('embedding'),
  layerNorm: operator('layer_norm'),
  rmsNorm: operator('rms_norm'),
  dropout: operator('dropout'),
  crossEntropy: operator('cross_entropy_loss'),
  attention: operator('scaled_dot_product_attention'),
};

/** x Wᵀ + b. Shape: (…, in) → (…, out); weight: (out, in). */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return one(
    ops.linear(
      handleOf(x, 'linear: x'),
      handleOf(weight, 'linear: weight'),
      optionalHandle(bias, 'linear: bias'),
    ),
  );
}

/** Rows of `weight` (rows, columns) by number. Shape: (…) of int64 → (…, columns). */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  return one(ops.embedding(handleOf(weight, 'embedding: weight'), handleOf(indices, 'embedding: indices')));
}

/** Over the last dimension. */
export function layerNorm(x: Tensor, weight?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor {
  return one(
    ops.layerNorm(
      handleOf(x, 'layerNorm: x'),
      [x.size(-1)],
      optionalHandle(weight, 'layerNorm: weight'),
      optionalHandle(bias, 'layerNorm: bias'),
      epsilon,
    ),
  );
}

/** x / sqrt(mean(x²) + ε) · weight, over the last dimension (Zhang and Sennrich 2019). */
export function rmsNorm(x: Tensor, weight?: Tensor, epsilon = 1e-6): Tensor {
  return one(
    ops.rmsNorm(handleOf(x, 'rmsNorm: x'), [x.size(-1)], optionalHandle(weight, 'rmsNorm: weight'), epsilon),
  );
}

/** Values dropped with probability `p`, the others scaled up; nothing happens outside of training. */
export function dropout(x: Tensor, p: number, isTraining: boolean): Tensor {
  return one(ops.dropout(handleOf(x, 'dropout: x'), p, isTraining));
}

/** -log softmax(logits) at the targets, averaged. Shape: (N, V), (N) of int64 → (). */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  options?: { readonly reduction?: 'none' | 'mean' | 'sum'; readonly ignoreIndex?: number },
): Tensor {
  const { reduction = 'mean', ignoreIndex = -100 } = optionsOf(options, 'crossEntropy', [
    'reduction',
    'ignoreIndex',
  ]);
  const of = [handleOf(logits, 'crossEntropy: logits'), handleOf(targets, 'crossEntropy: targets')] as const;
  if (targets.dtype !== 'int64' && targets.dim < logits.dim) {
    throw new LibTorchError(
      'WRONG_DTYPE',
      `crossEntropy: targets are ${String(targets)}, and classes are numbered in int64`,
    );
  }
  const number = ['none', 'mean', 'sum'].indexOf(reduction);
  if (number < 0) throw new LibTorchError('BAD_ARGUMENT', 'crossEntropy: reduction is none, mean or sum');
  return one(ops.crossEntropy(...of, undefined, number, ignoreIndex));
}

/** How {@link scaledDotProductAttention} attends. */
export interface AttentionOptions {
  /** bool (true: attend) or added to the scores; broadcast to (B, heads, queries, keys). */
  readonly mask?: Tensor;
  /** Each query sees the keys up to its own place. */
  readonly isCausal?: boolean;
  /** Default: 1 / sqrt(size of a head). */
  readonly scale?: number;
  /** Whether there are fewer heads of keys and values, each shared by a group of heads. */
  readonly isGrouped?: boolean;
  readonly dropout?: number;
}

/** softmax(q kᵀ · scale + mask) v. Shape: (B, heads, queries, d), (B, heads, keys, d) twice → (B, heads, queries, d). */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options?: AttentionOptions,
): Tensor {
  const {
    mask,
    isCausal = false,
    scale,
    isGrouped = false,
    dropout: p = 0,
  } = optionsOf(options, 'scaledDotProductAttention', ['mask', 'isCausal', 'scale', 'isGrouped', 'dropout']);
  return one(
    ops.attention(
      handleOf(query, 'scaledDotProductAttention: query'),
      handleOf(key, 'scaledDotProductAttention: key'),
      handleOf(value, 'scaledDotProductAttention: value'),
      optionalHandle(mask, 'scaledDotProductAttention: mask'),
      p,
      isCausal,
      scale,
      isGrouped,
    ),
  );
}

/** How {@link tokenLogProbabilities} computes. */
export interface TokenLogProbabilityOptions {
  /** Default 1. */
  readonly temperature?: number;
  /** Rows whose logits are made at a time. */
  readonly chunk?: number;
}

/** Bytes of logits, in float32, that are made at a time. */
const chunkBytes = { cpu: 128 * 2 ** 20, cuda: 512 * 2 ** 20 };

/**
 * log softmax(hidden · weightᵀ / temperature) at one target a row, differentiable. Shape: (N, D), (V, D), (N) of int64 → (N) of
 * float32. The logits of all rows are never there at once: `chunk` rows at a time, by default as many as fit into 128 MB (512
 * MB on a GPU), and an eighth more while they are made. The backward pass makes them again, but for those of one chunk, which
 * are kept, and needs up to twice as much. It scales gradients so that float16 does not lose them, and adds up that of `weight`
 * in float32: until it ends, a weight in half precision takes twice its bytes more. Throws `BAD_ARGUMENT`, `WRONG_DTYPE` and
 * `WRONG_DEVICE`.
 */
export function tokenLogProbabilities(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options?: TokenLogProbabilityOptions,
): Tensor {
  const [logProbabilities, entropies] = ofTokens(
    'tokenLogProbabilities',
    hidden,
    weight,
    targets,
    options,
    false,
  );
  entropies.dispose();
  return logProbabilities;
}

/**
 * {@link tokenLogProbabilities}, and the entropy of each row's distribution in nats, which is not differentiated. Shape: (N) twice.
 */
export function tokenLogProbabilitiesAndEntropies(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options?: TokenLogProbabilityOptions,
): { readonly logProbabilities: Tensor; readonly entropies: Tensor } {
  const what = 'tokenLogProbabilitiesAndEntropies';
  const [logProbabilities, entropies] = ofTokens(what, hidden, weight, targets, options, true);
  return { logProbabilities, entropies };
}

function ofTokens(
  what: string,
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: TokenLogProbabilityOptions | undefined,
  withEntropies: boolean,
): [Tensor, Tensor] {
  const { temperature = 1, chunk } = optionsOf(options, what, ['temperature', 'chunk']);
  const of = [handleOf(hidden, 'hidden'), handleOf(weight, 'weight'), handleOf(targets, 'targets')] as const;
  const bytes = hidden.device === 'cpu' ? chunkBytes.cpu : chunkBytes.cuda;
  const rows = chunk ?? Math.max(1, Math.floor(bytes / (4 * Math.max(weight.shape[0] ?? 1, 1))));
  const [first, second] = native().tokenLogProbabilities(...of, temperature, rows, withEntropies);
  return [new Tensor(first), new Tensor(second)];
}

/** How {@link sample} chooses. */
export interface SampleOptions {
  /** 0 takes the likeliest. */
  readonly temperature: number;
  /**
   * How many of the likeliest are chosen from; 0: all. Never more: of those that tie with the last one the smaller ids are taken,
   * also by `topP`, while transformers keeps all that tie.
   */
  readonly topK: number;
  /** The smallest set of the likeliest whose probabilities sum to it is chosen from; 1: all. */
  readonly topP: number;
  /** What logits of used tokens are divided by, or multiplied by where negative; 1 changes nothing. */
  readonly repetitionPenalty: number;
  /** (B, V) of uint8: 1 where a token was used. */
  readonly used?: Tensor;
  /** The seed of each row's random stream. */
  readonly seeds: readonly number[];
  /** How many numbers of its stream each row has drawn. */
  readonly positions: readonly number[];
}

const sampleOptions = [
  'temperature',
  'topK',
  'topP',
  'repetitionPenalty',
  'used',
  'seeds',
  'positions',
] as const;

/** What was drawn, one a row. */
export interface SampledTokens {
  readonly tokens: Int32Array;
  /** Of the tokens under the model: its logits as they are. */
  readonly logProbabilities: Float32Array;
  /** Under what was drawn from: after penalty, temperature, top-k and top-p. */
  readonly drawnLogProbabilities: Float32Array;
}

/**
 * A token for each row of `logits` (B, V): penalty, temperature, top-k and top-p, in that order as transformers has them. A
 * row's draw depends on its logits, seed and position alone, not on the other rows (Philox 4x32-10). Throws `BAD_ARGUMENT`,
 * and `NOT_FINITE` where logits hold NaN.
 */
export function sample(logits: Tensor, options: SampleOptions): SampledTokens {
  const { temperature, topK, topP, repetitionPenalty, used, seeds, positions } = optionsOf(
    options,
    'sample',
    sampleOptions,
  );
  if (!Array.isArray(seeds) || !Array.isArray(positions)) {
    throw new LibTorchError('BAD_ARGUMENT', 'sample: seeds and positions are lists');
  }
  return native().sample(
    handleOf(logits, 'logits'),
    optionalHandle(used, 'used'),
    temperature,
    topK,
    topP,
    repetitionPenalty,
    seeds,
    positions,
  );
}
