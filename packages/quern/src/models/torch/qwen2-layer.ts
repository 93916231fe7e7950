/** A layer of Qwen2: attention, then the gated network, each on normed values and added to what came in. */
import { linear, rmsNorm, type Tensor } from '@quern/libtorch';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';

/** A matrix, with what is added to its products. */
export interface LinearWeights {
  /** Its name in a checkpoint, without `.weight`. */
  readonly name: string;
  readonly weight: Tensor;
  readonly bias?: Tensor;
  /** A low-rank change of the matrix that is trained in its place: + scale · B A (LoRA, Hu et al. 2021). */
  adapter?: LinearAdapter;
}

/** Shape: a (rank, in), b (out, rank). */
export interface LinearAdapter {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scale: number;
}

/** The weights of a layer. */
export interface Layer {
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

/** The matrices of a layer, in the order of a checkpoint. */
export function matricesOf({ query, key, value, output, gate, up, down }: Layer): LinearWeights[] {
  return [query, key, value, output, gate, up, down];
}

/** How queries, keys and values of shape (B, heads, T, head size), not turned yet, become what is attended to, of that shape. */
export type Attend = (query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** Shape: (B, T, hidden) → (B, T, hidden). */
export function layerOutput(
  x: Tensor,
  layer: Layer,
  { hiddenSize, heads, keyValueHeads, normEpsilon }: Qwen2Config,
  attend: Attend,
): Tensor {
  const [rows, length] = x.shape;
  const split = (projected: Tensor, count: number): Tensor =>
    projected.view([rows, length, count, hiddenSize / heads]).transpose(1, 2);
  const normed = rmsNorm(x, layer.inputNorm, normEpsilon);
  const attended = attend(
    split(project(normed, layer.query), heads),
    split(project(normed, layer.key), keyValueHeads),
    split(project(normed, layer.value), keyValueHeads),
  );
  const joined = attended.transpose(1, 2).reshape([rows, length, hiddenSize]);
  const between = x.add(project(joined, layer.output));
  const after = rmsNorm(between, layer.attentionNorm, normEpsilon);
  return between.add(project(project(after, layer.gate).silu().mul(project(after, layer.up)), layer.down));
}

function project(x: Tensor, { weight, bias, adapter }: LinearWeights): Tensor {
  const plain = linear(x, weight, bias);
  if (!adapter) return plain;
  return plain.add(linear(linear(x, adapter.a), adapter.b).mul(adapter.scale));
}
