/** Sequences of prompt and completion, in batches that memory has room for. */
import { tensor, type Device, type Tensor } from '@quern/libtorch';

/** What a model is trained on: a prompt, and the tokens that follow it. */
export interface Sequence {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
}

/** Sequences padded to one length. */
export interface SequenceBatch {
  /** All tokens but the last of each sequence, padded on the right. Shape: (B, T) of int64. */
  readonly tokens: Tensor;
  /** The places in B · T whose hidden states foretell a token of a completion, one sequence after the other. Shape: (N). */
  readonly places: Tensor;
  /** Those tokens. Shape: (N) of int64. */
  readonly targets: Tensor;
}

/** The batch of some sequences. */
export function sequenceBatch(sequences: readonly Sequence[], device: Device): SequenceBatch {
  const length = Math.max(...sequences.map(lengthOf));
  const tokens = new BigInt64Array(sequences.length * length);
  const places: number[] = [];
  const targets: number[] = [];
  for (const [row, { prompt, completion }] of sequences.entries()) {
    const start = row * length;
    for (const [i, token] of prompt.entries()) tokens[start + i] = BigInt(token);
    for (const [i, token] of completion.entries()) {
      if (i < completion.length - 1) tokens[start + prompt.length + i] = BigInt(token);
      places.push(start + prompt.length - 1 + i);
      targets.push(token);
    }
  }
  const numbers = (values: readonly number[]): Tensor =>
    tensor(BigInt64Array.from(values, BigInt), { device });
  return {
    tokens: tensor(tokens, { shape: [sequences.length, length], device }),
    places: numbers(places),
    targets: numbers(targets),
  };
}

/** The tokens of a sequence that go through the model. */
export function lengthOf({ prompt, completion }: Sequence): number {
  return prompt.length + completion.length - 1;
}

/**
 * Which sequences go through the model together: those of about one length, as many as come to at most `budget` tokens with their
 * padding. One that alone is longer is alone. The same for the same lengths, in no order that they came in.
 */
export function microBatches(lengths: readonly number[], budget: number): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const batches: number[][] = [];
  let longest = 0;
  for (const i of order) {
    const batch = batches.at(-1);
    if (batch && (batch.length + 1) * longest <= budget) {
      batch.push(i);
      continue;
    }
    batches.push([i]);
    longest = lengths[i];
  }
  return batches;
}
