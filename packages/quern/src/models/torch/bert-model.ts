/** BERT's encoder on LibTorch (Devlin et al. 2019), for embeddings: without dropout. */
import {
  arange,
  embedding,
  layerNorm,
  linear,
  scaledDotProductAttention,
  tensor,
  type Tensor,
} from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import type { OnWork } from '../../work.ts';
import { BertCheckpoint } from '../checkpoint/bert-checkpoint.ts';
import type { BertConfig } from '../checkpoint/bert-config.ts';
import { addedMask, checkOpen, checkTokens } from './token-tensor.ts';
import { loadedWeights, type Placement, type WeightMap } from './weight-map.ts';

/** An encoder whose weights are on one device. */
export class BertModel {
  readonly config: BertConfig;
  readonly placement: Placement;
  /** By their names in a checkpoint, without a prefix. A pooler is held for saving alone: embeddings do not need it. */
  readonly weights: WeightMap;
  #isClosed = false;

  constructor(config: BertConfig, weights: WeightMap, placement: Placement) {
    this.config = config;
    this.weights = weights;
    this.placement = placement;
  }

  /**
   * The encoder of a checkpoint's folder, float32 on the processor unless told otherwise. Throws what opening the checkpoint
   * throws, `OUT_OF_MEMORY`, and `MISSING_PACKAGE` without LibTorch.
   */
  static async load(
    folder: string,
    options: Partial<Placement> & { readonly signal?: AbortSignal; readonly onWork?: OnWork } = {},
  ): Promise<BertModel> {
    const { dtype = 'float32', device = 'cpu', signal, onWork } = options;
    const checkpoint = await BertCheckpoint.open(folder, signal);
    try {
      const placement = { dtype, device };
      const weights = await loadedWeights(checkpoint.tensors, placement, { signal, onWork, what: folder });
      return new BertModel(checkpoint.config, weights, placement);
    } finally {
      await checkpoint.close();
    }
  }

  /**
   * The last layer's hidden states. `tokens` and `types` are (B, T) of int64, padded on the right; `lengths` are the rows' own
   * tokens, padding is not attended to. Shape: (B, T, hidden).
   */
  hidden(tokens: Tensor, types: Tensor, lengths: readonly number[]): Tensor {
    checkOpen(this.#isClosed);
    checkTokens(tokens, 'hidden: tokens');
    checkTokens(types, 'hidden: types');
    if (!Array.isArray(lengths) || lengths.length !== tokens.shape[0]) {
      throw new QuernError('USAGE', 'hidden: lengths are as many numbers as there are rows of tokens');
    }
    const [rows, length] = tokens.shape;
    const { hiddenSize, heads, layers, normEpsilon, activation } = this.config;
    const { device } = this.placement;
    const at = (name: string): Tensor => this.weights.get(name)!;
    const dense = (x: Tensor, name: string): Tensor => linear(x, at(`${name}.weight`), at(`${name}.bias`));
    const normed = (x: Tensor, name: string): Tensor =>
      layerNorm(x, at(`${name}.weight`), at(`${name}.bias`), normEpsilon);
    const split = (x: Tensor): Tensor => x.view([rows, length, heads, hiddenSize / heads]).transpose(1, 2);
    const activated = (x: Tensor): Tensor =>
      activation === 'relu' ? x.relu() : x.gelu(activation === 'gelu' ? 'none' : 'tanh');
    const mask = this.#mask(lengths, length);
    let x = normed(
      embedding(tokens, at('embeddings.word_embeddings.weight'))
        .add(embedding(types, at('embeddings.token_type_embeddings.weight')))
        .add(embedding(arange(0, length, 1, { device }), at('embeddings.position_embeddings.weight'))),
      'embeddings.LayerNorm',
    );
    for (let i = 0; i < layers; i++) {
      const layer = `encoder.layer.${i}`;
      const self = `${layer}.attention.self`;
      const attended = scaledDotProductAttention(
        split(dense(x, `${self}.query`)),
        split(dense(x, `${self}.key`)),
        split(dense(x, `${self}.value`)),
        { mask },
      );
      const joined = attended.transpose(1, 2).reshape([rows, length, hiddenSize]);
      x = normed(
        x.add(dense(joined, `${layer}.attention.output.dense`)),
        `${layer}.attention.output.LayerNorm`,
      );
      const inner = activated(dense(x, `${layer}.intermediate.dense`));
      x = normed(x.add(dense(inner, `${layer}.output.dense`)), `${layer}.output.LayerNorm`);
    }
    return x;
  }

  /** Frees the weights; what is asked of it then throws `USAGE`. */
  close(): void {
    this.#isClosed = true;
    for (const weight of this.weights.values()) weight.dispose();
  }

  /** What is added to the scores. Shape: (B, 1, 1, T); undefined where no row is padded. */
  #mask(lengths: readonly number[], length: number): Tensor | undefined {
    if (lengths.every((each) => each === length)) return undefined;
    const { device } = this.placement;
    const ends = tensor(BigInt64Array.from(lengths, BigInt), { device }).view([-1, 1, 1, 1]);
    const seen = arange(0, length, 1, { device }).view([1, 1, 1, length]).lt(ends);
    return addedMask(seen, this.placement);
  }
}
