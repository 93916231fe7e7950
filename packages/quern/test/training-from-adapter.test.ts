/** Training that begins with what training with LoRA wrote: an adapter, which is merged once into the run's folder. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { noGrad, scope } from '@quern/libtorch';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkpointParts } from '../src/models/checkpoint-parts.ts';
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { TokenGenerator } from '../src/models/torch/token-generation.ts';
import { TorchReasoner } from '../src/reason/torch.ts';
import { plannedMemory } from '../src/train/planned-memory.ts';
import { TrainedModel } from '../src/train/policy/trained-model.ts';
import { sequenceBatch } from '../src/train/sequence-batch.ts';
import { train } from '../src/train/trainer.ts';
import { fileHashes } from './file-hashes.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { finished, startQuern } from './run-quern.ts';
import { mergedNumbers, numbersIn } from './safetensors-numbers.ts';
import { linesOf, madeBy, questionsFile, quickSettings, smokeConfig, type Made } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { TextRewardServer } from './text-reward-server.ts';

const folder = temporaryFolder();
const server = await TextRewardServer.start();
const reasoned = join(folder, 'reasoned.jsonl');
writeFileSync(
  reasoned,
  ['rust', 'tides', 'yeast']
    .map((word) => `${JSON.stringify({ question: `why ${word}`, reasoned: 'because of water and time' })}\n`)
    .join(''),
);
const imitating = [
  'method=sft',
  'reward=null',
  'device=cpu',
  `train_data=[${JSON.stringify(reasoned)}]`,
  `eval_data=[${JSON.stringify(reasoned)}]`,
  'eval_steps=2',
  'generation_batch_size=3',
  'learning_rate=1e-2',
  'max_grad_norm=1',
  'max_steps=2',
];
const lora = ['use_peft=true', 'lora_r=4'];
const first = join(folder, 'first');
const adapter = join(first, 'checkpoint-2');
const fromAdapter = `model_name_or_path=${adapter}`;
const rewarded = [
  ...quickSettings({ data: questionsFile(folder), reward: server.url }),
  'max_steps=4',
  'save_total_limit=9',
  fromAdapter,
  ...lora,
];

function evalLosses(run: string): number[] {
  return linesOf(run).flatMap((line) => (line['kind'] === 'eval' ? Number(line['eval/loss']) : []));
}

/** {@link madeBy}, but for where the run lies, which its adapters say. */
function madeAnywhere(run: string, step: number): Made {
  const made = madeBy(run, step);
  const { '/adapter_config.json': _, ...checkpoint } = made.checkpoint;
  return { ...made, checkpoint };
}

/** A checkpoint like `like` with other numbers. */
async function checkpointOf(
  numbers: ReturnType<typeof numbersIn>,
  like: string,
  at: string,
): Promise<string> {
  cpSync(like, at, { recursive: true });
  const tensors = Array.from(numbers, ([name, { shape, values }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: values,
  }));
  await writeSafetensors(join(at, 'model.safetensors'), tensors);
  return at;
}

const sequences = [
  { prompt: [119, 104, 121], completion: [98, 101, 99, 97, 117, 115, 101] },
  { prompt: [32, 97], completion: [116, 105, 109, 101] },
];

/** A model as a run with LoRA has it, of a checkpoint of the run or as it begins. */
function trainedModel(base: string, from?: string): Promise<TrainedModel> {
  return TrainedModel.open({
    folder: base,
    device: 'cpu',
    bf16: false,
    lora: { rank: 4, alpha: 32, targets: ['all-linear'] },
    seed: 1,
    optimizer: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    keepsReference: false,
    samples: true,
    gradientCheckpointing: false,
    from,
  });
}

async function greedyTokens(model: Qwen2Model): Promise<(readonly number[])[]> {
  const generator = new TokenGenerator(model, {
    sampling: { temperature: 0, maxTokens: 24 },
    endTokens: [],
  });
  try {
    const found = sequences.map(({ prompt }) => generator.generate({ prompt, seeds: [0] }));
    return (await Promise.all(found)).map(([{ tokens }]) => tokens);
  } finally {
    await generator.close();
  }
}

beforeEach(() => server.open());

describe.skipIf(!hasLibTorch)('training from an adapter', () => {
  const second = join(folder, 'second');

  beforeAll(async () => {
    await train(await smokeConfig(first, [...imitating, ...lora]));
    await train(await smokeConfig(second, rewarded));
  });

  it('begins with the adapter merged into its checkpoint, which the run keeps', async () => {
    const merged = join(second, 'merged-model');
    const wanted = mergedNumbers(join(first, 'random-tiny'), adapter);
    const found = numbersIn(join(merged, 'model.safetensors'));
    expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
    for (const [name, { shape, values }] of found) {
      expect([name, shape]).toEqual([name, wanted.get(name)!.shape]);
      const off = values.map((value, i) => Math.abs(value - wanted.get(name)!.values[i]));
      expect(Math.max(...off)).toBeLessThan(1e-6);
    }
    expect(existsSync(join(merged, 'tokenizer.json'))).toBe(true);

    // The policy that the run begins with gives tokens the probabilities that the model before gives them.
    const begun = await trainedModel(merged);
    const before = await Qwen2Model.load(adapter);
    for (const sequence of sequences) {
      const [ours, theirs] = scope(() =>
        noGrad(() => {
          const whole = {
            prompt: [sequence.prompt[0]],
            completion: [...sequence.prompt.slice(1), ...sequence.completion],
          };
          const one = begun.logProbabilities(sequenceBatch([whole], 'cpu'), 1);
          const tokens = sequenceBatch([{ ...whole, completion: [...whole.completion, 0] }], 'cpu').tokens;
          return [one.toArray(), before.tokenLogProbabilities(tokens).view([-1]).toArray()];
        }),
      );
      expect(ours.length).toBe(theirs.length);
      for (const [i, value] of ours.entries()) expect(value).toBeCloseTo(theirs[i], 4);
    }
    begun.close();
    before.close();
  });

  it.each([
    ['an adapter', lora],
    ['all weights', []],
  ])('of %s has the loss at first that training ended with', async (what, set) => {
    const run = join(folder, `on with ${what}`);
    await train(await smokeConfig(run, [...imitating, fromAdapter, ...set]));
    const [before, ended] = evalLosses(first);
    const [begun, after] = evalLosses(run);
    expect(before - ended).toBeGreaterThan(0.01);
    expect(begun).toBeCloseTo(ended, 4);
    expect(after).toBeLessThan(begun);
    const checkpoint = join(run, 'checkpoint-2');
    expect((await checkpointParts(checkpoint)).adapters).toEqual(set.length > 0 ? [checkpoint] : []);
    expect(existsSync(join(checkpoint, 'tokenizer.json'))).toBe(set.length === 0);
  });

  it('writes adapters that find the merged model, also when the run was moved, and are asked as they were trained', async () => {
    const checkpoint = join(second, 'checkpoint-4');
    const config = JSON.parse(readFileSync(join(checkpoint, 'adapter_config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ base_model_name_or_path: resolve(second, 'merged-model') });
    const copy = join(folder, 'moved');
    cpSync(second, copy, { recursive: true });
    const moved = join(copy, 'checkpoint-4');
    expect(await checkpointParts(moved)).toEqual({ folder: join(copy, 'merged-model'), adapters: [moved] });

    const trained = await trainedModel(join(second, 'merged-model'), checkpoint);
    const opened = await Qwen2Model.load(checkpoint);
    expect(await greedyTokens(opened)).toEqual(await greedyTokens(trained.sampler));
    trained.close();
    opened.close();

    const base = join(second, 'merged-model');
    const merged = await checkpointOf(mergedNumbers(base, checkpoint), base, join(folder, 'by hand'));
    const settings = { sampling: { temperature: 0, maxTokens: 24 }, cacheFolder: join(folder, 'cache') };
    const texts: string[] = [];
    for (const model of [checkpoint, merged]) {
      const reasoner = new TorchReasoner(model, settings);
      texts.push((await reasoner.reason('why').finally(() => reasoner.close())).text);
    }
    expect(texts[0]).toBe(texts[1]);
  });

  it.each([1, 3])(
    'is what it would have been when it is killed at rollout %i and taken up, and the adapter is gone',
    async (rollout) => {
      const run = join(folder, `killed at ${rollout}`);
      let arrived: (() => void) | undefined;
      const isTime = new Promise<void>((done) => (arrived = done));
      server.before = (batch) => {
        if (batch !== rollout) return undefined;
        arrived?.();
        return new Promise(() => undefined);
      };
      const args = [
        'train',
        '--preset',
        'smoke',
        '--out',
        run,
        ...rewarded.flatMap((each) => ['--set', each]),
      ];
      const child = startQuern(args);
      const end = finished(child);
      await Promise.race([isTime, end]);
      child.kill('SIGKILL');
      expect((await end).code).toBeNull();
      await server.open();
      const merged = fileHashes(join(run, 'merged-model'));
      const away = `${first} away`;
      renameSync(first, away);
      try {
        const config = await smokeConfig(run, rewarded);
        expect((await plannedMemory(config, { resume: true })).memory.total).toBeGreaterThan(0);
        expect(await train(config, { resume: true })).toMatchObject({ status: 'done', step: 4 });
      } finally {
        renameSync(away, first);
      }
      expect(madeAnywhere(run, 4)).toEqual(madeAnywhere(second, 4));
      expect(fileHashes(join(run, 'merged-model'))).toEqual(merged);
      expect(readdirSync(run).filter((name) => name.endsWith('.partial'))).toEqual([]);
    },
  );

  it('does not go on where the merged model is gone', async () => {
    const run = join(folder, 'robbed');
    cpSync(second, run, { recursive: true });
    renameSync(join(run, 'merged-model'), join(folder, 'elsewhere'));
    const config = await smokeConfig(run, rewarded);
    await expect(train(config, { resume: true })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      where: join(run, 'merged-model'),
    });
    expect(existsSync(join(run, 'merged-model'))).toBe(false);
  });

  it('is planned without a folder, after a look at the adapter', async () => {
    const run = join(folder, 'planned');
    const { memory } = await plannedMemory(await smokeConfig(run, rewarded));
    const tiny = [...rewarded.filter((each) => each !== fromAdapter), 'model_name_or_path=random:tiny'];
    expect(memory.rows).toEqual((await plannedMemory(await smokeConfig(run, tiny))).memory.rows);
    const damaged = join(first, 'damaged');
    cpSync(adapter, damaged, { recursive: true });
    const config = join(damaged, 'adapter_config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('"none"', '"all"'));
    const wrong = await smokeConfig(run, [...rewarded, `model_name_or_path=${damaged}`]);
    await expect(plannedMemory(wrong)).rejects.toMatchObject({ code: 'UNSUPPORTED', where: config });
    expect(existsSync(run)).toBe(false);
    await expect(train(wrong)).rejects.toMatchObject({ code: 'UNSUPPORTED', where: config });
    expect(existsSync(run)).toBe(false);
  });

  it('leaves nothing where it cannot begin, and begins anew where it was killed before it began', async () => {
    const run = join(folder, 'begun twice');
    const impossible = await smokeConfig(run, [...rewarded, 'max_prompt_length=5']);
    await expect(train(impossible)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(existsSync(run)).toBe(false);

    const left = join(run, 'merged-model');
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, 'config.json'), '{}');
    const config = await smokeConfig(run, [...rewarded, 'max_steps=1']);
    // Nobody was at it: the folder is somebody's own.
    await expect(train(config)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(readdirSync(left)).toEqual(['config.json']);
    const dead = { pid: 2 ** 22 + 1, host: hostname(), token: '0123456789abcdef' };
    writeFileSync(join(run, 'lock'), JSON.stringify(dead));
    await train(config);
    expect(fileHashes(left)).toEqual(fileHashes(join(second, 'merged-model')));
  });
});
