/**
 * Pretraining on sections of textbooks. Documents stand one behind the other, `<|endoftext|>` between them, cut into sequences
 * without regard to where one ends. In the second half, pairs of question and reasoned query in ChatML stand among them. It
 * can be broken off and goes on where its last checkpoint was.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { arange, noGrad, scope, tensor, tokenLogProbabilities, type Tensor } from '@quern/libtorch';
import { openTextTokenizer, Qwen2Model, qwen2ConfigJson, saveModel } from 'quern/torch';
import { controlToken } from './chat.js';
import { inMixedPrecision, learningRateAt, Optimiser, type OptimiserSettings } from './optimisation.js';
import { shuffled } from './random.js';
import { newModel, parametersOf, type ModelName } from './shapes.js';
import { readTokens } from './tokens.js';

export interface PretrainSettings extends Omit<OptimiserSettings, 'steps'> {
  readonly model: ModelName;
  readonly device: string;
  readonly seed: number;
  /** Times that the text is read; a part of one is fine. */
  readonly epochs: number;
  readonly sequence: number;
  /** Sequences a step. */
  readonly rows: number;
  /** The share of the steps after which pairs stand among the sections. */
  readonly chatFrom: number;
  readonly saveEvery: number;
  /** Stops after so long, to go on another time. */
  readonly minutes: number;
  /** A line of figures every so many steps. */
  readonly logEvery: number;
  readonly evalEvery: number;
}

const common = {
  seed: 1,
  sequence: 512,
  chatFrom: 0.5,
  warmup: 0.03,
  least: 0.1,
  weightDecay: 0.1,
  betas: [0.9, 0.95],
  mostNorm: 1,
  minutes: Infinity,
  logEvery: 20,
} as const;

export const pretrainSettings: Record<ModelName, PretrainSettings> = {
  small: {
    ...common,
    model: 'small',
    device: 'cpu',
    epochs: 3,
    rows: 8,
    learningRate: 2e-3,
    saveEvery: 200,
    evalEvery: 200,
  },
  medium: {
    ...common,
    model: 'medium',
    device: 'cuda',
    epochs: 10,
    rows: 64,
    learningRate: 1e-3,
    saveEvery: 500,
    evalEvery: 200,
  },
};

/** How well a model knows texts that it was not trained on. */
export interface HeldOut {
  /** Nats a token. */
  readonly loss: number;
  readonly bitsPerByte: number;
}

interface State {
  readonly step: number;
  /** In all. */
  readonly steps: number;
}

/**
 * Trains a model on what `data` holds (see data.ts), or goes on. The folder `to` gets `model`, which is complete when it returns
 * true, and while it is at it `checkpoint`.
 */
export async function pretrain(
  to: string,
  tokenizer: string,
  data: string,
  settings: PretrainSettings,
): Promise<boolean> {
  const { device, sequence, rows, epochs, chatFrom, seed, minutes, logEvery, evalEvery, saveEvery } =
    settings;
  const begun = performance.now();
  const texts = await openTextTokenizer(tokenizer);
  const end = controlToken(texts, '<|endoftext|>');
  const documents = await readTokens(join(data, 'pretraining.tokens'), end);
  const pairs = await readTokens(join(data, 'sft.tokens'), end);
  const heldOut = await HeldOutText.read(data, end, sequence, device);
  const early = new Sequences(documents, settings);
  const late = new Sequences(shuffled([...documents, ...pairs], seed), settings);
  const steps = Math.ceil((epochs * (chatFrom * early.perEpoch + (1 - chatFrom) * late.perEpoch)) / rows);
  const earlySteps = Math.round(chatFrom * steps);

  await mkdir(to, { recursive: true });
  const checkpoint = join(to, 'checkpoint');
  const state = await stateOf(checkpoint);
  if (state && state.steps !== steps) {
    throw new Error(`${checkpoint} is of ${state.steps} steps, and these settings make ${steps}`);
  }
  const model = state
    ? await Qwen2Model.load(checkpoint, { device, isTrained: true })
    : newModel(settings.model, texts, { seed, device });
  const optimiser = new Optimiser(model, { ...settings, steps });
  if (state && state.step > 0) await optimiser.load(checkpoint);
  console.log(
    `${settings.model}: ${parametersOf(model)} parameters, ${early.tokens} tokens, with pairs ${late.tokens}; ` +
      `${steps} steps of ${rows} × ${sequence}${state ? `, from ${state.step} on` : ''}; ${seconds(begun)} s to read`,
  );

  const save = async (step: number): Promise<void> => {
    const partial = `${checkpoint}.partial`;
    await rm(partial, { recursive: true, force: true });
    await saveModel(model, partial, {
      from: tokenizer,
      config: qwen2ConfigJson(model.config),
      dtype: 'float32',
    });
    await optimiser.save(partial);
    await writeFile(join(partial, 'state.json'), JSON.stringify({ step, steps } satisfies State));
    await rm(checkpoint, { recursive: true, force: true });
    await rename(partial, checkpoint);
  };
  let told = performance.now();
  let toldAt = state?.step ?? 0;
  let step = toldAt;
  const losses: Tensor[] = [];
  for (; step < steps && performance.now() - begun < 60_000 * minutes; step++) {
    const batch = (): [Tensor, Tensor] =>
      step < earlySteps ? early.batch(step) : late.batch(step - earlySteps);
    losses.push(optimiser.step(step, () => lossOf(model, ...batch(), device)).keep());
    const isLast = step + 1 === steps;
    if ((step + 1) % logEvery === 0 || isLast) {
      const loss = losses.reduce((sum, each) => sum + each.item(), 0) / losses.length;
      for (const each of losses.splice(0)) each.dispose();
      const speed = ((step + 1 - toldAt) * rows * sequence * 1000) / (performance.now() - told);
      const rate = learningRateAt(step, { ...settings, steps }).toExponential(2);
      console.log(
        `step ${step + 1}: loss ${loss.toFixed(3)}, norm ${optimiser.norm.toFixed(2)}, rate ${rate}, ${speed.toFixed(0)} tokens/s`,
      );
      if (!Number.isFinite(loss)) throw new Error('the loss is no number');
      told = performance.now();
      toldAt = step + 1;
    }
    if (isLast || (step + 1) % evalEvery === 0) {
      const { loss, bitsPerByte } = heldOut.measured(model, isLast ? Infinity : 64);
      console.log(
        `  held out: loss ${loss.toFixed(3)}, perplexity ${Math.exp(loss).toFixed(1)}, ${bitsPerByte.toFixed(3)} bits a byte`,
      );
      told = performance.now();
    }
    if (!isLast && (step + 1) % saveEvery === 0) await save(step + 1);
    // Signals come in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const isDone = step === steps;
  if (isDone) {
    await rm(join(to, 'model'), { recursive: true, force: true });
    const config = qwen2ConfigJson(model.config);
    await saveModel(model, join(to, 'model'), { from: tokenizer, config, dtype: 'float32' });
    await rm(checkpoint, { recursive: true, force: true });
  } else await save(step);
  console.log(`${isDone ? 'done' : `stopped at step ${step}`} after ${seconds(begun)} s`);
  optimiser.dispose();
  model.close();
  return isDone;
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(1);
}

async function stateOf(checkpoint: string): Promise<State | undefined> {
  try {
    return JSON.parse(await readFile(join(checkpoint, 'state.json'), 'utf8')) as State;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The mean of -log p over all tokens of `targets`. */
function lossOf(model: Qwen2Model, inputs: Tensor, targets: Tensor, device: string): Tensor {
  return inMixedPrecision(device, () => {
    const hidden = model.hidden(inputs).reshape([-1, model.config.hiddenSize]);
    return tokenLogProbabilities(hidden, model.head, targets.reshape([-1]))
      .mean()
      .neg();
  });
}

/** Sequences of a long text on the device, in another order and cut at other places each epoch. */
class Sequences {
  readonly tokens: number;
  /** Sequences that an epoch has. */
  readonly perEpoch: number;
  readonly #stream: Tensor;
  readonly #settings: PretrainSettings;
  readonly #batches: number;
  #epoch = -1;
  #inputs: Tensor | undefined;
  #targets: Tensor | undefined;
  #order: Tensor | undefined;

  constructor(documents: readonly Uint16Array[], settings: PretrainSettings) {
    const { device, sequence, rows } = settings;
    const stream = streamOf(documents);
    this.tokens = stream.length;
    // One sequence is left for the places of cutting.
    this.perEpoch = Math.floor((stream.length - 1) / sequence) - 1;
    if (this.perEpoch < rows) throw new Error('there is too little text');
    this.#batches = Math.floor(this.perEpoch / rows);
    this.#stream = tensor(stream, { device }).keep();
    this.#settings = settings;
  }

  /** Inputs and targets (rows, sequence) of a step. */
  batch(step: number): [Tensor, Tensor] {
    this.#begin(Math.floor(step / this.#batches));
    const { rows } = this.#settings;
    const chosen = this.#order!.narrow(0, (step % this.#batches) * rows, rows);
    return [this.#inputs!.indexSelect(0, chosen), this.#targets!.indexSelect(0, chosen)];
  }

  #begin(epoch: number): void {
    if (epoch === this.#epoch) return;
    const { seed, sequence, device } = this.#settings;
    for (const each of [this.#inputs, this.#targets, this.#order]) each?.dispose();
    const first = (epoch * 197) % sequence;
    const cut = (from: number): Tensor =>
      this.#stream
        .narrow(0, from, this.perEpoch * sequence)
        .view([this.perEpoch, sequence])
        .keep();
    this.#inputs = cut(first);
    this.#targets = cut(first + 1);
    const order = shuffled([...Array(this.perEpoch).keys()], seed * 1000 + epoch);
    this.#order = tensor(BigInt64Array.from(order, BigInt), { device }).keep();
    this.#epoch = epoch;
  }
}

function streamOf(documents: readonly Uint16Array[]): BigInt64Array {
  const stream = new BigInt64Array(documents.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const tokens of documents) for (const token of tokens) stream[at++] = BigInt(token);
  return stream;
}

/** Text that is not trained on. */
class HeldOutText {
  readonly #inputs: Tensor;
  readonly #targets: Tensor;
  readonly #bytesPerToken: number;
  readonly #device: string;

  private constructor(stream: BigInt64Array, bytes: number, sequence: number, device: string) {
    const rows = Math.floor((stream.length - 1) / sequence);
    const all = tensor(stream, { device }).keep();
    const cut = (from: number): Tensor =>
      all
        .narrow(0, from, rows * sequence)
        .view([rows, sequence])
        .keep();
    this.#inputs = cut(0);
    this.#targets = cut(1);
    this.#bytesPerToken = bytes / stream.length;
    this.#device = device;
  }

  static async read(data: string, end: number, sequence: number, device: string): Promise<HeldOutText> {
    const facts = await readFile(join(data, 'facts.json'), 'utf8');
    const { sections } = JSON.parse(facts) as { sections: { heldOutBytes: number } };
    const stream = streamOf(await readTokens(join(data, 'held-out.tokens'), end));
    return new HeldOutText(stream, sections.heldOutBytes, sequence, device);
  }

  /** On at most so many sequences. */
  measured(model: Qwen2Model, most: number): HeldOut {
    const atOnce = 16;
    const rows = Math.min(most, this.#inputs.size(0));
    let sum = 0;
    for (let row = 0; row < rows; row += atOnce) {
      const count = Math.min(atOnce, rows - row);
      sum += scope(() =>
        noGrad(
          () =>
            count *
            lossOf(
              model,
              this.#inputs.indexSelect(0, arange(row, row + count, 1, { device: this.#device })),
              this.#targets.narrow(0, row, count),
              this.#device,
            ).item(),
        ),
      );
    }
    const loss = sum / rows;
    return { loss, bitsPerByte: loss / Math.LN2 / this.#bytesPerToken };
  }
}
