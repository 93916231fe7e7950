/** A configuration as what verl 0.9 is configured by (verl.trainer.main_ppo, its trainer `sync`). */
import { join } from 'node:path';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { JobParts } from './engine.ts';
import { processesOfMachine } from './micro-batch.ts';
import { colocatedCopies, keptCheckpoints, microBatchesOf } from './ray-job.ts';
import { rolloutsOf } from './rollouts.ts';
import { checkSupported, unsupportedOnRay, type Unsupported } from './unsupported.ts';

/** What verl does not have. */
const unsupported: readonly Unsupported[] = [
  ...unsupportedOnRay,
  {
    field: 'vllm_mode',
    when: ({ vllm_mode: mode }) => mode === 'server',
    why: 'vLLM has the GPUs that train, where a step learns from its own rollout',
    hint: 'Say vllm_mode: colocate',
  },
  {
    field: 'lr_scheduler_type',
    when: ({ lr_scheduler_type: type }) => type === 'linear',
    why: 'its learning rate falls along a cosine or not at all',
    hint: 'Say cosine_with_min_lr or constant',
  },
  {
    field: 'zero_stage',
    when: ({ zero_stage: stage }) => stage < 2,
    why: 'FSDP divides moments and gradients (2), or weights too (3)',
    hint: 'Say 2 or 3',
  },
];

/** A part of a configuration. */
type Tree = {
  readonly [name: string]: string | number | boolean | null | Tree | readonly (string | number | Tree)[];
};

/** The configuration over the package's own. Throws `USAGE` for what verl does not have. */
export function verlConfig(parts: JobParts): Tree {
  const { config, folder, data } = parts;
  checkSupported('verl', config, unsupported);
  const rollouts = rolloutsOf('verl', config);
  return {
    // The package's configuration is the ground; this file says what differs.
    defaults: ['ppo_trainer', '_self_'],
    hydra: {
      searchpath: ['pkg://verl.trainer.config'],
      run: { dir: escaped(join(folder, 'hydra')) },
    },
    data: {
      train_files: escaped(join(folder, 'data.jsonl')),
      // It has to be named, and is not used.
      val_files: escaped(join(folder, 'data.jsonl')),
      val_max_samples: 1,
      prompt_key: 'prompt',
      max_prompt_length: data.longestPrompt,
      max_response_length: config.max_completion_length,
      train_batch_size: rollouts.prompts,
      // The data has all questions of the run, in their order.
      shuffle: false,
      seed: config.seed % 2 ** 32,
      filter_overlong_prompts: false,
      truncation: 'error',
      dataloader_num_workers: 1,
    },
    actor_rollout_ref: actorRolloutRef(parts),
    algorithm: {
      adv_estimator: 'grpo',
      norm_adv_by_std_in_grpo: config.scale_rewards === 'group',
      use_kl_in_reward: false,
      rollout_correction: {
        rollout_is: config.importance_sampling_correction ? 'token' : null,
        rollout_is_threshold: config.importance_sampling_cap,
      },
    },
    reward: reward(config, folder),
    trainer: {
      project_name: 'quern',
      experiment_name: 'quern',
      logger: ['console'],
      nnodes: config.num_machines,
      n_gpus_per_node: processesOfMachine(config),
      total_epochs: 1,
      total_training_steps: rollouts.count,
      critic_warmup: 0,
      val_before_train: false,
      test_freq: -1,
      save_freq: rollouts.saveEvery,
      resume_mode: 'auto',
      default_local_dir: escaped(join(folder, 'checkpoints')),
      max_actor_ckpt_to_keep: keptCheckpoints(config),
      rollout_data_dir: config.log_completions_steps > 0 ? escaped(join(folder, 'rollouts')) : null,
      use_v1: true,
      v1: { trainer_mode: 'sync' },
    },
  };
}

/** A text as OmegaConf reads it back: `${` would be a reference to another value. */
export function escaped(text: string): string {
  return text.replaceAll(/(\\*)\$\{/g, (_, before: string) => `${before}${before}\\\${`);
}

function actorRolloutRef(parts: JobParts): Tree {
  const { config, model, data } = parts;
  const { vllm_gpu_memory_utilization: share, seed } = config;
  colocatedCopies(config);
  microBatchesOf(parts);
  // What goes forward and backward at a time has to have room for one completion.
  const tokens = Math.max(config.tokens_per_micro_batch, data.longestPrompt + config.max_completion_length);
  const fsdp = { reshard_after_forward: config.zero_stage === 3, dtype: 'bfloat16' };
  return {
    model: {
      path: escaped(model),
      enable_gradient_checkpointing: config.gradient_checkpointing,
      use_remove_padding: true,
    },
    actor: {
      strategy: 'fsdp2',
      fsdp_config: { ...fsdp, model_dtype: 'fp32', seed: seed % 2 ** 32 },
      ...loss(config),
      ppo_mini_batch_size:
        config.generation_batch_size / config.steps_per_generation / config.num_generations,
      ppo_epochs: config.num_iterations,
      use_dynamic_bsz: true,
      ppo_max_token_len_per_gpu: tokens,
      shuffle: config.steps_per_generation > 1,
      data_loader_seed: seed % 2 ** 31,
      optim: optimizer(config),
      checkpoint: { save_contents: ['model', 'optimizer', 'extra', 'hf_model'] },
    },
    ref: {
      fsdp_config: fsdp,
      log_prob_use_dynamic_bsz: true,
      log_prob_max_token_len_per_gpu: tokens,
    },
    rollout: {
      name: 'vllm',
      n: config.num_generations,
      temperature: config.temperature,
      top_p: config.top_p,
      top_k: config.top_k === 0 ? -1 : config.top_k,
      calculate_log_probs: true,
      tensor_model_parallel_size: config.vllm_tensor_parallel_size,
      ...(share !== undefined && { gpu_memory_utilization: share }),
      seed: seed % 2 ** 32,
      log_prob_use_dynamic_bsz: true,
      log_prob_max_token_len_per_gpu: tokens,
    },
  };
}

function loss(config: TrainConfig): Tree {
  const modes = {
    grpo: 'seq-mean-token-mean',
    bnpo: 'token-mean',
    dapo: 'token-mean',
    dr_grpo: 'seq-mean-token-sum-norm',
  } as const;
  return {
    loss_agg_mode: modes[config.loss_type],
    loss_scale_factor: config.loss_type === 'dr_grpo' ? config.max_completion_length : null,
    clip_ratio: config.epsilon,
    clip_ratio_low: config.epsilon,
    clip_ratio_high: config.epsilon_high,
    // A second bound, of ratios whose advantage is negative, which GRPO does not have.
    clip_ratio_c: 1_000_000,
    use_kl_loss: config.beta > 0,
    kl_loss_coef: config.beta,
    kl_loss_type: 'low_var_kl',
    entropy_coeff: 0,
  };
}

function optimizer(config: TrainConfig): Tree {
  const isCosine = config.lr_scheduler_type === 'cosine_with_min_lr';
  const { count } = rolloutsOf('verl', config);
  return {
    optimizer: 'AdamW',
    lr: config.learning_rate,
    betas: [config.adam_beta1, config.adam_beta2],
    weight_decay: config.weight_decay,
    override_optimizer_config: { eps: config.adam_epsilon },
    clip_grad: config.max_grad_norm,
    lr_scheduler_type: isCosine ? 'cosine' : 'constant',
    ...(isCosine && { min_lr_ratio: config.min_lr_rate }),
    // It counts rollouts, as its learning rate changes with them.
    lr_warmup_steps: Math.ceil(config.warmup_ratio * count),
  };
}

function reward(config: TrainConfig, folder: string): Tree {
  const { soft_punish_cache: cache, overlong_weight: weight } = config;
  return {
    custom_reward_function: { path: escaped(join(folder, 'quern_reward.py')), name: 'compute_score' },
    reward_manager: { name: cache > 0 ? 'dapo' : 'naive' },
    ...(cache > 0 && {
      reward_kwargs: {
        max_resp_len: config.max_completion_length,
        overlong_buffer_cfg: { enable: true, len: cache, penalty_factor: weight, log: false },
      },
    }),
  };
}
