import { alternatives } from './fields.ts';
import type { TrainConfig } from './train-config.ts';

/** A configuration in part: what differs from the defaults. */
export interface Preset {
  readonly description: string;
  readonly fields: Readonly<Partial<TrainConfig>>;
}

/** The reward of TongSearch-QR: DESIGN.md, "Facts of the method". */
const similarity = 'similarity:torch:BAAI/bge-base-en-v1.5';

/** Configurations to begin with, by name. The defaults are those of TongSearch-QR already. */
export const presets = {
  'tongsearch-1.5b': {
    description: 'TongSearch-QR-1.5B as published: full fine-tuning on one GPU of 80 GB',
    fields: { model_name_or_path: 'Qwen/Qwen2.5-1.5B-Instruct', reward: similarity },
  },
  'tongsearch-7b': {
    description: 'TongSearch-QR-7B with LoRA, so that it fits one GPU of 80 GB',
    fields: {
      model_name_or_path: 'Qwen/Qwen2.5-7B-Instruct',
      reward: similarity,
      // Full fine-tuning (weights, gradients and two moments in float32) needs 122 GB before the first token.
      use_peft: true,
      // Adapters take about ten times the rate of full fine-tuning (TRL's guide to LoRA; Hu et al. 2021, table 12).
      learning_rate: 1e-5,
    },
  },
  modern: {
    description: 'What has replaced parts of the published method since, on Qwen2.5-1.5B-Instruct',
    fields: {
      model_name_or_path: 'Qwen/Qwen2.5-1.5B-Instruct',
      reward: similarity,
      // DAPO, section 2.3, and Dr. GRPO drop the divergence: the policy is meant to leave the model as it was. TRL's default.
      beta: 0,
      // DAPO, section 3.1 (clip-higher).
      epsilon_high: 0.28,
      // Dr. GRPO, section 3.1: both divisions bias the gradient, one towards short wrong completions, one towards questions
      // on which rewards hardly differ.
      loss_type: 'dr_grpo',
      scale_rewards: 'none',
      // DAPO, section 3.4: about 80 % of the published reasoned queries end at the limit, and leaving those out of the loss
      // (mask_truncated_completions) would leave little to learn from; a gradual punishment teaches to end.
      soft_punish_cache: 100,
    },
  },
  'laptop-0.5b-lora': {
    description: 'Qwen2.5-0.5B-Instruct with LoRA and a reward of words, on a processor',
    fields: {
      model_name_or_path: 'Qwen/Qwen2.5-0.5B-Instruct',
      reward: 'lexical',
      use_peft: true,
      learning_rate: 1e-5,
      generation_batch_size: 32,
      num_generations: 8,
      max_prompt_length: 1024,
      max_completion_length: 256,
      tokens_per_micro_batch: 2048,
    },
  },
  smoke: {
    description:
      'A tiny model of random weights on example questions: whether training runs here, in seconds',
    fields: {
      model_name_or_path: 'random:tiny',
      train_data: ['sample:'],
      reward: 'lexical',
      max_steps: 3,
      generation_batch_size: 8,
      num_generations: 4,
      max_completion_length: 32,
      tokens_per_micro_batch: 2048,
      save_steps: 2,
      log_completions_steps: 1,
    },
  },
} as const satisfies Readonly<Record<string, Preset>>;

/** The name of a preset. */
export type PresetName = keyof typeof presets;

/** The names of all presets. */
export const presetNames = Object.keys(presets) as readonly PresetName[];

/** A list of the presets' names in words. */
export const presetList = alternatives(presetNames);

/** Whether a text names a preset. */
export function isPresetName(name: string): name is PresetName {
  return Object.hasOwn(presets, name);
}
