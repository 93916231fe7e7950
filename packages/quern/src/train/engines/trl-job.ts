/** Training by TRL: GRPOTrainer under accelerate, ZeRO by DeepSpeed and completions by `trl vllm-serve` on GPUs. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { pathKindIfAny } from '../../collections/files.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { EngineRow } from './engine-data.ts';
import type { Engine, EngineCheckpoint, EngineCommand, EngineJob, JobParts } from './engine.ts';
import { numbersOf } from './logged-numbers.ts';
import { engineMicroBatches, processesOfMachine } from './micro-batch.ts';
import { shellCommand } from './shell-words.ts';
import { trlSamples } from './trl-samples.ts';
import { checkSupported, type Unsupported } from './unsupported.ts';

/** Where `trl vllm-serve` is asked, by default. */
const vllmPort = 8000;

export const trl: Engine = {
  name: 'trl',
  programs: ['quern_trl.py', 'quern_reward.py'],
  requirements: ['trl.txt', 'trl-gpu.txt'],
  tokenizes: false,
  log: 'log.jsonl',
  job: trlJob,
  lineOf: (text) => {
    const { step, epoch, begun, ...metrics } = numbersOf(text) ?? {};
    if (begun !== undefined) return { step: begun, metrics: {} };
    // What the trainer says at its end has no reward.
    if (step === undefined || metrics['reward'] === undefined) return undefined;
    return { step, metrics: { ...(epoch !== undefined && { epoch }), ...withoutOwnName(metrics) } };
  },
  checkpoints: async (folder) => {
    const root = join(folder, 'checkpoints');
    const found: EngineCheckpoint[] = [];
    for (const name of (await pathKindIfAny(root))?.isFolder ? await readdir(root) : []) {
      const step = /^checkpoint-(\d+)$/.exec(name)?.[1];
      const path = join(root, name);
      if (step !== undefined && (await pathKindIfAny(join(path, 'whole'))))
        found.push({ step: Number(step), folder: path, model: path });
    }
    return found.sort((a, b) => a.step - b.step);
  },
  samples: trlSamples,
};

/** The reward as TRL names it by our function; its parts are told apart, and the whole is `reward`. */
function withoutOwnName(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.startsWith('rewards/quern/')));
}

function trlJob(parts: JobParts): EngineJob {
  const { config, folder, data, python } = parts;
  processesOfMachine(config);
  checkSupported('trl', config, unsupported);
  const onCpu = config.device === 'cpu';
  const usesVllm = config.use_vllm === 'auto' ? !onCpu : config.use_vllm;
  const servesVllm = usesVllm && config.vllm_mode === 'server' && config.vllm_server_base_url === undefined;
  const files = {
    'trl.json': `${JSON.stringify(description(parts, { onCpu, usesVllm }), null, 2)}\n`,
    'data.jsonl': enoughRows(data.rows, config)
      .map((row) => `${JSON.stringify({ ...row, messages: undefined })}\n`)
      .join(''),
    // PyYAML reads a bare no as false.
    'accelerate.yaml': stringify(accelerateConfig(config, onCpu), {
      defaultStringType: 'QUOTE_DOUBLE',
      defaultKeyType: 'PLAIN',
    }),
    ...(!onCpu &&
      config.zero_stage > 0 && { 'deepspeed.json': `${JSON.stringify(deepspeedConfig(config), null, 2)}\n` }),
  };
  const own = gpus(0, trainingGpus(config));
  const training: EngineCommand = {
    what: 'training',
    program: python,
    args: [
      '-m',
      'accelerate.commands.launch',
      '--config_file',
      'accelerate.yaml',
      join(folder, 'quern_trl.py'),
      'trl.json',
    ],
    environment: {
      QUERN_REWARD_URL: parts.rewardUrl,
      QUERN_REWARD_RETRIES: String(config.reward_retries),
      TOKENIZERS_PARALLELISM: 'false',
      PYTHONUNBUFFERED: '1',
      // One process that sees several GPUs would put a copy of the model on each, which TRL refuses.
      ...(onCpu ? { ACCELERATE_USE_CPU: 'true' } : { CUDA_VISIBLE_DEVICES: own }),
    },
  };
  const vllm: EngineCommand = {
    what: 'vLLM',
    program: python,
    // The package trl.cli itself cannot be run.
    args: ['-m', 'trl.cli.main', ...vllmArguments(parts)],
    environment: {
      CUDA_VISIBLE_DEVICES: gpus(trainingGpus(config), config.vllm_tensor_parallel_size),
    },
  };
  return {
    files,
    services: servesVllm ? [vllm] : [],
    training,
    cluster: slurmScript(parts, training, servesVllm ? vllm : undefined),
  };
}

/** The questions, several times over where they are fewer than a rollout has: of what is left of them TRL makes no rollout. */
function enoughRows(
  rows: readonly EngineRow[],
  { generation_batch_size: completions, num_generations: group }: TrainConfig,
): EngineRow[] {
  const times = rows.length === 0 ? 0 : Math.ceil(completions / group / rows.length);
  return Array.from({ length: times }, () => rows).flat();
}

function trainingGpus(config: TrainConfig): number {
  return config.device === 'cpu' ? 0 : processesOfMachine(config);
}

/** GPUs of this machine by the names that programs know them by: of those that CUDA_VISIBLE_DEVICES leaves, where it is set. */
function gpus(first: number, count: number): string {
  const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',').map((name) => name.trim());
  return Array.from(
    { length: count },
    (_, i) => (visible ? visible[first + i] : String(first + i)) ?? '-1',
  ).join(',');
}

const unsupported: readonly Unsupported[] = [
  {
    field: 'device',
    when: ({ device }) => device?.startsWith('cuda:') === true,
    why: 'it trains on the first GPUs that there are',
    hint: 'Leave it out; CUDA_VISIBLE_DEVICES says which GPUs there are',
  },
];

function vllmArguments({ config, model, data }: JobParts): string[] {
  const { vllm_gpu_memory_utilization: share } = config;
  return [
    'vllm-serve',
    '--model',
    model,
    '--host',
    config.num_machines > 1 ? '0.0.0.0' : '127.0.0.1',
    '--port',
    String(vllmPort),
    '--tensor_parallel_size',
    String(config.vllm_tensor_parallel_size),
    '--max_model_len',
    String(data.longestPrompt + config.max_completion_length),
    ...(share === undefined ? [] : ['--gpu_memory_utilization', String(share)]),
  ];
}

/** What quern_trl.py reads. */
function description(
  { config, model, data }: JobParts,
  { onCpu, usesVllm }: { readonly onCpu: boolean; readonly usesVllm: boolean },
): Record<string, unknown> {
  const { perProcess, passes } = engineMicroBatches(config, data.longestPrompt);
  const targets = config.lora_target_modules;
  return {
    model,
    data: 'data.jsonl',
    log: 'log.jsonl',
    endTokens: data.endTokens,
    overlong: {
      most: config.max_completion_length,
      cache: config.soft_punish_cache,
      weight: config.overlong_weight,
    },
    mostLoss: config.max_loss,
    lora: config.use_peft
      ? {
          r: config.lora_r,
          lora_alpha: config.lora_alpha,
          lora_dropout: 0,
          bias: 'none',
          task_type: 'CAUSAL_LM',
          target_modules: targets.length === 1 && targets[0] === 'all-linear' ? 'all-linear' : targets,
        }
      : null,
    arguments: {
      output_dir: 'checkpoints',
      seed: config.seed % 2 ** 32,
      max_steps: config.max_steps,
      generation_batch_size: config.generation_batch_size,
      num_generations: config.num_generations,
      per_device_train_batch_size: perProcess,
      gradient_accumulation_steps: passes,
      num_iterations: config.num_iterations,
      max_completion_length: config.max_completion_length,
      temperature: config.temperature,
      top_p: config.top_p,
      top_k: config.top_k,
      repetition_penalty: config.repetition_penalty,
      learning_rate: config.learning_rate,
      ...schedule(config),
      weight_decay: config.weight_decay,
      adam_beta1: config.adam_beta1,
      adam_beta2: config.adam_beta2,
      adam_epsilon: config.adam_epsilon,
      max_grad_norm: config.max_grad_norm,
      loss_type: config.loss_type,
      epsilon: config.epsilon,
      epsilon_high: config.epsilon_high,
      beta: config.beta,
      scale_rewards: config.scale_rewards,
      mask_truncated_completions: config.mask_truncated_completions,
      use_vllm: usesVllm,
      ...(usesVllm && vllmOfTrainer(config, data.longestPrompt)),
      gradient_checkpointing: config.gradient_checkpointing,
      gradient_checkpointing_kwargs: { use_reentrant: false },
      bf16: config.bf16 === 'auto' ? !onCpu : config.bf16,
      use_cpu: onCpu,
      model_init_kwargs: { dtype: 'float32' },
      remove_unused_columns: false,
      logging_steps: 1,
      // Else a loss that is no number is logged as 0.
      logging_nan_inf_filter: false,
      log_completions: config.log_completions_steps > 0,
      num_completions_to_print: 0,
      save_strategy: 'steps',
      save_steps: config.save_steps,
      // The older one goes before the newer one is known to be whole.
      save_total_limit: Math.max(2, config.save_total_limit),
      report_to: 'none',
      disable_tqdm: true,
      // One process has no group, and with a backend accelerate looks for one.
      ...(onCpu && config.num_processes > 1 && { ddp_backend: 'gloo' }),
      ddp_timeout: 1800,
    },
  };
}

function schedule(config: TrainConfig): Record<string, unknown> {
  const kinds = {
    constant: 'constant_with_warmup',
    linear: 'linear',
    cosine_with_min_lr: 'cosine_with_min_lr',
  } as const;
  return {
    lr_scheduler_type: kinds[config.lr_scheduler_type],
    ...(config.lr_scheduler_type === 'cosine_with_min_lr' && {
      lr_scheduler_kwargs: { min_lr_rate: config.min_lr_rate },
    }),
    warmup_steps: Math.ceil(config.warmup_ratio * config.max_steps),
  };
}

function vllmOfTrainer(config: TrainConfig, longestPrompt: number): Record<string, unknown> {
  const { vllm_gpu_memory_utilization: share } = config;
  return {
    vllm_mode: config.vllm_mode,
    ...(config.vllm_mode === 'server'
      ? {
          vllm_server_base_url: config.vllm_server_base_url ?? `http://127.0.0.1:${vllmPort}`,
          vllm_server_timeout: 600,
        }
      : {
          vllm_tensor_parallel_size: config.vllm_tensor_parallel_size,
          vllm_max_model_length: longestPrompt + config.max_completion_length,
          ...(share !== undefined && { vllm_gpu_memory_utilization: share }),
        }),
    vllm_importance_sampling_correction: config.importance_sampling_correction,
    vllm_importance_sampling_mode: 'token_truncate',
    vllm_importance_sampling_clip_max: config.importance_sampling_cap,
  };
}

function accelerateConfig(config: TrainConfig, onCpu: boolean): Record<string, unknown> {
  const { num_processes: processes, num_machines: machines, zero_stage: stage } = config;
  const shared = {
    compute_environment: 'LOCAL_MACHINE',
    num_machines: machines,
    num_processes: processes,
    machine_rank: 0,
    main_training_function: 'main',
    rdzv_backend: machines > 1 ? 'c10d' : 'static',
    same_network: true,
  };
  if (!onCpu && stage > 0) {
    return {
      ...shared,
      distributed_type: 'DEEPSPEED',
      deepspeed_config: {
        deepspeed_config_file: 'deepspeed.json',
        zero3_init_flag: stage === 3,
        deepspeed_multinode_launcher: 'standard',
      },
    };
  }
  // One process needs no launcher's rendezvous. On processors accelerate starts several as it does for GPUs.
  return { ...shared, distributed_type: processes === 1 ? 'NO' : 'MULTI_GPU', mixed_precision: 'no' };
}

/** Sizes that the trainer knows are `auto`: accelerate fills them in. */
function deepspeedConfig({ zero_stage: stage }: TrainConfig): Record<string, unknown> {
  return {
    bf16: { enabled: 'auto' },
    zero_optimization: {
      stage,
      overlap_comm: true,
      contiguous_gradients: true,
      reduce_scatter: true,
      ...(stage === 3 && { stage3_gather_16bit_weights_on_model_save: true }),
    },
    gradient_clipping: 'auto',
    gradient_accumulation_steps: 'auto',
    train_micro_batch_size_per_gpu: 'auto',
    train_batch_size: 'auto',
    zero_allow_untested_optimizer: true,
  };
}

/** A batch script: a node for vLLM where it has GPUs of its own, and the training's nodes. */
function slurmScript(
  { config, folder }: JobParts,
  training: EngineCommand,
  vllm: EngineCommand | undefined,
): string {
  const { num_machines: machines } = config;
  const nodes = machines + (vllm === undefined ? 0 : 1);
  const perNode = Math.max(trainingGpus(config), vllm === undefined ? 0 : config.vllm_tensor_parallel_size);
  const { CUDA_VISIBLE_DEVICES: _own, ...environment } = training.environment;
  const at = training.args.indexOf('accelerate.yaml') + 1;
  const launch = (flags: string): string =>
    `${shellCommand(training.program, training.args.slice(0, at))} ${flags} ${shellCommand(training.args[at], training.args.slice(at + 1))}`;
  const exported = Object.entries(environment).map(
    ([name, value]) => `export ${shellCommand(`${name}=${value}`, [])}`,
  );
  return [
    '#!/bin/bash',
    `#SBATCH --nodes=${nodes} --ntasks-per-node=1${perNode === 0 ? '' : ` --gpus-per-node=${perNode}`}`,
    `cd ${shellCommand(folder, [])} || exit`,
    'rm -f stop',
    '# Where quern reward serve answers, as the nodes reach it; QUERN_REWARD_TOKEN where it asks for a token.',
    ...exported,
    'nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))',
    ...(vllm === undefined
      ? []
      : [
          `srun --nodes=1 --ntasks=1 -w "\${nodes[${machines}]}" ${shellCommand(vllm.program, reachable(vllm.args))} &`,
          `sed -i "s|\\(\\"vllm_server_base_url\\": \\"\\)[^\\"]*|\\1http://\${nodes[${machines}]}:${vllmPort}|" trl.json`,
        ]),
    'export head=${nodes[0]}',
    `srun --nodes=${machines} --ntasks=${machines} -w "$(IFS=,; echo "\${nodes[*]:0:${machines}}")" bash -c '${launch('--machine_rank "$SLURM_PROCID" --main_process_ip "$head" --main_process_port 29500').replaceAll("'", `'\\''`)}'`,
    '',
  ].join('\n');
}

/** Arguments of a server on this machine alone, for one that other machines reach. */
function reachable(args: readonly string[]): string[] {
  return args.map((word, i) => (args[i - 1] === '--host' ? '0.0.0.0' : word));
}
