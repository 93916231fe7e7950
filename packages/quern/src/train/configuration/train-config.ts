/**
 * The configuration of training: flat, by TRL's names where TRL has one. Defaults are TongSearch-QR's (arXiv 2506.11603), and
 * where that does not tell, those of TRL 0.23, which it was trained with.
 */
import { z } from 'zod';
import {
  belowOne,
  factsOf,
  field,
  flag,
  oneOf,
  optionalField,
  orNull,
  positive,
  real,
  requiredField,
  text,
  textLike,
  texts,
  whole,
  wordOr,
} from './fields.ts';
import { togetherIssues } from './together.ts';

/** The matrices of a layer that LoRA can adapt, by the names that PEFT gives them. */
export const loraTargets = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;

const trl = 'TRL 0.23';
const ours = 'ours';
const tongSearch = 'arXiv 2506.11603 (TongSearch-QR)';
const grpo = 'arXiv 2402.03300 (GRPO)';
const dapo = 'arXiv 2503.14476 (DAPO)';
const drGrpo = 'arXiv 2503.20783 (Dr. GRPO)';
const lora = 'arXiv 2106.09685 (LoRA)';

/** In the order in which they are documented and written. */
const fields = {
  model_name_or_path: requiredField(text, {
    description:
      'The model that is trained: a checkpoint folder or that of a LoRA adapter, which is merged first, its name on the Hugging Face hub, or random:tiny, a tiny model of random weights.',
    source: `${trl}, ModelConfig; random:tiny: ${ours}`,
  }),
  method: field(oneOf('grpo', 'sft'), 'grpo', {
    description:
      'grpo learns from rewards of its own completions; sft imitates reasoned queries that are given.',
    source: ours,
  }),
  train_data: requiredField(texts('files or folders'), {
    description:
      'For grpo: output folders of quern curate, or JSONL of question, positives, and id and positive_ids where known. For sft: JSONL of question and reasoned, or a JSON object from question to text. sample: is example questions of the package.',
    source: ours,
  }),
  prompt: field(oneOf('training', 'inference', 'think'), 'training', {
    description:
      'How a question is put: as the reference does in training, as reasoners send it, or with the request to think first.',
    source: tongSearch,
  }),
  reward: optionalField(text, {
    description:
      'What completions are worth: a reward by its name, or the http(s) address of quern reward serve. grpo needs it.',
    source: ours,
    otherwise: 'none; grpo needs one',
  }),
  reward_index: optionalField(text, {
    description: 'The folder of the index that retrieval:MEASURE ranks in.',
    source: ours,
    otherwise: 'the positives of the batch',
  }),
  reward_retries: field(whole(0, 100), 5, {
    description: 'How often a reward at an address is asked again after an error that may pass.',
    source: ours,
  }),
  output_dir: requiredField(text, {
    description: "The run's folder: configuration, metrics, samples, checkpoints. --out sets it.",
    source: 'transformers, TrainingArguments',
  }),
  seed: field(whole(0), 42, {
    description: 'Decides the order of questions, all completions, and new weights.',
    source: 'transformers, TrainingArguments',
  }),
  max_steps: field(whole(1), 150, {
    description: 'Steps of the optimiser; of grpo, rollouts × steps_per_generation × num_iterations.',
    source: `transformers, TrainingArguments; 150: ${tongSearch}`,
  }),
  generation_batch_size: field(whole(1, 65_536), 192, {
    description: 'Completions of a rollout: prompts × num_generations. For sft, examples a step.',
    source: `${trl}; 192 (12 prompts × 16): ${tongSearch}`,
  }),
  num_generations: field(whole(2), 16, {
    description: 'Completions of a prompt, which are compared with each other: the group.',
    source: `${grpo}, G; 16: ${tongSearch}`,
  }),
  steps_per_generation: field(whole(1), 1, {
    description:
      'Optimiser steps of one pass over a rollout; its prompts are divided evenly among them, in a random order. TRL counts micro-batches by it, of which gradient_accumulation_steps make a step: it is its steps_per_generation / gradient_accumulation_steps.',
    source: trl,
  }),
  num_iterations: field(whole(1), 1, {
    description: 'Passes over a rollout.',
    source: `${trl}; ${grpo}, μ`,
  }),
  max_prompt_length: field(whole(1), 8000, {
    description: 'Tokens. Questions whose prompts are longer are left out and counted.',
    source: `${trl}; 8,000: ${tongSearch}`,
  }),
  max_completion_length: field(whole(1), 500, {
    description: 'Tokens after which a completion is cut.',
    source: `${trl}; 500: ${tongSearch}`,
  }),
  temperature: field(positive(10), 1, {
    description: 'Of sampling; logits are divided by it, in the loss as well.',
    source: trl,
  }),
  top_p: field(positive(1), 1, {
    description:
      'Completions are drawn from the likeliest tokens whose probabilities sum to it; 1: from all.',
    source: trl,
  }),
  top_k: field(whole(0), 0, {
    description: 'Completions are drawn from so many of the likeliest tokens; 0: from all.',
    source: trl,
  }),
  repetition_penalty: field(positive(10), 1, {
    description:
      'What logits of tokens that occurred are divided by (multiplied, where negative); 1 changes nothing.',
    source: trl,
  }),
  learning_rate: field(positive(), 1e-6, {
    description: 'Of AdamW, at its highest.',
    source: `${trl}; ${tongSearch}`,
  }),
  lr_scheduler_type: field(oneOf('cosine_with_min_lr', 'constant', 'linear'), 'cosine_with_min_lr', {
    description:
      'How the learning rate falls after warm-up: along a cosine to min_lr_rate of it, not at all, or linearly to 0.',
    source: `transformers, TrainingArguments; ${tongSearch}`,
  }),
  min_lr_rate: field(real(0, 1), 0.1, {
    description: 'What is left of the learning rate at the end of cosine_with_min_lr, as a share.',
    source: `transformers, lr_scheduler_kwargs; 0.1: ${tongSearch}`,
  }),
  warmup_ratio: field(real(0, 1), 0.1, {
    description: 'The share of steps over which the learning rate rises linearly from 0.',
    source: `transformers, TrainingArguments; 0.1: ${tongSearch}`,
  }),
  weight_decay: field(real(0), 0.1, {
    description: 'Of AdamW, decoupled; biases and norms are not decayed.',
    source: `transformers, TrainingArguments; 0.1: ${tongSearch}`,
  }),
  adam_beta1: field(belowOne, 0.9, {
    description: 'How much of the mean of gradients is kept each step.',
    source: 'transformers, TrainingArguments',
  }),
  adam_beta2: field(belowOne, 0.99, {
    description: "How much of the mean of gradients' squares is kept each step.",
    source: `transformers, TrainingArguments; 0.99: ${tongSearch}`,
  }),
  adam_epsilon: field(positive(), 1e-8, {
    description: 'Added to the root of that mean before it divides.',
    source: 'transformers, TrainingArguments',
  }),
  max_grad_norm: field(positive(), 0.1, {
    description: 'Gradients whose norm is larger are scaled down to it.',
    source: `transformers, TrainingArguments; 0.1: ${tongSearch}`,
  }),
  loss_type: field(oneOf('grpo', 'bnpo', 'dr_grpo', 'dapo'), 'dapo', {
    description:
      'How losses of tokens become one: grpo, mean of the means of completions; dapo and bnpo, mean over the tokens of the step; dr_grpo, sum over completions × max_completion_length.',
    source: `${trl}; ${grpo}; ${dapo}; ${drGrpo}`,
  }),
  epsilon: field(real(0, 1), 0.2, {
    description: 'How far the ratio of probabilities may fall below 1 before the loss is clipped.',
    source: `${trl}; ${grpo}, ε`,
  }),
  epsilon_high: optionalField(real(0), {
    description:
      'How far it may rise above 1; more than epsilon keeps rare tokens alive (clip-higher, 0.28).',
    source: `${trl}; ${dapo}`,
    otherwise: 'epsilon',
  }),
  beta: field(real(0), 0.008, {
    description: 'Weight of the KL divergence from the model as it was; 0 needs no reference model.',
    source: `${trl}; ${grpo}, β; 0.008: ${tongSearch}`,
  }),
  scale_rewards: field(oneOf('group', 'batch', 'none'), 'group', {
    description:
      "What advantages are divided by: the standard deviation of the group's rewards, of the batch's, or nothing.",
    source: `${trl}; ${grpo}; none: ${drGrpo}`,
  }),
  importance_sampling_correction: field(flag, true, {
    description:
      'Weigh each token by its probability in training over that in generation, which differ in rounding and after an update.',
    source: `${trl}, vllm_importance_sampling_correction`,
  }),
  importance_sampling_cap: field(positive(), 2, {
    description: 'What these weights are cut at.',
    source: `${trl}, vllm_importance_sampling_cap`,
  }),
  mask_truncated_completions: field(flag, false, {
    description: 'Leave completions that were cut at max_completion_length out of the loss.',
    source: `${trl}; ${dapo}, overlong filtering`,
  }),
  soft_punish_cache: field(whole(0), 0, {
    description:
      'Tokens before max_completion_length over which a punishment of length grows from 0 to 1; 0: no punishment.',
    source: `${dapo}, eq. 13, L_cache; TRL, get_soft_overlong_punishment`,
  }),
  overlong_weight: field(real(0), 1, {
    description: 'What that punishment is multiplied by before it is taken from the reward.',
    source: ours,
  }),
  tokens_per_micro_batch: field(whole(1), 16_384, {
    description:
      'Tokens, padding counted, that go forward and backward at a time. It changes memory and speed, not the step.',
    source: ours,
  }),
  gradient_checkpointing: field(flag, true, {
    description:
      "Keep only each layer's input of the forward pass and compute the rest again: less memory, a third more time.",
    source: trl,
  }),
  bf16: field({ ...wordOr('auto', flag), type: 'auto, true or false' }, 'auto', {
    description: 'Compute in bfloat16 (autocast; weights stay in float32). auto: on GPUs.',
    source: `${trl}; auto: ${ours}`,
  }),
  device: optionalField(textLike('cpu, cuda or cuda:N', /^(?:cpu|cuda(?::\d{1,3})?)$/), {
    description: 'What computes.',
    source: ours,
    otherwise: 'QUERN_DEVICE, else the first GPU, else cpu',
  }),
  generation_rows: field(wordOr('auto', whole(1)), 'auto', {
    description:
      'Completions that are generated at a time. auto: as many as fit into memory, at most generation_batch_size.',
    source: ours,
  }),
  use_peft: field(flag, false, {
    description: 'Train LoRA adapters in place of all weights.',
    source: `${trl}, ModelConfig; ${lora}`,
  }),
  lora_r: field(whole(1), 16, {
    description: 'Rank of the adapters.',
    source: `${trl}, ModelConfig; ${lora}, r`,
  }),
  lora_alpha: field(positive(), 32, {
    description: 'Adapters are scaled by lora_alpha / lora_r.',
    source: `${trl}, ModelConfig; ${lora}, α`,
  }),
  lora_target_modules: field(
    texts(['all-linear', ...loraTargets].join(', '), z.enum(['all-linear', ...loraTargets])),
    ['all-linear'],
    {
      description: 'Matrices of every layer that get adapters; all-linear alone is all seven.',
      source: `${trl}, ModelConfig; all-linear: PEFT`,
    },
  ),
  num_processes: field(whole(1, 65_536), 1, {
    description: 'Processes that train, each with a GPU of its own, on all machines together. Engines alone.',
    source: 'accelerate',
  }),
  num_machines: field(whole(1, 65_536), 1, {
    description: 'Machines that they run on, as many on each. Engines alone.',
    source: 'accelerate',
  }),
  zero_stage: field(whole(0, 3), 2, {
    description:
      'What is divided among processes on GPUs: 1 moments, 2 gradients too, 3 weights too; 0: nothing. Engines alone.',
    source: `accelerate, DeepSpeed (arXiv 1910.02054, ZeRO); 2: ${tongSearch}`,
  }),
  use_vllm: field(wordOr('auto', flag), 'auto', {
    description: 'Draw completions by vLLM. auto: on GPUs. Engine trl; the others always do.',
    source: `${trl}; auto: ${ours}`,
  }),
  vllm_mode: field(oneOf('server', 'colocate'), 'server', {
    description: 'Whether vLLM has GPUs of its own, or those of the processes that train. Engines alone.',
    source: trl,
  }),
  vllm_server_base_url: optionalField(textLike('an http(s) address', /^https?:\/\/[^\s/?#]+$/), {
    description: 'Where trl vllm-serve runs already. Engine trl.',
    source: trl,
    otherwise: 'it is started with the training',
  }),
  vllm_tensor_parallel_size: field(whole(1), 1, {
    description: 'GPUs that each copy of the model is divided among in vLLM. Engines alone.',
    source: trl,
  }),
  vllm_gpu_memory_utilization: optionalField(positive(1), {
    description: "The share of a GPU's memory that vLLM takes. Engines alone.",
    source: trl,
    otherwise: "the engine's own",
  }),
  save_steps: field(whole(1), 25, {
    description: 'A checkpoint is written every so many steps, and at the end.',
    source: `transformers, TrainingArguments; 25: ${ours}`,
  }),
  save_total_limit: field(whole(1), 2, {
    description: 'The last checkpoints that are kept; the best one is kept besides.',
    source: `transformers, TrainingArguments; 2: ${ours}`,
  }),
  eval_steps: field(whole(0), 0, {
    description: 'Validation every so many steps; 0: never.',
    source: `transformers, TrainingArguments; 0: ${ours}`,
  }),
  eval_data: field(texts('files or folders'), [], {
    description: 'Questions of validation, in the forms of train_data.',
    source: ours,
  }),
  eval_questions: field(whole(1), 64, {
    description: 'The most of them that are used, the same each time.',
    source: ours,
  }),
  eval_collection: optionalField(
    textLike(
      'beir:FOLDER, bright:SUBSET, bright-pro:SUBSET, r2med:SUBSET or rar-b:TASK',
      /^(?:beir|bright|bright-pro|r2med|rar-b):./,
    ),
    {
      description: 'A collection on which nDCG@10 with and without reasoning is measured.',
      source: ours,
      otherwise: 'none',
    },
  ),
  eval_split: optionalField(text, {
    description: 'The split of its judgements.',
    source: ours,
    otherwise: "the collection's own",
  }),
  eval_index: optionalField(text, {
    description: "The folder of the collection's index: opened, or built there.",
    source: ours,
    otherwise: 'built for the run',
  }),
  eval_topics: optionalField(whole(1), {
    description: 'How many of its topics are used, drawn once.',
    source: ours,
    otherwise: 'all',
  }),
  metric_for_best_model: field(oneOf('reward', 'ndcg@10'), 'reward', {
    description:
      'What the best checkpoint is best in, at validation. For sft it is the loss, whatever this is.',
    source: `transformers, TrainingArguments; reward: ${ours}`,
  }),
  log_completions_steps: field(whole(0), 10, {
    description: 'Every so many steps a rollout is written to samples/step-N.jsonl; 0: never.',
    source: `${trl}, log_completions with logging_steps`,
  }),
  max_loss: field(orNull(positive()), null, {
    description: 'The run stops where the loss goes beyond; null: only where it is no number.',
    source: ours,
  }),
};

/** The names of a configuration's fields, in the order in which they are documented and written. */
export const fieldNames = Object.keys(fields) as readonly (keyof TrainConfig)[];

/**
 * A whole configuration. What it parses has every field with a default; `epsilon_high` is `epsilon` where it was not given. An
 * issue of fields that do not go together has their names, the one to blame first, as `params.fields`, and may have
 * `params.hint`.
 */
export const trainConfigSchema = z
  .strictObject(fields)
  .superRefine((config, context) => {
    for (const { message, fields: blamed, hint } of togetherIssues(config)) {
      context.addIssue({ code: 'custom', message, path: [blamed[0]], params: { fields: blamed, hint } });
    }
  })
  .transform((config) => ({ ...config, epsilon_high: config.epsilon_high ?? config.epsilon }));

/** A configuration in whole, as training takes it. */
export type TrainConfig = Readonly<z.output<typeof trainConfigSchema>>;

/** A configuration before what depends on other fields is filled in. */
export type ParsedFields = Readonly<z.output<z.ZodObject<typeof fields>>>;

/** What is documented of a field. */
export interface FieldDocumentation {
  readonly name: keyof TrainConfig;
  /** What it takes, in words. */
  readonly type: string;
  /** As YAML has it, or in words. */
  readonly default: string;
  readonly description: string;
  /** Where name and default are from: TRL or transformers, a paper, or a decision of this project (`ours`). */
  readonly source: string;
}

/** The documentation of all fields, in order. */
export function fieldDocumentation(): FieldDocumentation[] {
  return fieldNames.map((name) => {
    const { type, description, source, otherwise } = factsOf(fields[name]);
    const byDefault: unknown = fields[name].safeParse(undefined).data;
    const shown = byDefault === undefined ? undefined : shownDefault(byDefault);
    return { name, type, default: shown ?? otherwise ?? 'must be given', description, source };
  });
}

function shownDefault(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && value !== 0 && value < 1e-3
    ? value.toExponential()
    : JSON.stringify(value);
}

/** What a field must be, in words; undefined for a name that is none. */
export function fieldType(name: string): string | undefined {
  return Object.hasOwn(fields, name) ? factsOf(fields[name as keyof TrainConfig]).type : undefined;
}

/** Whether a field takes text or texts, which then need no quotes on a command line. */
export function takesTextAsItIs(name: string): boolean {
  return Object.hasOwn(fields, name) && factsOf(fields[name as keyof TrainConfig]).isText === true;
}
