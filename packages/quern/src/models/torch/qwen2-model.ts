/**
 * Qwen2 on LibTorch, to be trained and to generate. Left out of the textbook transformer, as in the published models: dropout
 * and sliding windows. Batches are padded on the right, so that causal attention alone keeps padding from what counts.
 */
import {
  autocast,
  cat,
  decoderStep,
  embedding,
  enableGrad,
  linear,
  noGrad,
  ones,
  rmsNorm,
  scaledDotProductAttention,
  scope,
  tokenLogProbabilities,
  type Dtype,
  type Tensor,
} from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import type { OnWork } from '../../work.ts';
import { partsIn, type CheckpointParts } from '../checkpoint-parts.ts';
import { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';
import type { CacheStep, KeyValueCache } from './key-value-cache.ts';
import {
  joinedLayer,
  layerOutput,
  matricesOf,
  type Attend,
  type Layer,
  type LinearAdapter,
  type LinearWeights,
} from './qwen2-layer.ts';
import { MergedAdapters } from './merged-adapters.ts';
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

/** Keys and values of a layer. Shape: (sequences, key-value heads, tokens, head size). */
export interface LayerState {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Hidden states whose layers are computed again in the backward pass, so that little is kept of them (Chen et al. 2016). */
export interface CheckpointedHidden {
  /** Shape: (B, T, hidden). */
  readonly hidden: Tensor;
  /** Takes the gradients that a backward pass left at the last layer's output to all weights; once, outside of autocast. */
  readonly backward: () => void;
}

/** A Qwen2 model whose weights are on one device. */
export class Qwen2Model {
  readonly config: Qwen2Config;
  readonly placement: Placement;
  /** By their names in a checkpoint, in the order of the layers. Where embeddings are tied there is no `lm_head.weight`. */
  weights: WeightMap;
  readonly headSize: number;
  readonly #layers: Layer[];
  readonly #joined: Tensor[] = [];
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
   * The model of a checkpoint's folder, or of an adapter's merged into its checkpoint. Throws what
   * finding and opening the checkpoint throw (`NOT_FOUND`, `UNSUPPORTED`, `CORRUPT_FILE` for tensors that are missing, misshapen or
   * hold NaN), `OUT_OF_MEMORY`, and `MISSING_PACKAGE` without LibTorch.
   */
  static async load(from: string | CheckpointParts, options: Qwen2LoadOptions = {}): Promise<Qwen2Model> {
    const { dtype = 'float32', device = 'cpu', stream, isTrained = false, signal, onWork } = options;
    const { folder, adapters } = typeof from === 'string' ? await partsIn(from, { signal, onWork }) : from;
    const checkpoint = await Checkpoint.open(folder, signal);
    let merged: MergedAdapters | undefined;
    try {
      merged = await MergedAdapters.load(adapters, checkpoint.tensors, { device, signal });
      const tensors = checkpoint.tensors.map(({ name, weight }) => ({
        name,
        weight,
        change: merged?.changeOf(name),
      }));
      const weights = await loadedWeights(tensors, { dtype, device }, { signal, onWork, what: folder });
      if (stream !== undefined) inStreamType(weights, stream);
      if (isTrained) for (const weight of weights.values()) weight.requiresGrad_();
      return new Qwen2Model(checkpoint.config, weights, { dtype, device, stream });
    } finally {
      merged?.dispose();
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
    const rotation = this.#rotation(0, tokens.size(1));
    let x = this.#embedded(tokens);
    for (let i = 0; i < this.#layers.length; i++) {
      // Handles would keep what a backward pass has no need of.
      const before = x;
      x = scope(() => this.#through(before, i, rotation, this.#attendBefore));
    }
    return this.#normed(x);
  }

  /**
   * {@link hidden}, keeping what went into each layer alone. Operations within are recorded whatever is around; `compute` is the
   * type of matrix products (autocast), by default the model's own.
   */
  hiddenCheckpointed(tokens: Tensor, compute?: 'bfloat16' | 'float16'): CheckpointedHidden {
    checkTokens(tokens, 'hiddenCheckpointed: tokens');
    const rotation = this.#rotation(0, tokens.size(1));
    const within = <T>(work: () => T): T =>
      compute === undefined ? work() : autocast(compute, work, this.placement.device);
    // What a layer makes on its way is freed when it is through, but for what its graph needs.
    const throughLayer = (x: Tensor, i: number): Tensor =>
      scope(() => within(() => this.#through(x, i, rotation, this.#attendBefore)));
    const { inputs, last } = scope(() =>
      noGrad(() => {
        let x = within(() => this.#embedded(tokens));
        const made: Tensor[] = [];
        for (let i = 0; i < this.#layers.length; i++) {
          made.push(x);
          x = throughLayer(x, i);
        }
        return { inputs: made, last: x };
      }),
    );
    const end = last.detach().requiresGrad_();
    const hidden = enableGrad(() => within(() => this.#normed(end)));
    const backward = (): void => {
      let gradient = end.grad;
      if (gradient) end.grad = undefined;
      for (let i = this.#layers.length - 1; i >= 0 && gradient; i--) {
        const above: Tensor = gradient;
        gradient = scope(() => {
          const input = inputs[i].detach().requiresGrad_();
          enableGrad(() => throughLayer(input, i)).backward(above);
          return input.grad;
        });
        above.dispose();
        inputs[i].dispose();
      }
      const table = this.#weight('model.embed_tokens.weight');
      if (!gradient || !table.requiresGrad) return;
      const of = gradient;
      scope(() => enableGrad(() => this.#embedded(tokens)).backward(of));
    };
    return { hidden, backward };
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
    const hidden = this.#all(tokens, this.#rotation(past, length), (i) => (query, key, value) => {
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
    return this.#all(tokens, this.#rotationOfStep(step), (i) => (query, key, value) => {
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

  /**
   * The logits of one more token in each row of a cache, whose keys and values it keeps. `tokens`: (rows, 1). Shape: (rows,
   * vocabulary). A joined model in float32 on the processor takes one call for it.
   */
  logitsOfNext(tokens: Tensor, cache: KeyValueCache): Tensor {
    const { config, placement } = this;
    const { heads, keyValueHeads, vocabularySize } = config;
    if (
      placement.device !== 'cpu' ||
      placement.dtype !== 'float32' ||
      !this.#layers.every(({ joined }) => joined)
    ) {
      return this.logits(this.hiddenOfNext(tokens, cache)).view([-1, vocabularySize]);
    }
    const lengths = cache.nextLengths();
    const { cos, sin } = this.#tableOf(Math.max(...lengths) + 1);
    return decoderStep(this.#embedded(tokens).view([-1, config.hiddenSize]), {
      layers: this.#layers.map(({ joined, ...layer }, i) => ({
        ...cache.layer(i),
        inputNorm: layer.inputNorm,
        attention: joined!.attention.weight,
        attentionBias: joined!.attention.bias,
        output: layer.output.weight,
        attentionNorm: layer.attentionNorm,
        network: joined!.network.weight,
        down: layer.down.weight,
      })),
      finalNorm: this.#weight('model.norm.weight'),
      head: this.head,
      cos,
      sin,
      lengths,
      heads,
      keyValueHeads,
      epsilon: config.normEpsilon,
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

  /**
   * Has matrices that take the same values lie in one tensor, so that generating makes fewer products; on the processor input by
   * input, which makes products of few rows faster. The weights are then parts of those: their values can be changed in place. Not
   * for a model that is trained or adapted. Where memory ends, the layers before are joined and the model is as good as it was.
   */
  join(): this {
    const byInput = this.placement.device === 'cpu';
    for (const [i, layer] of this.#layers.entries()) {
      if (layer.joined) continue;
      const { layer: joined, now, wholes } = scope(() => noGrad(() => joinedLayer(layer, byInput)));
      for (const tensor of [...now.values(), ...wholes]) tensor.keep();
      this.#joined.push(...wholes);
      this.#layers[i] = joined;
      this.weights = new Map(Array.from(this.weights, ([name, weight]) => [name, now.get(weight) ?? weight]));
      for (const before of now.keys()) before.dispose();
    }
    return this;
  }

  /**
   * Has the matrices that `adapters` names (as in a checkpoint, without `.weight`) be changed by them, the others not; an empty
   * map takes all away. The adapters are the caller's. Throws `USAGE` for a model that was joined.
   */
  adapt(adapters: ReadonlyMap<string, LinearAdapter>): void {
    if (this.#joined.length > 0) {
      throw new QuernError('USAGE', 'a model that was joined takes no adapters');
    }
    for (const layer of this.#layers) {
      for (const matrix of matricesOf(layer)) matrix.adapter = adapters.get(matrix.name);
    }
  }

  /** Frees the weights; what is asked of it then throws `USAGE`. */
  close(): void {
    this.#isClosed = true;
    for (const weight of this.weights.values()) weight.dispose();
    for (const whole of this.#joined.splice(0)) whole.dispose();
    this.#table?.cos.dispose();
    this.#table?.sin.dispose();
    this.#table = undefined;
  }

  /** Each query attends to the keys up to its own place. */
  readonly #attendBefore: Attend = (query, key, value) =>
    scaledDotProductAttention(query, key, value, { isCausal: true, isGrouped: this.#isGrouped });

  #all(tokens: Tensor, rotation: Rotation, attending: (layer: number) => Attend): Tensor {
    let x = this.#embedded(tokens);
    for (let i = 0; i < this.#layers.length; i++) x = this.#through(x, i, rotation, attending(i));
    return this.#normed(x);
  }

  /** Shape: (B, T) → (B, T, hidden). */
  #embedded(tokens: Tensor): Tensor {
    checkOpen(this.#isClosed);
    const x = embedding(tokens, this.#weight('model.embed_tokens.weight'));
    const { stream } = this.placement;
    return stream === undefined || stream === x.dtype ? x : x.to(stream);
  }

  #through(x: Tensor, i: number, rotation: Rotation, attend: Attend): Tensor {
    return layerOutput(x, this.#layers[i], this.config, { turn: (each) => rotated(each, rotation), attend });
  }

  #normed(x: Tensor): Tensor {
    return rmsNorm(x, this.#weight('model.norm.weight'), this.config.normEpsilon);
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
      this.#table = undefined;
      const dtype = placement.stream ?? placement.dtype;
      const { cos, sin } = noGrad(() => rotationOf(config, wanted, { dtype, device: placement.device }));
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
    const plain = (name: string): LinearWeights => ({ name: prefix + name, weight: at(`${name}.weight`) });
    const biased = (name: string): LinearWeights => ({ ...plain(name), bias: at(`${name}.bias`) });
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

/** Norms take values and weights of one type; so the weights that are no matrices get that of the stream. */
function inStreamType(weights: Map<string, Tensor>, stream: Dtype): void {
  for (const [name, weight] of weights) {
    if (weight.dim !== 1 || weight.dtype === stream) continue;
    weights.set(name, weight.to(stream).keep());
    weight.dispose();
  }
}
