/** Trying an addon as a user would: a step of training, and a look at every operator. */
import { AdamW } from '../adamw.ts';
import {
  arange,
  empty,
  eye,
  fromBytes,
  full,
  onesLike,
  rand,
  randn,
  tensor,
  zerosLike,
} from '../creation.ts';
import { LibTorchError } from '../errors.ts';
import {
  crossEntropy,
  dropout,
  embedding,
  layerNorm,
  linear,
  rmsNorm,
  sample,
  scaledDotProductAttention,
  tokenLogProbabilities,
} from '../functional.ts';
import { ops } from '../operators.ts';
import { Generator } from '../random.ts';
import { scope } from '../scope.ts';

/** Throws where the addon that is used lacks an operator of this package, or does not learn what a step teaches. */
export function tryAddon(): void {
  lookUpOperators();
  scope(() => {
    makeTensors();
    learn();
  });
}

/** Throws `UNSUPPORTED` with the first operator that LibTorch has not. */
function lookUpOperators(): void {
  for (const operator of Object.values(ops)) {
    try {
      // It is looked up, and then refuses to be called with nothing.
      operator();
    } catch (error) {
      if (!(error instanceof LibTorchError) || error.code !== 'BAD_ARGUMENT') throw error;
    }
  }
}

/** Calls every function that makes a tensor of numbers. */
function makeTensors(): void {
  const generator = new Generator(1);
  const made = [
    randn([2, 2], { generator }),
    rand([2, 2], { generator }),
    eye(2),
    full([2, 2], 1),
    empty([2, 2]),
    fromBytes(new Float32Array(4), [2, 2], 'float32'),
  ];
  for (const each of made) {
    const same = zerosLike(each).add(onesLike(each)).sum().item();
    if (same !== 4) throw new Error(`four ones have the sum ${same}`);
  }
  generator.dispose();
}

/** One step of a small model of language: embedding, attention, norms, and the next token as what is to be learnt. */
function learn(): void {
  const [words, width] = [8, 4];
  const generator = new Generator(1);
  const weight = (shape: number[]) => randn(shape, { generator }).requiresGrad_();
  const [table, gain, projection, bias] = [[words, width], [width], [words, width], [words]].map(weight);
  const tokens = tensor([1, 2, 3, 4, 5, 6], { dtype: 'int64' });
  const targets = arange(2, 8);
  const hidden = () => {
    const x = layerNorm(embedding(tokens, table)).view([1, 2, 3, width]);
    const attended = scaledDotProductAttention(x, x, x, { isCausal: true }).view([6, width]);
    return rmsNorm(dropout(attended, 0, true), gain);
  };
  const loss = () => crossEntropy(linear(hidden(), projection, bias), targets);
  const optimizer = new AdamW([table, gain, projection, bias], { learningRate: 0.01 });
  const before = loss();
  before.backward();
  optimizer.step();
  const [was, is] = [before.item(), loss().item()];
  if (!(is < was)) throw new Error(`a step of training took the loss from ${was} to ${is}`);
  const mean = tokenLogProbabilities(hidden(), projection, targets).mean().item();
  if (!(mean < 0)) throw new Error(`log probabilities have the mean ${mean}`);
  const { tokens: drawn } = sample(eye(words).mul(100), {
    temperature: 1,
    topK: 0,
    topP: 1,
    repetitionPenalty: 1,
    seeds: Array.from({ length: words }, (_, row) => row),
    positions: Array.from({ length: words }, () => 0),
  });
  if (drawn.some((token, row) => token !== row))
    throw new Error(`of sure tokens ${drawn.join(' ')} were drawn`);
  optimizer.dispose();
  generator.dispose();
}
