/** `quern train --engine openrlhf` and `verl`: their own code reads the jobs, asks for rewards, logs, and computes losses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewardNamed } from '../src/reward/rewards.ts';
import { advantagesOf } from '../src/train/advantages.ts';
import { readTrainConfig } from '../src/train/configuration/read-config.ts';
import type { TrainConfig } from '../src/train/configuration/train-config.ts';
import { engineNamed } from '../src/train/engines/engines.ts';
import { writeEngineJob } from '../src/train/engines/engine-run.ts';
import { serveRewardOf, type ServedReward } from '../src/train/engines/reward-process.ts';
import { openPrompts } from '../src/train/prompts.ts';
import { questionsFile } from './small-training.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rayEnginesFolder, testPythonProgram } from './test-python.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

const folder = temporaryFolder();
// A name that shells, YAML and OmegaConf would each read as something else.
const model = join(folder, `it's "$(echo no)" \${oc.env:HOME} no`);
const completion = 'about rust, and what oxygen does to iron\n';

interface Told<T> {
  readonly settings: T;
  readonly reward: {
    readonly reward: number;
    readonly length: number;
    readonly info?: Record<string, number>;
  };
  readonly lines: readonly string[];
  readonly loss: number;
  readonly advantages: readonly number[];
}

/** What the trainer's own code makes of jobs. */
async function told<T>(engine: 'openrlhf' | 'verl', jobs: readonly object[]): Promise<Told<T>[]> {
  const script = resolve(import.meta.dirname, 'oracles/engines', `${engine}_oracle.py`);
  const child = spawn(testPythonProgram, [script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONPATH: rayEnginesFolder!, HF_HUB_OFFLINE: '1', QUERN_REWARD_URL: served.url },
  });
  let out = '';
  let error = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  child.stdin.end(JSON.stringify(jobs));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${engine}_oracle.py exited with ${code}: ${error.slice(-4000)}`);
  return JSON.parse(out.trim().split('\n').at(-1)!) as Told<T>[];
}

let served: ServedReward;

beforeAll(async () => {
  if (rayEnginesFolder === undefined) return;
  await writeTinyCheckpoint(model, { dtype: 'F32' });
  served = await serveRewardOf({ reward: 'lexical' }, { log: join(folder, 'reward.txt') });
});

afterAll(async () => {
  await served?.stop();
});

async function jobOf(
  engine: 'openrlhf' | 'verl',
  name: string,
  set: readonly string[],
): Promise<{ config: TrainConfig; job: string }> {
  const config = await readTrainConfig({
    set: [
      `model_name_or_path=${model}`,
      `train_data=${questionsFile(folder)}`,
      'reward=lexical',
      'num_processes=4',
      'vllm_mode=colocate',
      'max_steps=8',
      'save_steps=2',
      'generation_batch_size=16',
      'num_generations=4',
      'max_completion_length=64',
      ...set,
    ],
    out: join(folder, `${engine} ${name} $(echo "no")`),
  });
  return { config, job: (await writeEngineJob(config, engineNamed(engine))).folder };
}

/** Three completions, of 3, 2 and 1 tokens, with ratios on both sides of where they are clipped. */
const policy = {
  mask: [
    [1, 1, 1],
    [1, 1, 0],
    [1, 0, 0],
  ],
  new: [
    [-1, -0.4, -2],
    [-0.3, -1.6, 0],
    [-0.9, 0, 0],
  ],
  old: [
    [-1.4, -0.5, -1.2],
    [-0.9, -1.5, 0],
    [-0.5, 0, 0],
  ],
  sampler: [
    [-1.3, -1.9, -1.2],
    [-0.9, -1.2, 0],
    [-0.6, 0, 0],
  ],
  reference: [
    [-1.1, -0.9, -1.7],
    [-0.2, -1.5, 0],
    [-1.2, 0, 0],
  ],
  advantages: [0.8, -1.1, 0.4],
};

/** The loss of docs/TRAINING.md. */
function lossOf(config: TrainConfig): number {
  const completions = policy.mask.map((mask, i) => {
    const length = mask.reduce((sum, each) => sum + each, 0);
    return Array.from({ length }, (_, t) => {
      const ratio = Math.exp(policy.new[i][t] - policy.old[i][t]);
      const clipped = Math.min(Math.max(ratio, 1 - config.epsilon), 1 + config.epsilon_high);
      const gain = Math.min(ratio * policy.advantages[i], clipped * policy.advantages[i]);
      const weight = config.importance_sampling_correction
        ? Math.min(Math.exp(policy.old[i][t] - policy.sampler[i][t]), config.importance_sampling_cap)
        : 1;
      const away = policy.reference[i][t] - policy.new[i][t];
      return -gain * weight + config.beta * (Math.exp(away) - away - 1);
    });
  });
  const sums = completions.map((losses) => losses.reduce((sum, each) => sum + each, 0));
  const sum = sums.reduce((total, each) => total + each, 0);
  switch (config.loss_type) {
    case 'grpo':
      return sums.reduce((total, each, i) => total + each / completions[i].length / sums.length, 0);
    case 'dr_grpo':
      return sum / (sums.length * config.max_completion_length);
    default:
      return sum / completions.flat().length;
  }
}

const rewards = [0.1, 0.5, 0.2, 0.2, -1, 0.3, 0.3, 0.9];
const lengths = [3, 64, 60, 20, 1, 64, 62, 30];

function advantagesFor(config: TrainConfig, given: readonly number[]): number[] {
  const groups = [given.slice(0, 4), given.slice(4)];
  return advantagesOf(groups, config.scale_rewards).advantages.flat();
}

/** Rewards less the punishment of length. */
function punished(config: TrainConfig): number[] {
  const { soft_punish_cache: cache, overlong_weight: weight, max_completion_length: most } = config;
  if (cache === 0) return rewards;
  return rewards.map((reward, i) => reward - weight * Math.max(0, (lengths[i] - (most - cache)) / cache));
}

function expectNear(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(wanted[i], 2);
}

async function rewardOfCompletion(): Promise<number> {
  const reward = await rewardNamed('lexical');
  const [{ reward: found }] = await reward.score([
    { query: 'why rust', completion, positives: ['about rust'] },
  ]);
  await reward.close();
  return found;
}

describe.skipIf(rayEnginesFolder === undefined)('a job for OpenRLHF', () => {
  let first: Told<OpenRlhfSettings>;
  let others: { readonly config: TrainConfig; readonly found: Told<OpenRlhfSettings> }[];
  let config: TrainConfig;

  interface OpenRlhfSettings {
    readonly actor: Record<string, unknown> & { readonly adam: unknown };
    readonly algo: { readonly kl: unknown; readonly advantage: unknown };
    readonly [group: string]: Readonly<Record<string, unknown>>;
  }

  const steps = [
    {
      policy_loss: 0.25,
      kl: 0.5,
      actor_lr: 1e-7,
      actor_grad_norm: 3.5,
      entropy_loss: 1.25,
      ppo_clip_ratio: 0.125,
      total_length: 100.5,
      group_reward_std: 0.3,
      'rewards/lexical/mean': 0.75,
      'rewards/failed': 0,
      'rollout/reward_mean': 0.5,
      'rollout/response_length_mean': 40.5,
      'rollout/truncated_rate': 0.25,
      'rollout/num_samples': 16,
      'timing/ppo_train': 6,
    },
    { policy_loss: 'nan' },
  ];

  beforeAll(async () => {
    const made = await jobOf('openrlhf', 'first', [
      'steps_per_generation=2',
      'num_iterations=2',
      'max_steps=8',
      'save_steps=4',
      'beta=0.05',
      'importance_sampling_cap=1.5',
      'epsilon_high=0.28',
      'soft_punish_cache=20',
      'overlong_weight=0.5',
      'max_loss=5',
      'seed=7',
    ]);
    config = made.config;
    const prompts = await openPrompts(model, 'training');
    const more = [
      await jobOf('openrlhf', 'grpo', ['loss_type=grpo', 'beta=0', 'epsilon=0.1']),
      await jobOf('openrlhf', 'other', [
        'importance_sampling_correction=false',
        'scale_rewards=none',
        'beta=0.3',
        'vllm_mode=server',
      ]),
    ];
    const asked = {
      job: made.job,
      model,
      prompt: prompts.written(prompts.training('why rust')),
      label: JSON.stringify({ query: 'why rust', positives: ['about rust'] }),
      completion,
      steps,
    };
    const [found, ...rest] = await told<OpenRlhfSettings>('openrlhf', [
      { ...asked, policy, rewards, lengths },
      ...more.map(({ job }) => ({ job, policy, rewards, lengths })),
    ]);
    first = found;
    others = more.map((each, i) => ({ config: each.config, found: rest[i] }));
  }, 120_000);

  it('is read by its own parser as the configuration says, and passes its checks', () => {
    const { actor, algo, data, train, rollout, ckpt, ds, vllm, reward } = first.settings;
    expect(actor).toMatchObject({
      model_name_or_path: model,
      num_nodes: 1,
      num_gpus_per_node: 4,
      adam: { lr: 1e-6, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0.1 },
      lr_scheduler: 'cosine_with_min_lr',
      lr_warmup_ratio: 0.1,
      min_lr_ratio: 0.1,
      max_norm: 0.1,
      eps_clip_low_high: [0.2, 0.28],
      dual_clip: null,
      loss_agg_mode: 'token-mean',
      gradient_checkpointing_enable: true,
    });
    expect(algo).toMatchObject({
      kl: { init_coef: 0.05, use_loss: true, estimator: 'k3', target: null },
      advantage: { estimator: 'group_norm', is_correction_threshold: [0, 1.5] },
    });
    expect(train).toMatchObject({
      seed: 7,
      batch_size: 8,
      max_epochs: 2,
      num_episodes: 1,
      colocate_all: true,
    });
    expect(rollout).toMatchObject({ batch_size: 4, n_samples_per_prompt: 4, max_new_tokens: 64 });
    expect(ckpt).toMatchObject({ save_steps: 1, max_num: 2, save_hf: true, load_enable: true });
    expect(ds).toMatchObject({ zero_stage: 2, param_dtype: 'bf16', enable_sleep: true });
    expect(vllm).toMatchObject({ num_engines: 4, tensor_parallel_size: 1, enable_sleep: true });
    expect(reward).toMatchObject({ overlong_buffer_len: 20, overlong_penalty_factor: 0.5 });
    const rows = readFileSync(String(data['prompt_dataset']), 'utf8').trim().split('\n');
    // Its own count: rows × completions / batch × passes.
    expect((rows.length * 4 * 2) / 8).toBe(8);
  });

  it('is rewarded as a training here is', async () => {
    expect(first.reward.reward).toBeCloseTo(await rewardOfCompletion(), 6);
    expect(first.reward.info).toMatchObject({
      'rewards/failed': 0,
      'rewards/lexical/mean': expect.any(Number),
    });
  });

  it('has its steps read from what its trainer prints, in optimiser steps', () => {
    const { lineOf } = engineNamed('openrlhf');
    // As Ray tells lines of a process.
    const found = first.lines.map((line) =>
      lineOf(`\u001B[36m(PPOTrainer pid=71, ip=10.0.0.2)\u001B[0m ${line}`, config),
    );
    expect(found.filter((line) => line !== undefined)).toEqual([
      {
        step: 4,
        tokens: 1608,
        metrics: {
          reward: 0.5,
          reward_std: 0.3,
          'completions/mean_length': 40.5,
          'completions/clipped_ratio': 0.25,
          grad_norm: 3.5,
          learning_rate: 1e-7,
          entropy: 1.25,
          'clip_ratio/region_mean': 0.125,
          // It measured these itself.
          step_time: expect.closeTo(6, 1),
          'seconds/rollout': expect.closeTo(0, 1),
          'seconds/update': 6,
          loss: 0.275,
          kl: 0.5,
          'rewards/lexical/mean': 0.75,
          'rewards/failed': 0,
        },
      },
      {
        step: 8,
        metrics: { loss: NaN, step_time: expect.any(Number), 'seconds/rollout': expect.any(Number) },
      },
    ]);
  });

  it('has the advantages of a training here, length punished', () => {
    expectNear(first.advantages, advantagesFor(config, punished(config)));
  });

  it('has the loss of a training here', () => {
    expect(first.loss).toBeCloseTo(lossOf(config), 5);
  });

  it('has both with means of completions, without correction and without deviation too', () => {
    expect(others).toHaveLength(2);
    for (const other of others) {
      expect(other.found.loss).toBeCloseTo(lossOf(other.config), 5);
      expectNear(other.found.advantages, advantagesFor(other.config, rewards));
    }
  });

  it('gives vLLM a GPU of its own where it shall have one', () => {
    const { vllm, train } = others[1].found.settings;
    expect([vllm['num_engines'], vllm['enable_sleep'], train['colocate_all']]).toEqual([1, false, false]);
  });
});

describe.skipIf(rayEnginesFolder === undefined)('a job for verl', () => {
  let first: Told<unknown>;
  let others: { readonly config: TrainConfig; readonly found: Told<unknown> }[];
  let config: TrainConfig;

  const steps = [
    {
      'critic/score/mean': 0.5,
      'response_length/mean': 40.5,
      'response_length/min': 3,
      'response_length/max': 63,
      'response_length/clip_ratio': 0.0625,
      'actor/loss': 0.25,
      'actor/grad_norm': 3.5,
      'actor/lr': 1e-7,
      'actor/kl_loss': 0.01,
      'actor/entropy': 1.25,
      'actor/pg_clipfrac': 0.125,
      'perf/time_per_step': 12.5,
      'perf/total_num_tokens': 1608,
      'timing_s/gen': 5,
      'timing_s/update_actor': 6,
    },
    { 'actor/loss': 'nan', 'actor/entropy': 1, 'response_length/max': 64, 'response_length/clip_ratio': 0.5 },
  ];

  beforeAll(async () => {
    const made = await jobOf('verl', 'first', [
      'steps_per_generation=2',
      'num_iterations=2',
      'max_steps=8',
      'save_steps=4',
      'loss_type=grpo',
      'beta=0.05',
      'importance_sampling_cap=1.5',
      'epsilon_high=0.28',
      'soft_punish_cache=60',
      'overlong_weight=0.5',
      'seed=7',
    ]);
    config = made.config;
    const more = [
      await jobOf('verl', 'dr_grpo', ['loss_type=dr_grpo', 'beta=0.3', 'scale_rewards=none']),
      await jobOf('verl', 'dapo', ['importance_sampling_correction=false', 'loss_type=dapo', 'zero_stage=3']),
    ];
    const [found, ...rest] = await told('verl', [
      { job: made.job, model, completion, steps, policy, rewards },
      ...more.map(({ job }) => ({ job, policy, rewards })),
    ]);
    first = found;
    others = more.map((each, i) => ({ config: each.config, found: rest[i] }));
  }, 120_000);

  it('is composed by Hydra as the configuration says, and passes its checks', () => {
    expect(first.settings).toMatchObject({
      data: {
        train_batch_size: 4,
        max_response_length: 64,
        shuffle: false,
        train_files: expect.stringContaining('$(echo "no")'),
      },
      actor_rollout_ref: {
        model: { path: model, enable_gradient_checkpointing: true },
        actor: {
          _target_: 'verl.workers.config.FSDPActorConfig',
          strategy: 'fsdp2',
          ppo_mini_batch_size: 2,
          ppo_epochs: 2,
          ppo_max_token_len_per_gpu: 16_384,
          clip_ratio_low: 0.2,
          clip_ratio_high: 0.28,
          loss_agg_mode: 'seq-mean-token-mean',
          use_kl_loss: true,
          kl_loss_coef: 0.05,
          optim: {
            lr: 1e-6,
            betas: [0.9, 0.99],
            weight_decay: 0.1,
            clip_grad: 0.1,
            lr_scheduler_type: 'cosine',
            min_lr_ratio: 0.1,
            lr_warmup_steps: 1,
            override_optimizer_config: { eps: 1e-8 },
          },
          fsdp_config: { reshard_after_forward: false, model_dtype: 'fp32', dtype: 'bfloat16', seed: 7 },
          checkpoint: { save_contents: ['model', 'optimizer', 'extra', 'hf_model'] },
        },
        rollout: { name: 'vllm', n: 4, temperature: 1, top_p: 1, top_k: -1, response_length: 64 },
        ref: { strategy: 'fsdp2' },
      },
      algorithm: { adv_estimator: 'grpo', norm_adv_by_std_in_grpo: true, use_kl_in_reward: false },
      trainer: {
        nnodes: 1,
        n_gpus_per_node: 4,
        total_training_steps: 2,
        save_freq: 1,
        val_before_train: false,
        logger: ['console'],
      },
    });
  });

  it('is rewarded as a training here is, length punished', async () => {
    const over = Math.max(0, (first.reward.length - 4) / 60);
    const row = JSON.parse(
      readFileSync(join(config.output_dir, 'engine', 'data.jsonl'), 'utf8').split('\n')[0],
    ) as { reward_model: { ground_truth: string } };
    const { query, positives } = JSON.parse(row.reward_model.ground_truth) as {
      query: string;
      positives: string[];
    };
    const reward = await rewardNamed('lexical');
    const [{ reward: wanted }] = await reward.score([{ query, completion, positives }]);
    await reward.close();
    expect(over).toBeGreaterThan(0);
    expect(first.reward.reward).toBeCloseTo(wanted - 0.5 * over, 5);
  });

  it('has its steps read from what its logger prints, in optimiser steps', () => {
    const { lineOf } = engineNamed('verl');
    const found = first.lines.map((line) => lineOf(`(TaskRunnerV1 pid=71) ${line}`, config));
    expect(found).toEqual([
      {
        step: 4,
        tokens: 1608,
        metrics: {
          reward: 0.5,
          'completions/mean_length': 40.5,
          'completions/min_length': 3,
          'completions/max_length': 63,
          'completions/clipped_ratio': 0,
          loss: 0.25,
          grad_norm: 3.5,
          learning_rate: 1e-7,
          kl: 0.01,
          entropy: 1.25,
          'clip_ratio/region_mean': 0.125,
          step_time: 12.5,
          'seconds/rollout': 5,
          'seconds/update': 6,
        },
      },
      {
        step: 8,
        metrics: { loss: NaN, entropy: 1, 'completions/max_length': 64, 'completions/clipped_ratio': 0.5 },
      },
    ]);
  });

  it('has the advantages and the loss of a training here', () => {
    expectNear(first.advantages, advantagesFor(config, rewards));
    expect(first.loss).toBeCloseTo(lossOf(config), 5);
  });

  it('has them with sums over the longest completion and without correction too', () => {
    expect(others).toHaveLength(2);
    for (const other of others) {
      expect(other.found.loss).toBeCloseTo(lossOf(other.config), 5);
      expectNear(other.found.advantages, advantagesFor(other.config, rewards));
    }
  });
});
