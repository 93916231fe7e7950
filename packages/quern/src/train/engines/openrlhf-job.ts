/** OpenRLHF (openrlhf.cli.train_ppo_ray): GRPO under Ray with DeepSpeed, completions by vLLM. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathKindIfAny } from '../../collections/files.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { Engine, EngineCheckpoint, EngineJob, EngineLine, JobParts } from './engine.ts';
import { openRlhfArguments } from './openrlhf-arguments.ts';
import { begunAt, numbersOfDictionary, renamed, withoutProcess } from './printed-numbers.ts';
import { rayJob } from './ray-job.ts';
import { rolloutsOf, rowsOfRun, stepsOfRollout } from './rollouts.ts';
import { isWholeModel } from './whole-model.ts';

export const openrlhf: Engine = {
  name: 'openrlhf',
  programs: ['quern_ray.py', 'quern_reward.py'],
  requirements: ['openrlhf.txt'],
  tokenizes: true,
  log: 'log.txt',
  job: openRlhfJob,
  lineOf,
  checkpoints,
};

function openRlhfJob(parts: JobParts): EngineJob {
  const { config, data } = parts;
  const args = openRlhfArguments(parts);
  const rows = rowsOfRun(data, rolloutsOf('openrlhf', config), config);
  return rayJob(parts, {
    engine: 'openrlhf',
    module: 'openrlhf.cli.train_ppo_ray',
    args,
    files: {
      'data.jsonl': rows
        .map(({ id, prompt, answer }) => `${JSON.stringify({ id, prompt, label: answer })}\n`)
        .join(''),
    },
    notes:
      config.log_completions_steps > 0
        ? ['openrlhf does not tell its completions: log_completions_steps brings no samples']
        : [],
  });
}

/** Our names for its metrics; the parts of rewards have ours (quern_reward.py). */
const names = {
  reward: 'rollout/reward_mean',
  reward_std: 'group_reward_std',
  'completions/mean_length': 'rollout/response_length_mean',
  'completions/clipped_ratio': 'rollout/truncated_rate',
  grad_norm: 'actor_grad_norm',
  learning_rate: 'actor_lr',
  entropy: 'entropy_loss',
  'clip_ratio/region_mean': 'ppo_clip_ratio',
  step_time: 'timing/step_total',
  'seconds/rollout': 'timing/generation',
  'seconds/update': 'timing/ppo_train',
} as const;

/** Its trainer prints a dictionary at the end of each rollout; texts of the model, on lines of their own, do not begin so. */
const stepForm = /^INFO [\d :-]{14} ppo_trainer\.py:\d+\] \S+ Global step (\d{1,12}): (\{.*\})\s*$/u;

function lineOf(text: string, config: TrainConfig): EngineLine | undefined {
  const steps = stepsOfRollout(config);
  const begun = begunAt(text);
  if (begun !== undefined) return { step: begun * steps, metrics: {} };
  const [, rollout, told] = stepForm.exec(withoutProcess(text)) ?? [];
  if (rollout === undefined) return undefined;
  const numbers = numbersOfDictionary(told);
  const { policy_loss: loss, kl, total_length: length, 'rollout/num_samples': samples } = numbers;
  const parts = Object.entries(numbers).filter(([name]) => name.startsWith('rewards/'));
  return {
    step: Number(rollout) * steps,
    metrics: {
      ...renamed(numbers, names),
      ...(loss !== undefined && { loss: config.beta > 0 ? loss + config.beta * (kl ?? 0) : loss }),
      ...(config.beta > 0 && kl !== undefined && { kl }),
      ...Object.fromEntries(parts),
    },
    ...(Number.isFinite(length * samples) && { tokens: Math.round(length * samples) }),
  };
}

/** Models beside its checkpoints, which are written after what it goes on from, and the one of its end. */
async function checkpoints(folder: string, config: TrainConfig): Promise<EngineCheckpoint[]> {
  const root = join(folder, 'checkpoints');
  const found: EngineCheckpoint[] = [];
  for (const name of (await pathKindIfAny(root))?.isFolder ? await readdir(root) : []) {
    const rollout = /^global_step(\d{1,12})_hf$/.exec(name)?.[1];
    const model = join(root, name);
    if (rollout === undefined || !(await isWholeModel(model))) continue;
    found.push({
      step: Number(rollout) * stepsOfRollout(config),
      folder: join(root, '_actor', `global_step${rollout}`),
      model,
    });
  }
  const last = join(folder, 'trained');
  if (!found.some(({ step }) => step === config.max_steps) && (await isWholeModel(last)))
    found.push({ step: config.max_steps, folder: last, model: last });
  return found.sort((a, b) => a.step - b.step);
}
