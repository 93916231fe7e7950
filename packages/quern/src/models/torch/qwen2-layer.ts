/** A layer of Qwen2: attention, then the gated network, each on normed values and added to what came in. */
import { cat, linear, rmsNorm, type Tensor } from '@quern/libtorch';
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
  /** Matrices that take the same values lie in one tensor: a step of generation is fewer, larger products then. */
  readonly joined?: JoinedMatrices;
}

/** Queries, keys and values; gate and up. */
export interface JoinedMatrices {
  readonly attention: LinearWeights;
  readonly network: LinearWeights;
}

/** The matrices of a layer, in the order of a checkpoint. */
export function matricesOf({ query, key, value, output, gate, up, down }: Layer): LinearWeights[] {
  return [query, key, value, output, gate, up, down];
}

/** Queries and keys of shape (B, heads, T, head size) turned to their positions. */
export type Turn = (x: Tensor) => Tensor;

/** How turned queries and keys, and values, of shape (B, heads, T, head size) become what is attended to, of that shape. */
export type Attend = (query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** Shape: (B, T, hidden) → (B, T, hidden). */
export function layerOutput(
  x: Tensor,
  layer: Layer,
  config: Qwen2Config,
  { turn, attend }: { readonly turn: Turn; readonly attend: Attend },
): Tensor {
  const [rows, length] = x.shape;
  const { hiddenSize, normEpsilon } = config;
  const normed = rmsNorm(x, layer.inputNorm, normEpsilon);
  const attended = attend(...attentionInputs(normed, layer, config, turn));
  const together = attended.transpose(1, 2).reshape([rows, length, hiddenSize]);
  const between = x.add(project(together, layer.output));
  const after = rmsNorm(between, layer.attentionNorm, normEpsilon);
  return between.add(project(gated(after, layer), layer.down));
}

function attentionInputs(
  normed: Tensor,
  layer: Layer,
  { hiddenSize, heads, keyValueHeads }: Qwen2Config,
  turn: Turn,
): [query: Tensor, key: Tensor, value: Tensor] {
  const [rows, length] = normed.shape;
  const size = hiddenSize / heads;
  const split = (projected: Tensor, count: number): Tensor =>
    projected.view([rows, length, count, size]).transpose(1, 2);
  if (!layer.joined) {
    return [
      turn(split(project(normed, layer.query), heads)),
      turn(split(project(normed, layer.key), keyValueHeads)),
      split(project(normed, layer.value), keyValueHeads),
    ];
  }
  const all = split(project(normed, layer.joined.attention), heads + 2 * keyValueHeads);
  const turned = turn(all.narrow(1, 0, heads + keyValueHeads));
  return [
    turned.narrow(1, 0, heads),
    turned.narrow(1, heads, keyValueHeads),
    all.narrow(1, heads + keyValueHeads, keyValueHeads),
  ];
}

/** Shape: (B, T, hidden) → (B, T, intermediate). */
function gated(x: Tensor, layer: Layer): Tensor {
  if (!layer.joined) return project(x, layer.gate).silu().mul(project(x, layer.up));
  const both = project(x, layer.joined.network);
  const size = both.size(-1) / 2;
  return both
    .narrow(-1, 0, size)
    .silu()
    .mul(both.narrow(-1, size, size));
}

function project(x: Tensor, { weight, bias, adapter }: LinearWeights): Tensor {
  const plain = linear(x, weight, bias);
  if (!adapter) return plain;
  return plain.add(linear(linear(x, adapter.a), adapter.b).mul(adapter.scale));
}

/** A layer of {@link joinedLayer}, and what its weights are now. */
export interface JoinedLayer {
  readonly layer: Layer;
  /** Parts of matrices that were joined, and matrices laid out anew, by what they were before. */
  readonly now: ReadonlyMap<Tensor, Tensor>;
  /** What the parts are parts of. */
  readonly wholes: readonly Tensor[];
}

/**
 * A layer whose matrices that take the same values lie in one tensor. `byInput`: all matrices lie in memory input by input, their
 * shapes are the same. Within a scope.
 */
export function joinedLayer(layer: Layer, byInput: boolean): JoinedLayer {
  const { query, key, value, output, gate, up, down } = layer;
  const now = new Map<Tensor, Tensor>();
  const wholes: Tensor[] = [];
  const laidOut = (matrix: Tensor): Tensor => (byInput ? matrix.t().contiguous().t() : matrix);
  const joined = (tensors: readonly Tensor[]): Tensor => {
    const whole = tensors[0].dim === 2 ? laidOut(cat(tensors)) : cat(tensors);
    let from = 0;
    for (const each of tensors) {
      now.set(each, whole.narrow(0, from, each.size(0)));
      from += each.size(0);
    }
    wholes.push(whole);
    return whole;
  };
  const alone = (matrix: LinearWeights): LinearWeights => {
    if (!byInput) return matrix;
    const weight = laidOut(matrix.weight);
    now.set(matrix.weight, weight);
    return { ...matrix, weight };
  };
  const part = ({ name, weight, bias }: LinearWeights): LinearWeights => ({
    name,
    weight: now.get(weight) as Tensor,
    ...(bias && { bias: now.get(bias) }),
  });
  const biases = [query, key, value].flatMap(({ bias }) => bias ?? []);
  const attention: LinearWeights = {
    name: 'attention',
    weight: joined([query, key, value].map(({ weight }) => weight)),
    ...(biases.length > 0 && { bias: joined(biases) }),
  };
  const network: LinearWeights = { name: 'network', weight: joined([gate.weight, up.weight]) };
  return {
    layer: {
      ...layer,
      query: part(query),
      key: part(key),
      value: part(value),
      output: alone(output),
      gate: part(gate),
      up: part(up),
      down: alone(down),
      joined: { attention, network },
    },
    now,
    wholes,
  };
}
