/** verl (verl.trainer.main_ppo): GRPO under Ray with FSDP, completions by vLLM. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { pathKindIfAny } from '../../collections/files.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { Engine, EngineCheckpoint, EngineJob, EngineLine, JobParts } from './engine.ts';
import { begunAt, numbersOfList, renamed, withoutProcess } from './printed-numbers.ts';
import { rayJob } from './ray-job.ts';
import { rolloutsOf, rowsOfRun, stepsOfRollout } from './rollouts.ts';
import { verlConfig } from './verl-config.ts';
import { verlSamples } from './verl-samples.ts';
import { isWholeModel } from './whole-model.ts';

export const verl: Engine = {
  name: 'verl',
  programs: ['quern_ray.py', 'quern_reward.py'],
  requirements: ['verl.txt'],
  tokenizes: true,
  log: 'log.txt',
  job: verlJob,
  lineOf,
  checkpoints,
  samples: verlSamples,
};

function verlJob(parts: JobParts): EngineJob {
  const { config, data, folder } = parts;
  const settings = verlConfig(parts);
  const rows = rowsOfRun(data, rolloutsOf('verl', config), config);
  return rayJob(parts, {
    engine: 'verl',
    module: 'verl.trainer.main_ppo',
    args: ['--config-path', folder, '--config-name', 'verl'],
    files: {
      // PyYAML reads a bare no as false, and 1e-06 without a point as a text.
      'verl.yaml': stringify(settings, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' }),
      'data.jsonl': rows
        .map(({ messages, answer }, index) => {
          const row = {
            data_source: 'quern',
            prompt: messages,
            ability: 'retrieval',
            reward_model: { style: 'model', ground_truth: answer },
            extra_info: { index },
          };
          return `${JSON.stringify(row)}\n`;
        })
        .join(''),
      'questions.jsonl': data.rows
        .map(({ id, question, answer }) => `${JSON.stringify({ id, question, answer })}\n`)
        .join(''),
    },
  });
}

/** Our names for its metrics. */
const names = {
  reward: 'critic/score/mean',
  'completions/mean_length': 'response_length/mean',
  'completions/min_length': 'response_length/min',
  'completions/max_length': 'response_length/max',
  loss: 'actor/loss',
  grad_norm: 'actor/grad_norm',
  learning_rate: 'actor/lr',
  kl: 'actor/kl_loss',
  entropy: 'actor/entropy',
  'clip_ratio/region_mean': 'actor/pg_clipfrac',
  step_time: 'perf/time_per_step',
  'seconds/rollout': 'timing_s/gen',
  'seconds/update': 'timing_s/update_actor',
} as const;

function lineOf(text: string, config: TrainConfig): EngineLine | undefined {
  const steps = stepsOfRollout(config);
  const begun = begunAt(text);
  if (begun !== undefined) return { step: begun * steps, metrics: {} };
  const [, rollout, told] = /^step:(\d{1,12}) - (.*)$/.exec(withoutProcess(text)) ?? [];
  if (rollout === undefined) return undefined;
  const numbers = numbersOfList(told);
  const { 'response_length/max': longest, 'response_length/clip_ratio': atLongest } = numbers;
  return {
    step: Number(rollout) * steps,
    metrics: {
      ...renamed(numbers, names),
      // It counts those that are as long as the longest of the rollout, cut or not.
      ...(atLongest !== undefined && {
        'completions/clipped_ratio': longest < config.max_completion_length ? 0 : atLongest,
      }),
    },
    ...(Number.isFinite(numbers['perf/total_num_tokens']) && { tokens: numbers['perf/total_num_tokens'] }),
  };
}

/** Those up to the one that it goes on from, which it names once all is written. */
async function checkpoints(folder: string, config: TrainConfig): Promise<EngineCheckpoint[]> {
  const root = join(folder, 'checkpoints');
  const latest = Number(
    await readFile(join(root, 'latest_checkpointed_iteration.txt'), 'utf8').catch(() => '0'),
  );
  const found: EngineCheckpoint[] = [];
  for (const name of latest > 0 ? await readdir(root) : []) {
    const rollout = Number(/^global_step_(\d{1,12})$/.exec(name)?.[1] ?? NaN);
    const at = join(root, name);
    const model = join(at, 'actor', 'huggingface');
    if (!(rollout <= latest) || !(await pathKindIfAny(join(at, 'data.pt'))) || !(await isWholeModel(model)))
      continue;
    found.push({ step: rollout * stepsOfRollout(config), folder: at, model });
  }
  return found.sort((a, b) => a.step - b.step);
}
