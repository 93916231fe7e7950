/** Supervised fine-tuning on pairs of question and reasoned query: what reinforcement learning begins with. */
import { join } from 'node:path';
import { noGrad, scope, tensor, tokenLogProbabilities, type Tensor } from '@quern/libtorch';
import { openTextTokenizer, Qwen2Model, saveModel, type TextTokenizer } from 'quern/torch';
import { completionTokens, promptTokens } from './chat.js';
import type { Pair } from './data.js';
import { inMixedPrecision, Optimiser, type OptimiserSettings } from './optimisation.js';
import { numbersFrom, shuffled } from './random.js';
import type { ModelName } from './shapes.js';
import { readJsonl } from './textbooks.js';

export interface WarmStartSettings extends Omit<OptimiserSettings, 'steps'> {
  readonly device: string;
  readonly seed: number;
  /** Times that all pairs are seen; then those that were recorded are seen so often alone. */
  readonly epochs: number;
  readonly recordedEpochs: number;
  /** Pairs a step. */
  readonly rows: number;
  readonly logEvery: number;
}

const common = {
  seed: 1,
  epochs: 1,
  recordedEpochs: 2,
  warmup: 0.05,
  least: 0.1,
  weightDecay: 0.1,
  betas: [0.9, 0.95],
  mostNorm: 1,
  logEvery: 20,
} as const;

export const warmStartSettings: Record<ModelName, WarmStartSettings> = {
  small: { ...common, device: 'cpu', rows: 16, learningRate: 1e-3 },
  medium: { ...common, device: 'cuda', rows: 32, learningRate: 5e-4 },
};

/** A pair's tokens and where its completion begins. */
interface Example {
  readonly tokens: readonly number[];
  readonly from: number;
}

/** Trains the model of the folder `from` and writes that of the folder `to`, in float32. */
export async function warmStart(
  from: string,
  to: string,
  data: string,
  settings: WarmStartSettings,
): Promise<void> {
  const { device } = settings;
  const texts = await openTextTokenizer(from);
  const pairs = await readJsonl<Pair>(join(data, 'sft.jsonl'));
  const validation = await readJsonl<Pair>(join(data, 'sft-validation.jsonl'));
  const model = await Qwen2Model.load(from, { device, isTrained: true });
  trainOnPairs(model, { texts, pairs, validation }, settings);
  await saveModel(model, to, { from, dtype: 'float32' });
  model.close();
}

/** Trains a model in place. The loss is that of completions' tokens alone; returns that on `validation`, in nats a token. */
export function trainOnPairs(
  model: Qwen2Model,
  {
    texts,
    pairs,
    validation,
  }: { readonly texts: TextTokenizer; readonly pairs: readonly Pair[]; readonly validation: readonly Pair[] },
  settings: WarmStartSettings,
): number {
  const { device, seed, epochs, recordedEpochs, rows, logEvery } = settings;
  const exampleOf = ({ question, reasoned }: Pair): Example => {
    const prompt = promptTokens(texts, question);
    return { tokens: [...prompt, ...completionTokens(texts, reasoned)], from: prompt.length };
  };
  const padding = model.config.paddingToken ?? 0;
  const all = pairs.map(exampleOf);
  const recorded = all.filter((_, i) => pairs[i].source === 'recorded');
  const passes = Array.from({ length: epochs + recordedEpochs }, (_, pass) =>
    batchesOf(pass < epochs ? all : recorded, rows, seed * 1000 + pass),
  );
  const batches = passes.flat();
  const ends = new Set(passes.map((_, pass) => passes.slice(0, pass + 1).flat().length));
  const held = inOrderOfLength(validation.map(exampleOf), rows);
  const measured = (): number => {
    const parts = held.map((examples) =>
      scope(() => noGrad(() => sumOfLosses(model, examples, padding, device).item())),
    );
    return (
      parts.reduce((sum, part) => sum + part, 0) / held.flat().reduce((sum, each) => sum + written(each), 0)
    );
  };
  const optimiser = new Optimiser(model, { ...settings, steps: batches.length });
  let after = measured();
  console.log(`${pairs.length} pairs, ${batches.length} steps; validation loss before ${after.toFixed(3)}`);
  let losses: Tensor[] = [];
  let began = performance.now();
  let seen = 0;
  for (const [step, examples] of batches.entries()) {
    const count = examples.reduce((sum, each) => sum + written(each), 0);
    seen += examples.reduce((sum, { tokens }) => sum + tokens.length, 0);
    losses.push(optimiser.step(step, () => sumOfLosses(model, examples, padding, device).div(count)).keep());
    const isEnd = ends.has(step + 1);
    if ((step + 1) % logEvery !== 0 && !isEnd) continue;
    const loss = losses.reduce((sum, each) => sum + each.item(), 0) / losses.length;
    for (const each of losses) each.dispose();
    losses = [];
    const speed = (1000 * seen) / (performance.now() - began);
    console.log(
      `step ${step + 1}: loss ${loss.toFixed(3)}, norm ${optimiser.norm.toFixed(2)}, ${speed.toFixed(0)} tokens/s`,
    );
    if (isEnd) {
      after = measured();
      console.log(`  validation loss ${after.toFixed(3)}`);
    }
    if (!Number.isFinite(loss)) throw new Error('the loss is no number');
    began = performance.now();
    seen = 0;
  }
  optimiser.dispose();
  return after;
}

function written({ tokens, from }: Example): number {
  return tokens.length - from;
}

/** Batches of examples that are about equally long, in any order. */
function batchesOf(examples: readonly Example[], rows: number, seed: number): Example[][] {
  const mixed = shuffled(examples, seed);
  const next = numbersFrom(seed);
  const pools: Example[][] = [];
  for (let at = 0; at < mixed.length; at += 16 * rows) pools.push(mixed.slice(at, at + 16 * rows));
  return shuffled(
    pools.flatMap((pool) => inOrderOfLength(pool, rows)),
    next(),
  );
}

function inOrderOfLength(examples: readonly Example[], rows: number): Example[][] {
  const sorted = [...examples].sort((a, b) => a.tokens.length - b.tokens.length);
  const batches: Example[][] = [];
  for (let at = 0; at < sorted.length; at += rows) batches.push(sorted.slice(at, at + rows));
  return batches;
}

/** The sum of -log p over the tokens of completions. */
function sumOfLosses(
  model: Qwen2Model,
  examples: readonly Example[],
  padding: number,
  device: string,
): Tensor {
  const longest = Math.max(...examples.map(({ tokens }) => tokens.length));
  const tokens = new BigInt64Array(examples.length * longest).fill(BigInt(padding));
  // Where in (rows × (longest - 1)) a completion's token is foretold, and which.
  const places: bigint[] = [];
  const targets: bigint[] = [];
  for (const [row, example] of examples.entries()) {
    for (const [i, token] of example.tokens.entries()) {
      tokens[row * longest + i] = BigInt(token);
      if (i < example.from) continue;
      places.push(BigInt(row * longest + i - 1));
      targets.push(BigInt(token));
    }
  }
  return inMixedPrecision(device, () => {
    const hidden = model
      .hidden(tensor(tokens, { shape: [examples.length, longest], device }))
      .reshape([-1, model.config.hiddenSize])
      .indexSelect(0, tensor(BigInt64Array.from(places), { device }));
    const wanted = tensor(BigInt64Array.from(targets), { device });
    return tokenLogProbabilities(hidden, model.head, wanted).sum().neg();
  });
}
