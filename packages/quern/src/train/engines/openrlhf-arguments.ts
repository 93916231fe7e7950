/** A configuration as the arguments of OpenRLHF 0.11 (openrlhf.cli.train_ppo_ray). */
import { join } from 'node:path';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { JobParts } from './engine.ts';
import { processesOfMachine } from './micro-batch.ts';
import { colocatedCopies, keptCheckpoints, microBatchesOf } from './ray-job.ts';
import { rolloutsOf } from './rollouts.ts';
import { checkSupported, unsupportedOnRay, type Unsupported } from './unsupported.ts';

/** What OpenRLHF does not have. */
const unsupported: readonly Unsupported[] = [
  ...unsupportedOnRay,
  {
    field: 'loss_type',
    when: ({ loss_type: type }) => type === 'dr_grpo',
    why: 'it divides by tokens or by completions that there are',
    hint: 'Say dapo or grpo, or take --engine verl',
  },
  {
    field: 'loss_type',
    when: ({ loss_type: type, beta }) => type === 'grpo' && beta > 0,
    why: 'its KL divergence is a mean over tokens, whatever its loss is',
    hint: 'Say dapo, or beta 0, or take --engine verl',
  },
  {
    field: 'top_k',
    when: ({ top_k: k }) => k !== 0,
    why: 'it draws from all tokens',
    hint: 'Leave it at 0',
  },
];

/** The arguments. Throws `USAGE` for what OpenRLHF does not have. */
export function openRlhfArguments(parts: JobParts): string[] {
  const { config, folder, model, data } = parts;
  checkSupported('openrlhf', config, unsupported);
  const rollouts = rolloutsOf('openrlhf', config);
  const { perProcess } = microBatchesOf(parts);
  return Object.entries({
    'actor.model_name_or_path': model,
    'reward.remote_url': join(folder, 'quern_reward.py'),
    'data.prompt_dataset': join(folder, 'data.jsonl'),
    'data.prompt_split': 'train',
    'data.input_key': 'prompt',
    'data.label_key': 'label',
    'data.max_len': data.longestPrompt + config.max_completion_length,
    'train.seed': config.seed % 2 ** 32,
    // The data has all questions of the run, one pass over which is the run.
    'train.num_episodes': 1,
    'train.max_epochs': config.num_iterations,
    'train.batch_size': config.generation_batch_size / config.steps_per_generation,
    'train.micro_batch_size': perProcess,
    'rollout.batch_size': rollouts.prompts,
    'rollout.micro_batch_size': perProcess,
    'rollout.n_samples_per_prompt': config.num_generations,
    'rollout.max_new_tokens': config.max_completion_length,
    'rollout.temperature': config.temperature,
    'rollout.top_p': config.top_p,
    ...optimizer(config),
    ...loss(config),
    ...lengthPenalty(config),
    ...devices(config),
    'ckpt.path': join(folder, 'checkpoints'),
    'ckpt.output_dir': join(folder, 'trained'),
    'ckpt.save_steps': rollouts.saveEvery,
    'ckpt.max_num': keptCheckpoints(config),
    'ckpt.best_metric_key': 'none',
    'ckpt.save_hf': true,
    'ckpt.load_enable': true,
    // Tells the entropy, and gives it no weight.
    'actor.entropy_coef': 0,
  }).flatMap(([name, value]) => {
    if (value === false) return [];
    return [
      `--${name}`,
      ...(value === true ? [] : Array.isArray(value) ? value.map(String) : [String(value)]),
    ];
  });
}

type Arguments = Readonly<Record<string, string | number | boolean | readonly number[]>>;

function optimizer(config: TrainConfig): Arguments {
  const schedules = {
    constant: 'constant_with_warmup',
    linear: 'linear',
    cosine_with_min_lr: 'cosine_with_min_lr',
  } as const;
  return {
    'actor.optim': 'adam',
    'actor.adam.lr': config.learning_rate,
    'actor.adam.betas': [config.adam_beta1, config.adam_beta2],
    'actor.adam.eps': config.adam_epsilon,
    'actor.adam.weight_decay': config.weight_decay,
    'actor.max_norm': config.max_grad_norm,
    'actor.lr_scheduler': schedules[config.lr_scheduler_type],
    'actor.lr_warmup_ratio': config.warmup_ratio,
    'actor.min_lr_ratio': config.min_lr_rate,
  };
}

function loss(config: TrainConfig): Arguments {
  return {
    'actor.policy_loss_type': 'ppo',
    'actor.loss_agg_mode': config.loss_type === 'grpo' ? 'seq-mean-token-mean' : 'token-mean',
    'actor.eps_clip_low_high': [config.epsilon, config.epsilon_high],
    'algo.advantage.estimator': config.scale_rewards === 'group' ? 'group_norm' : 'dr_grpo',
    // By default it cuts rewards, which advantages are by then, at -10 and 10.
    'reward.clip_range': [-1_000_000, 1_000_000],
    'algo.kl.init_coef': config.beta,
    'algo.kl.use_loss': true,
    'algo.kl.estimator': 'k3',
    ...(config.importance_sampling_correction
      ? {
          'algo.advantage.is_correction_level': 'token',
          'algo.advantage.is_correction_mode': 'clip',
          'algo.advantage.is_correction_gating': 'ratio',
          'algo.advantage.is_correction_threshold': config.importance_sampling_cap,
        }
      : { 'algo.advantage.is_correction_level': 'off' }),
  };
}

function lengthPenalty({ soft_punish_cache: cache, overlong_weight: weight }: TrainConfig): Arguments {
  return cache === 0 ? {} : { 'reward.overlong_buffer_len': cache, 'reward.overlong_penalty_factor': weight };
}

function devices(config: TrainConfig): Arguments {
  const machines = config.num_machines;
  const gpus = processesOfMachine(config);
  const isColocated = config.vllm_mode === 'colocate';
  const { vllm_gpu_memory_utilization: share } = config;
  return {
    'actor.num_nodes': machines,
    'actor.num_gpus_per_node': gpus,
    'ref.num_nodes': machines,
    'ref.num_gpus_per_node': gpus,
    ...(isColocated
      ? { 'train.colocate_all': true, 'vllm.enable_sleep': true, 'ds.enable_sleep': true }
      : { 'train.colocate_actor_ref': true }),
    'vllm.num_engines': isColocated ? colocatedCopies(config) : 1,
    'vllm.tensor_parallel_size': config.vllm_tensor_parallel_size,
    ...(share !== undefined && { 'vllm.gpu_memory_utilization': share }),
    'ds.zero_stage': config.zero_stage,
    'ds.param_dtype': 'bf16',
    'actor.gradient_checkpointing_enable': config.gradient_checkpointing,
  };
}
