/**
 * Qwen2 on LibTorch, to be trained and to generate. Left out of the textbook transformer, as in the published models: dropout
 * and sliding windows. Batches are padded on the right, so that causal attention alone keeps padding from what counts.
 */
import {
  cat,
  embedding,
  linear,
  noGrad,
  ones,
  rmsNorm,
  scaledDotProductAttention,
  tokenLogProbabilities,
  type Tensor,
} from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import type { OnWork } from '../../work.ts';
import { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';
import type { CacheStep, KeyValueCache } from './key-value-cache.ts';
import { rotated, rotationOf, type Rotation } from './rotary.ts';
import { checkOpen, checkTokens } from './token-tensor.ts';
import { loadedWeights, type Placement, type WeightMap } from './weight-map.ts';

/** How a model is loaded. */
export interface Qwen2LoadOptions extends Partial<Placement> {
  /** Whether its weights are to be trained. Default false. */
  readonly isTrained?: boolean;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

interface Layer {
  readonly inputNorm: Tensor;
  readonly query: LinearWeights;
  readonly key: LinearWeights;
  readonly value: LinearWeights;
  readonly output: LinearWeights;
  readonly attentionNorm: Tensor;
  readonly gate: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

interface LinearWeights {
  readonly weight: Tensor;
  readonly bias?: Tensor;
}

/** Keys and values of a layer. Shape: (sequences, key-value heads, tokens, head size). */
export interface LayerState {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** A Qwen2 model whose weights are on one device. */
export class Qwen2Model {
  readonly config: Qwen2Config;
  readonly placement: Placement;
  /** By their names in a checkpoint, in {@link qwen2Tensors}' order. Where embeddings are tied there is no `lm_head.weight`. */
  readonly weights: WeightMap;
  readonly headSize: number;
  readonly #layers: readonly Layer[];
  #isClosed = false;
  #table: (Rotation & { readonly positions: number }) | undefined;

  /** A model of these weights, which it takes over. Throws `CORRUPT_FILE` where one is missing. */
  constructor(config: Qwen2Config, weights: WeightMap, placement: Placement) {
    this.config = config;
    this.weights = weights;
    this.placement = placement;
    this.headSize = config.hiddenSize / config.heads;
    this.#layers = Array.from({ length: config.layers }, (_, i) => this.#layer(`model.layers.${i}.`));
  }

  /**
   * The model of a checkpoint's folder. Throws what opening the checkpoint throws (`NOT_FOUND`, `UNSUPPORTED`, `CORRUPT_FILE`
   * for tensors that are missing, misshapen or hold NaN), `OUT_OF_MEMORY`, and `MISSING_PACKAGE` without LibTorch.
   */
  static async load(folder: string, options: Qwen2LoadOptions = {}): Promise<Qwen2Model> {
    const { dtype = 'float32', device = 'cpu', isTrained = false, signal, onWork } = options;
    const checkpoint = await Checkpoint.open(folder, signal);
    try {
      const weights = await loadedWeights(
        checkpoint.tensors,
        { dtype, device },
        { signal, onWork, what: folder },
      );
      if (isTrained) for (const weight of weights.values()) weight.requiresGrad_();
      return new Qwen2Model(checkpoint.config, weights, { dtype, device });
    } finally {
      await checkpoint.close();
    }
  }

  /** What an optimiser changes. */
  get parameters(): Tensor[] {
    return [...this.weights.values()];
  }

  /** The matrix from hidden states to logits. Shape: (vocabulary, hidden). */
  get head(): Tensor {
    checkOpen(this.#isClosed);
    return this.#weight(this.config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
  }

  /**
   * The last layer's hidden states, normed. `tokens`: (B, T) of int64, padded on the right with any token; what stands at a
   * padded place means nothing. Shape: (B, T, hidden).
   */
  hidden(tokens: Tensor): Tensor {
    checkTokens(tokens, 'hidden: tokens');
    const [, length] = tokens.shape;
    return this.#through(tokens, this.#rotation(0, length), (query, key, value) =>
      scaledDotProductAttention(query, key, value, { isCausal: true, isGrouped: this.#isGrouped }),
    );
  }

  /**
   * The hidden states of more tokens of one sequence (1, T), and the keys and values of all its tokens, `before` in front. Shape:
   * (1, T, hidden).
   */
  hiddenAfter(tokens: Tensor, before: readonly LayerState[]): { hidden: Tensor; states: LayerState[] } {
    const [, length] = tokens.shape;
    const past = before[0]?.keys.size(2) ?? 0;
    const states: LayerState[] = [];
    const seen =
      past === 0
        ? { isCausal: true }
        : {
            mask: ones([length, past + length], { dtype: 'bool', device: this.placement.device }).tril(past),
          };
    const hidden = this.#through(tokens, this.#rotation(past, length), (query, key, value, i) => {
      const keys = past === 0 ? key : cat([before[i].keys, key], 2);
      const values = past === 0 ? value : cat([before[i].values, value], 2);
      states.push({ keys, values });
      return scaledDotProductAttention(query, keys, values, { ...seen, isGrouped: this.#isGrouped });
    });
    return { hidden, states };
  }

  /**
   * The hidden states of one more token in each row of a cache, whose keys and values it keeps. `tokens`: (rows, 1). Shape:
   * (rows, 1, hidden).
   */
  hiddenOfNext(tokens: Tensor, cache: KeyValueCache): Tensor {
    const step = cache.nextStep();
    const { heads, keyValueHeads } = this.config;
    return this.#through(tokens, this.#rotationOfStep(step), (query, key, value, i) => {
      const [keys, values] = cache.append(i, key, value, step);
      // The heads of a group are so many queries of its one head of keys and values.
      const grouped = query.reshape([step.rows, keyValueHeads, heads / keyValueHeads, this.headSize]);
      return scaledDotProductAttention(grouped, keys, values, { mask: step.mask }).reshape([
        step.rows,
        heads,
        1,
        this.headSize,
      ]);
    });
  }

  /** Shape: (…, hidden) → (…, vocabulary), in the model's type. */
  logits(hidden: Tensor): Tensor {
    return linear(hidden, this.head);
  }

  /**
   * The log-probability of each token given those before it: of `tokens` (B, T), shape (B, T - 1), float32, differentiable. The
   * logits are made in chunks.
   */
  tokenLogProbabilities(tokens: Tensor, { temperature = 1 }: { readonly temperature?: number } = {}): Tensor {
    checkTokens(tokens, 'tokenLogProbabilities: tokens');
    const [rows, length] = tokens.shape;
    const { hiddenSize } = this.config;
    const hidden = this.hidden(tokens.narrow(1, 0, length - 1)).reshape([-1, hiddenSize]);
    const targets = tokens.narrow(1, 1, length - 1).reshape([-1]);
    return tokenLogProbabilities(hidden, this.head, targets, { temperature }).view([rows, length - 1]);
  }

  /** Frees the weights; what is asked of it then throws `USAGE`. */
  close(): void {
    this.#isClosed = true;
    for (const weight of this.weights.values()) weight.dispose();
    this.#table?.cos.dispose();
    this.#table?.sin.dispose();
    this.#table = undefined;
  }

  #through(
    tokens: Tensor,
    rotation: Rotation,
    attend: (query: Tensor, key: Tensor, value: Tensor, layer: number) => Tensor,
  ): Tensor {
    checkOpen(this.#isClosed);
    const [rows, length] = tokens.shape;
    const { hiddenSize, heads, keyValueHeads, normEpsilon } = this.config;
    const split = (x: Tensor, count: number): Tensor =>
      x.view([rows, length, count, this.headSize]).transpose(1, 2);
    let x = embedding(tokens, this.#weight('model.embed_tokens.weight'));
    for (const [i, layer] of this.#layers.entries()) {
      const normed = rmsNorm(x, layer.inputNorm, normEpsilon);
      const query = this.#turned(split(project(normed, layer.query), heads), rotation);
      const key = this.#turned(split(project(normed, layer.key), keyValueHeads), rotation);
      const value = split(project(normed, layer.value), keyValueHeads);
      const attended = attend(query, key, value, i).transpose(1, 2).reshape([rows, length, hiddenSize]);
      x = x.add(project(attended, layer.output));
      const after = rmsNorm(x, layer.attentionNorm, normEpsilon);
      x = x.add(project(project(after, layer.gate).silu().mul(project(after, layer.up)), layer.down));
    }
    return rmsNorm(x, this.#weight('model.norm.weight'), normEpsilon);
  }

  #turned(x: Tensor, rotation: Rotation): Tensor {
    const half = this.headSize / 2;
    return rotated(x, rotation, (each) =>
      cat([each.narrow(-1, half, half).neg(), each.narrow(-1, 0, half)], -1),
    );
  }

  /** Whether a head of keys and values is shared by several heads. */
  get #isGrouped(): boolean {
    return this.config.heads !== this.config.keyValueHeads;
  }

  /** The rotations of `length` places from `from` on. */
  #rotation(from: number, length: number): Rotation {
    const { cos, sin } = this.#tableOf(from + length);
    return { cos: cos.narrow(0, from, length), sin: sin.narrow(0, from, length) };
  }

  #rotationOfStep({ keys, rows, place }: CacheStep): Rotation {
    if (typeof place === 'number') return this.#rotation(place, 1);
    const { cos, sin } = this.#tableOf(keys);
    const chosen = (table: Tensor): Tensor =>
      table.indexSelect(0, place.position).view([rows, 1, 1, this.headSize]);
    return { cos: chosen(cos), sin: chosen(sin) };
  }

  #tableOf(positions: number): Rotation {
    const { config, placement } = this;
    if (positions > config.positions) {
      throw new QuernError(
        'BAD_INPUT',
        `${positions} tokens are more than the ${config.positions} positions of the model`,
      );
    }
    if (!this.#table || this.#table.positions < positions) {
      const wanted = Math.min(config.positions, Math.max(1024, 2 * positions));
      this.#table?.cos.dispose();
      this.#table?.sin.dispose();
      const { cos, sin } = noGrad(() => rotationOf(config, wanted, placement));
      this.#table = { cos: cos.keep(), sin: sin.keep(), positions: wanted };
    }
    return this.#table;
  }

  #weight(name: string): Tensor {
    const weight = this.weights.get(name);
    if (weight) return weight;
    throw new QuernError('CORRUPT_FILE', `the tensor ${name} is missing`);
  }

  #layer(prefix: string): Layer {
    const at = (name: string): Tensor => this.#weight(prefix + name);
    const biased = (name: string): LinearWeights => ({
      weight: at(`${name}.weight`),
      bias: at(`${name}.bias`),
    });
    const plain = (name: string): LinearWeights => ({ weight: at(`${name}.weight`) });
    return {
      inputNorm: at('input_layernorm.weight'),
      query: biased('self_attn.q_proj'),
      key: biased('self_attn.k_proj'),
      value: biased('self_attn.v_proj'),
      output: plain('self_attn.o_proj'),
      attentionNorm: at('post_attention_layernorm.weight'),
      gate: plain('mlp.gate_proj'),
      up: plain('mlp.up_proj'),
      down: plain('mlp.down_proj'),
    };
  }
}

function project(x: Tensor, { weight, bias }: LinearWeights): Tensor {
  return linear(x, weight, bias);
}
