/** One more token of each sequence through a whole decoder, on the processor. */
import { LibTorchError } from './errors.ts';
import { native } from './native.ts';
import { optionsOf } from './options.ts';
import { handleOf, optionalHandle, Tensor } from './tensor.ts';

/** A layer of a decoder as Qwen2 has it; all float32. With H of hidden states, d of a head and I of the gated network: */
export interface DecoderLayer {
  /** (H) */
  readonly inputNorm: Tensor;
  /** Queries, keys and values, in that order: ((heads + 2 · keyValueHeads) · d, H). */
  readonly attention: Tensor;
  /** ((heads + 2 · keyValueHeads) · d) */
  readonly attentionBias?: Tensor;
  /** (H, heads · d) */
  readonly output: Tensor;
  /** (H) */
  readonly attentionNorm: Tensor;
  /** Gate and up, in that order: (2 I, H). */
  readonly network: Tensor;
  /** (H, I) */
  readonly down: Tensor;
  /** Caches: (at least the sequences, keyValueHeads, capacity, d), row by row in memory. */
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** What {@link decoderStep} needs beside the layers. */
export interface DecoderStepOptions {
  readonly layers: readonly DecoderLayer[];
  /** (H) */
  readonly finalNorm: Tensor;
  /** (V, H) */
  readonly head: Tensor;
  /** Of positions: (at least the longest sequence, d); halves alike, the first half of the sines negated. */
  readonly cos: Tensor;
  readonly sin: Tensor;
  /** How many tokens each sequence has in the caches. */
  readonly lengths: readonly number[];
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly epsilon: number;
}

const stepOptions = [
  'layers',
  'finalNorm',
  'head',
  'cos',
  'sin',
  'lengths',
  'heads',
  'keyValueHeads',
  'epsilon',
] as const;

/**
 * The logits of one more token of each sequence, by its embedding `x` (B, H); its keys and values are written into the caches,
 * at the place after those that are there. Shape: (B, V) of float32, not differentiable. Matrices may lie in memory in either
 * order; (in, out) is the faster one. Each of LibTorch's threads takes some of the sequences through all layers. Throws
 * `BAD_ARGUMENT` for shapes that do not fit, another type or device.
 */
export function decoderStep(x: Tensor, options: DecoderStepOptions): Tensor {
  const { layers, finalNorm, head, cos, sin, lengths, heads, keyValueHeads, epsilon } = optionsOf(
    options,
    'decoderStep',
    stepOptions,
  );
  if (!Array.isArray(layers) || !Array.isArray(lengths)) {
    throw new LibTorchError('BAD_ARGUMENT', 'decoderStep: layers and lengths are lists');
  }
  return new Tensor(
    native().decoderStep(
      handleOf(x, 'decoderStep: x'),
      layers.flatMap((layer: DecoderLayer) => [
        handleOf(layer?.inputNorm, 'decoderStep: inputNorm'),
        handleOf(layer.attention, 'decoderStep: attention'),
        optionalHandle(layer.attentionBias, 'decoderStep: attentionBias'),
        handleOf(layer.output, 'decoderStep: output'),
        handleOf(layer.attentionNorm, 'decoderStep: attentionNorm'),
        handleOf(layer.network, 'decoderStep: network'),
        handleOf(layer.down, 'decoderStep: down'),
        handleOf(layer.keys, 'decoderStep: keys'),
        handleOf(layer.values, 'decoderStep: values'),
      ]),
      handleOf(finalNorm, 'decoderStep: finalNorm'),
      handleOf(head, 'decoderStep: head'),
      handleOf(cos, 'decoderStep: cos'),
      handleOf(sin, 'decoderStep: sin'),
      lengths,
      heads,
      keyValueHeads,
      epsilon,
    ),
  );
}
