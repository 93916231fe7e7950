/** `quern train --engine trl`, for real: two processes under accelerate, rewards over HTTP, killed and taken up again. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { rewardNamed } from '../src/reward/rewards.ts';
import { advantagesOf } from '../src/train/advantages.ts';
import { readTrainConfig } from '../src/train/configuration/read-config.ts';
import { presetNames } from '../src/train/configuration/presets.ts';
import { openPrompts } from '../src/train/prompts.ts';
import { rewardedGroups } from '../src/train/rollout.ts';
import { trl } from '../src/train/engines/trl-job.ts';
import { hasLibTorch } from './has-libtorch.ts';
import { finished, startQuern, type Finished } from './run-quern.ts';
import { linesOf, stateOf } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { hasTrl, testPythonProgram } from './test-python.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
const model = join(folder, 'model');
const run = join(folder, 'run');
const job = join(run, 'engine');

/** What a random model writes is bytes: letters that stand alone are what it can have in common with a text. */
const positives = ['b c d e f g h j k l m n o p q r u v w x y z 0 1 2 3 4 5 6 7 8 9'];
const questions = join(folder, 'questions.jsonl');

const settings = [
  `model_name_or_path=${model}`,
  `train_data=${questions}`,
  'device=cpu',
  'num_processes=2',
  'reward=lexical',
  'max_steps=5',
  'generation_batch_size=8',
  'num_generations=4',
  'max_completion_length=24',
  'soft_punish_cache=20',
  'learning_rate=1e-3',
  'beta=0.05',
  'save_steps=2',
  'save_total_limit=2',
  'log_completions_steps=1',
];

function train(...args: string[]): ReturnType<typeof startQuern> {
  return startQuern(['train', '--out', run, '--python', testPythonProgram, ...args], {
    env: { QUERN_CACHE: join(folder, 'cache'), HF_HUB_OFFLINE: '1' },
  });
}

function aMoment(): Promise<boolean> {
  return new Promise((wake) => setTimeout(() => wake(false), 20));
}

/** Waits until a step is told of in the run, or its process has ended. */
async function atStep(step: number, ended: Promise<unknown>): Promise<void> {
  const over = ended.then(() => true);
  do {
    if (existsSync(join(run, 'metrics.jsonl')) && linesOf(run).some((line) => Number(line['step']) >= step))
      return;
  } while (!(await Promise.race([over, aMoment()])));
  throw new Error(`the run ended before step ${step}: ${((await ended) as Finished).stderr}`);
}

/** Processes of this test's run by what their command line holds. */
function processes(...words: string[]): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const command = readFileSync(join('/proc', name, 'cmdline'), 'utf8');
      return words.every((word) => command.includes(word)) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Those of its processes that train, without the one that started them. */
function workers(): number[] {
  return processes(join(job, 'quern_trl.py')).filter((pid) => {
    const command = readFileSync(join('/proc', String(pid), 'cmdline'), 'utf8');
    return !command.includes('accelerate');
  });
}

interface Sample {
  readonly id: string;
  readonly question: string;
  readonly prompt_tokens: number;
  readonly completions: readonly {
    readonly text: string;
    readonly tokens: number;
    readonly finish: 'stop' | 'length';
    readonly reward: number;
    readonly parts: Record<string, number>;
    readonly advantage: number;
    readonly failure?: string;
  }[];
}

function samplesOf(step: number): Sample[] {
  return readFileSync(join(run, 'samples', `step-${step}.jsonl`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sample);
}

describe.skipIf(!hasTrl || !hasLibTorch)('a training by TRL', () => {
  const outcomes: Finished[] = [];
  let first: readonly Sample[];

  beforeAll(async () => {
    await writeTinyCheckpoint(model, { dtype: 'F32' });
    const records = ['rust', 'sleep', 'tides', 'yeast', 'glass'].map((word) =>
      JSON.stringify({ id: word, question: `why ${word}`, positives }),
    );
    writeFileSync(questions, `${records.join('\n')}\n`);
    const ended = finished(train('--engine', 'trl', ...settings.flatMap((each) => ['--set', each])));
    await atStep(3, ended);
    process.kill(workers().at(-1)!, 'SIGKILL');
    outcomes.push(await ended);
    first = samplesOf(1);
    outcomes.push(await finished(train('--resume')));
  }, 400_000);

  it('notices that one of its processes was killed, and ends the others', () => {
    expect(outcomes[0].code).toBe(1);
    expect(outcomes[0].stderr).toMatch(
      /the training ended with 1 \(rank : [01] .*exitcode : -9 .*--resume goes on/,
    );
  });

  it('goes on from its last checkpoint, and has each step once in the end', () => {
    expect(outcomes[1].stderr).not.toMatch(/step [12]\/5/);
    expect(outcomes[1].code).toBe(0);
    expect(linesOf(run).map((line) => line['step'])).toEqual([1, 2, 3, 4, 5]);
    expect(stateOf(run)).toMatchObject({ status: 'done', step: 5, max_steps: 5 });
    expect(workers()).toEqual([]);
  });

  it('rewards as a training here does, over groups that processes share', async () => {
    const asked = first.map(({ id, question, prompt_tokens: count }) => ({
      id,
      question,
      positives,
      prompt: Array<number>(count).fill(0),
    }));
    const drawn = first.map(({ completions }) =>
      completions.map(({ text, tokens, finish }) => ({
        text,
        finish,
        tokens: Array<number>(tokens).fill(0),
        drawnLogProbabilities: [],
      })),
    );
    const reward = await rewardNamed('lexical');
    const groups = await rewardedGroups(reward, asked, drawn, { most: 24, cache: 20, weight: 1 });
    await reward.close();
    const rewards = groups.map(({ completions }) => completions.map((each) => each.reward));
    const { advantages } = advantagesOf(rewards, 'group');
    expect(first).toHaveLength(2);
    for (const [i, { completions }] of first.entries()) {
      expect(completions).toHaveLength(4);
      for (const [j, completion] of completions.entries()) {
        expect(completion.reward).toBeCloseTo(rewards[i][j], 6);
        expect(completion.advantage).toBeCloseTo(advantages[i][j], 4);
        expect(completion.parts).toEqual(groups[i].completions[j].parts);
        expect(completion.failure).toBe(groups[i].completions[j].failure);
      }
    }
    expect(
      new Set(first.flatMap(({ completions }) => completions.map(({ advantage }) => advantage))).size,
    ).toBeGreaterThan(2);
  });

  it('puts questions as a training here does', async () => {
    const prompts = await openPrompts(model, 'training');
    for (const { question, prompt_tokens: count } of first) {
      expect(prompts.training(question)).toHaveLength(count);
    }
  });

  it('logs by the names that a training here has', () => {
    expect(Object.keys(linesOf(run).at(-1)!)).toEqual(
      expect.arrayContaining([
        'reward',
        'reward_std',
        'frac_reward_zero_std',
        'rewards/lexical/mean',
        'rewards/overlong/mean',
        'rewards/failed',
        'completions/mean_length',
        'completions/clipped_ratio',
        'loss',
        'grad_norm',
        'learning_rate',
        'kl',
        'entropy',
        'num_tokens',
        'step_time',
        'epoch',
      ]),
    );
  });

  it('leaves checkpoints that models are loaded from, the last ones', async () => {
    expect(
      readdirSync(run)
        .filter((name) => name.startsWith('checkpoint-'))
        .sort(),
    ).toEqual(['checkpoint-4', 'checkpoint-5']);
    const trained = await Qwen2Model.load({ folder: join(run, 'checkpoint-5'), adapters: [] });
    trained.close();
    const { code } = await finished(
      startQuern([
        'export',
        join(run, 'checkpoint-5'),
        '--gguf',
        'f16',
        '--out',
        join(folder, 'trained.gguf'),
      ]),
    );
    expect(code).toBe(0);
  });

  it('has vLLM served by a module that can be run, with arguments that it knows', async () => {
    const set = ['train_data=x', 'vllm_gpu_memory_utilization=0.5'];
    const config = await readTrainConfig({ preset: 'tongsearch-1.5b', set, out: join(folder, 'other') });
    const [vllm] = trl.job({
      config,
      folder: '/job',
      model: 'model',
      data: { rows: [], longestPrompt: 500, endTokens: [1], hash: '' },
      rewardUrl: 'http://127.0.0.1:1',
      python: testPythonProgram,
    }).services;
    const { stdout, status } = spawnSync(vllm.program, [...vllm.args, '--help'], { encoding: 'utf8' });
    expect(status).toBe(0);
    const given = vllm.args.filter((each) => each.startsWith('--'));
    expect(given.filter((each) => !stdout.includes(`${each} `))).toEqual([]);
  });

  it('knows every argument that presets give it', async () => {
    const names = await Promise.all(
      presetNames.map(async (preset) => {
        const set = ['train_data=x', 'max_loss=10'];
        const config = await readTrainConfig({ preset, set, out: join(folder, 'other') });
        const data = { rows: [], longestPrompt: 500, endTokens: [1], hash: '' };
        const parts = {
          config,
          folder: '/job',
          model: 'model',
          data,
          rewardUrl: 'http://127.0.0.1:1',
          python: 'python',
        };
        const { arguments: given } = JSON.parse(trl.job(parts).files['trl.json']) as { arguments: object };
        return Object.keys(given);
      }),
    );
    const script = resolve(import.meta.dirname, 'oracles/engines/arguments-of-trl.py');
    const { stdout } = spawnSync(testPythonProgram, [script], { encoding: 'utf8' });
    const known = JSON.parse(stdout) as string[];
    expect(known.length).toBeGreaterThan(150);
    expect([...new Set(names.flat())].filter((name) => !known.includes(name))).toEqual([]);
  });
});
