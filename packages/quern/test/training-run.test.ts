/** Runs of the command line: what they leave, and that one which is killed and taken up is the one that ran through. */
import { watch, type FSWatcher } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openCollection } from '../src/collections/collection.ts';
import { openCollectionIndex } from '../src/lexical/collection-index.ts';
import { LexicalRetriever } from '../src/search/lexical-retriever.ts';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readTrainConfig } from '../src/train/configuration/read-config.ts';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { train } from '../src/train/trainer.ts';
import { silentWork } from '../src/work.ts';
import { fileHashes } from './file-hashes.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { finished, quern, startQuern, type Finished } from './run-quern.ts';
import { linesOf, madeBy, questionsFile, quickSettings, smokeConfig, stateOf } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { TextRewardServer } from './text-reward-server.ts';

const folder = temporaryFolder();
const server = await TextRewardServer.start();
const quick = quickSettings({ data: questionsFile(folder), reward: server.url });

function asked(run: string, set: readonly string[]): string[] {
  return ['train', '--preset', 'smoke', '--out', run, ...set.flatMap((each) => ['--set', each])];
}

/** Runs the command line until `isTime` says so of what the run's folder holds when something in it changes. */
async function killed(
  run: string,
  set: readonly string[],
  isTime: () => Promise<boolean>,
): Promise<Finished> {
  await mkdir(run, { recursive: true });
  const child = startQuern(asked(run, set));
  const watcher: FSWatcher = watch(run, () => {
    void isTime().then((is) => is && child.kill('SIGKILL'));
  });
  try {
    return await finished(child);
  } finally {
    watcher.close();
  }
}

const afterLine = (run: string, count: number) => async (): Promise<boolean> => {
  const text = await readFile(join(run, 'metrics.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').length > count;
};

const inCheckpoint = (run: string, step: number) => async (): Promise<boolean> =>
  (await readdir(run)).some((name) => name.startsWith(`checkpoint-${step}.`) && name.endsWith('.partial'));

const examplesName = `beir:${join(import.meta.dirname, '../../../examples/collection')}`;

function discounted(levels: readonly number[]): number {
  return levels.reduce((all, level, i) => all + level / Math.log2(i + 2), 0);
}

/** nDCG@10 on the examples where each question is replaced. */
async function ndcgOf(replaced: (query: string) => string): Promise<number> {
  const collection = await openCollection(examplesName);
  const opened = await openCollectionIndex(collection, {});
  const retriever = new LexicalRetriever(opened.index, collection.defaultScoring);
  let sum = 0;
  const judged = collection.topics.filter(({ id }) => collection.qrels.has(id));
  for (const { id, text } of judged) {
    const relevant = collection.qrels.get(id)!;
    const gains = (await retriever.search(replaced(text), { k: 10 })).map((hit) => relevant.get(hit.id) ?? 0);
    const ideal = [...relevant.values()].sort((a, b) => b - a).slice(0, 10);
    sum += discounted(gains) / discounted(ideal);
  }
  await opened.close();
  return sum / judged.length;
}

describe.skipIf(!hasLibTorch)('a run of training', () => {
  it('leaves its configuration, metrics, samples and checkpoints', async () => {
    const run = join(folder, 'whole');
    const set = [...quick, 'eval_steps=2', `eval_data=[${JSON.stringify(join(folder, 'questions.jsonl'))}]`];
    const { code, stderr } = await quern(asked(run, set));
    expect(stderr).toContain('step 8/8');
    expect(code).toBe(0);

    expect(await readTrainConfig({ file: join(run, 'config.yaml') })).toEqual(await smokeConfig(run, set));
    const lines = linesOf(run);
    expect(lines.filter(({ kind }) => kind === 'train').map(({ step }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(lines.filter(({ kind }) => kind === 'eval').map(({ step }) => step)).toEqual([0, 2, 4, 6, 8]);
    expect(Object.keys(lines.findLast(({ kind }) => kind === 'train')!)).toEqual(
      expect.arrayContaining([
        'loss',
        'grad_norm',
        'learning_rate',
        'kl',
        'entropy',
        'clip_ratio/region_mean',
        'reward',
        'reward_std',
        'frac_reward_zero_std',
        'completions/mean_length',
        'completions/clipped_ratio',
        'completions/mean_terminated_length',
        'num_tokens',
        'epoch',
        'step_time',
      ]),
    );
    expect(stateOf(run)).toMatchObject({ status: 'done', step: 8, max_steps: 8 });
    const samples = await readdir(join(run, 'samples'));
    expect(samples.filter((name) => name.startsWith('step-'))).toHaveLength(8);
    expect(samples.filter((name) => name.startsWith('validation-')).toSorted()).toEqual(
      [0, 2, 4, 6, 8].map((step) => `validation-${step}.jsonl`),
    );
    const validation = await Promise.all(
      [0, 8].map(async (step) => {
        const text = await readFile(join(run, `samples/validation-${step}.jsonl`), 'utf8');
        return text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      }),
    );
    // The same questions each time, one completion of each, and nothing that is learnt from.
    expect(validation[0]!.map(({ id }) => id)).toEqual(validation[1]!.map(({ id }) => id));
    expect(validation[0]).toHaveLength(5);
    expect(validation[0]![0]).toMatchObject({ completions: [{ reward: expect.any(Number) }] });
    expect(JSON.stringify(validation)).not.toContain('advantage');
    const [sample] = (await readFile(join(run, 'samples/step-3.jsonl'), 'utf8')).split('\n');
    expect(JSON.parse(sample)).toMatchObject({ step: 3, completions: [{}, {}] });

    // The last two checkpoints, and the one that was best at validation.
    const rewards = lines.filter(({ kind, step }) => kind === 'eval' && step !== 0);
    const best = rewards.reduce((a, b) =>
      (b['eval/reward'] as number) > (a['eval/reward'] as number) ? b : a,
    ).step;
    const kept = new Set([best, 6, 8]);
    const checkpoints = (await readdir(run)).filter((name) => name.startsWith('checkpoint-')).sort();
    expect(checkpoints).toEqual(Array.from(kept, (step) => `checkpoint-${step}`).sort());
    expect(stateOf(run)['best']).toMatchObject({ step: best, metric: 'eval/reward' });

    const model = await Qwen2Model.load(join(run, 'checkpoint-8'), { device: 'cpu' });
    const dtypes = new Set(Array.from(model.weights.values(), ({ dtype }) => dtype));
    model.close();
    expect(dtypes).toEqual(new Set(['float32']));
  });

  it('in a folder that holds something is refused, and leaves it alone', async () => {
    const run = join(folder, 'occupied');
    await mkdir(run);
    await writeFile(join(run, 'notes.txt'), 'mine');
    const before = fileHashes(run);
    const { code, stderr } = await quern(asked(run, quick));
    expect(code).not.toBe(0);
    expect(stderr).toContain('exists already');
    await expect(train(await smokeConfig(run, quick))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(fileHashes(run)).toEqual(before);
  });

  it.each(['lock.kdbx', 'film.partial', 'checkpoint-1', 'lockers', 'config.yaml.partial'])(
    'leaves a file %s alone, which is none of its own',
    async (name) => {
      const run = join(folder, `with ${name}`);
      await mkdir(run);
      await writeFile(join(run, name), 'mine');
      await expect(train(await smokeConfig(run, quick))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
      expect(await readFile(join(run, name), 'utf8')).toBe('mine');
    },
  );

  it('leaves a model of the same name as its tiny one alone', async () => {
    const run = join(folder, 'with a model');
    await mkdir(join(run, 'random-tiny'), { recursive: true });
    await writeFile(join(run, 'random-tiny/mine'), 'mine');
    await expect(train(await smokeConfig(run, quick))).rejects.toMatchObject({ name: 'QuernError' });
    expect(await readdir(run)).toEqual(['random-tiny']);
    expect(await readFile(join(run, 'random-tiny/mine'), 'utf8')).toBe('mine');
  });

  it('is written by one process at a time', async () => {
    const run = join(folder, 'locked');
    let arrived: (() => void) | undefined;
    const isAsked = new Promise<void>((done) => (arrived = done));
    server.before = async () => {
      arrived?.();
      await wait(60_000, undefined, { ref: false });
    };
    const child = startQuern(asked(run, quick));
    const end = finished(child);
    onTestFinished(() => server.open());
    await Promise.race([isAsked, end]);
    const config = await smokeConfig(run, quick);
    await expect(train(config, { resume: true })).rejects.toMatchObject({ code: 'LOCKED' });
    child.kill('SIGKILL');
    await end;
  });

  it('goes on with more steps, but not with what would make it another run', async () => {
    const run = join(folder, 'longer');
    const set = [...quick, 'max_steps=2'];
    await train(await smokeConfig(run, set));
    const before = fileHashes(run);
    const other = await smokeConfig(run, [...set, 'learning_rate=2e-3']);
    await expect(train(other, { resume: true })).rejects.toMatchObject({
      code: 'USAGE',
      what: expect.stringContaining('learning_rate') as string,
    });
    expect(fileHashes(run)).toEqual(before);
    const { code } = await quern(['train', '--resume', '--out', run, '--set', 'max_steps=3']);
    expect(code).toBe(0);
    expect(linesOf(run).map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(stateOf(run)).toMatchObject({ status: 'done', step: 3, max_steps: 3 });
  });

  it('is measured on a collection with the policy as the reasoner, over several passes of a rollout', async () => {
    // A policy that says the same of every question.
    const said = 'moon';
    const examples = ['rust', 'sleep', 'tides', 'yeast', 'glass'].map((word) =>
      JSON.stringify({ question: `why ${word}`, reasoned: said }),
    );
    await writeFile(join(folder, 'said.jsonl'), examples.join('\n'));
    const taught = join(folder, 'taught');
    const lesson = [
      'method=sft',
      `train_data=[${JSON.stringify(join(folder, 'said.jsonl'))}]`,
      'device=cpu',
      'generation_batch_size=5',
      'learning_rate=1e-2',
      'max_steps=40',
      'max_grad_norm=1',
      'save_steps=40',
    ];
    await train(await smokeConfig(taught, lesson));
    const run = join(folder, 'measured');
    const set = [
      `model_name_or_path=${join(taught, 'checkpoint-40')}`,
      ...quick,
      'num_iterations=2',
      'eval_steps=2',
      `eval_collection=${examplesName}`,
      'metric_for_best_model=ndcg@10',
      'max_steps=4',
      'max_prompt_length=300',
    ];
    expect(await train(await smokeConfig(run, set))).toMatchObject({ status: 'done', step: 4 });
    const lines = linesOf(run);
    expect(lines.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'eval 0',
      'train 2',
      'eval 2',
      'train 4',
      'eval 4',
    ]);
    expect(lines[0]['eval/ndcg@10/none']).toBeCloseTo(await ndcgOf((query) => query), 12);
    expect(lines[0]['eval/ndcg@10']).toBeCloseTo(await ndcgOf(() => said), 12);
    expect(lines[0]['eval/ndcg@10']).toBeLessThan(lines[0]['eval/ndcg@10/none'] as number);
    expect(stateOf(run)['best']).toMatchObject({ metric: 'eval/ndcg@10' });
  });

  it('in a thread ends as one in none, tells of its work, and throws the same errors', async () => {
    // A thread of Node runs what is built.
    const { trainInThread } = await import('../dist/train.js');
    const run = join(folder, 'in a thread');
    const works: string[] = [];
    const onWork = (what: string) => {
      works.push(what);
      return silentWork;
    };
    const config = await smokeConfig(run, [...quick, 'max_steps=2']);
    expect(await trainInThread(config, { onWork })).toMatchObject({ status: 'done', step: 2 });
    expect(works).toEqual(expect.arrayContaining([expect.stringContaining('loading')]));
    await expect(trainInThread(config)).rejects.toMatchObject({
      name: 'QuernError',
      code: 'ALREADY_EXISTS',
      where: run,
    });
    const longer = { ...config, max_steps: 4 };
    const controller = new AbortController();
    const stopped = trainInThread(longer, {
      resume: true,
      signal: controller.signal,
      onEvent: (event) => void (event.kind === 'metrics' && controller.abort()),
    });
    expect(await stopped).toMatchObject({ status: 'stopped' });
  });

  describe.each([
    {
      name: 'with validation',
      set: ['eval_steps=2', `eval_data=[${JSON.stringify(join(folder, 'questions.jsonl'))}]`],
      moments: ['line 1', 'checkpoint 4'],
    },
    {
      name: 'with two steps a rollout',
      set: ['steps_per_generation=2'],
      moments: ['line 3', 'checkpoint 4'],
    },
    { name: 'of adapters', set: ['use_peft=true', 'lora_r=4'], moments: ['line 5', 'checkpoint 2'] },
  ])('$name', ({ name, set, moments }) => {
    const all = [...quick, 'save_total_limit=9', ...set];
    let made: unknown;

    beforeAll(async () => {
      const run = join(folder, `${name} through`);
      await train(await smokeConfig(run, all));
      made = madeBy(run, 8);
    });

    it.each(moments)('is what it would have been when it is killed at %s and taken up', async (moment) => {
      const run = join(folder, `${name} killed at ${moment}`);
      const [what, at] = moment.split(' ');
      const isTime = (what === 'line' ? afterLine : inCheckpoint)(run, Number(at));
      const { code } = await killed(run, all, isTime);
      expect(code).toBeNull();
      const resumed = await train(await smokeConfig(run, all), { resume: true });
      expect(resumed).toMatchObject({ status: 'done', step: 8 });
      expect(madeBy(run, 8)).toEqual(made);
      expect((await readdir(run)).filter((file) => file.endsWith('.partial'))).toEqual([]);
    });
  });
});
