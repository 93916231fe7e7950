/** What a configuration asks that an engine does not have. */
import { QuernError } from '../../errors.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { EngineName } from './engine.ts';

/** A field, when it cannot be had, why, and what to do. */
export interface Unsupported {
  readonly field: keyof TrainConfig;
  readonly when: (config: TrainConfig) => boolean;
  readonly why: string;
  readonly hint: string;
}

/** What no engine on Ray has. */
export const unsupportedOnRay: readonly Unsupported[] = [
  {
    field: 'device',
    when: ({ device }) => device !== undefined && device !== 'cuda',
    why: 'it runs on the GPUs that Ray gives it',
    hint: 'Leave it out; CUDA_VISIBLE_DEVICES says which GPUs there are',
  },
  {
    field: 'use_vllm',
    when: ({ use_vllm: uses }) => uses === false,
    why: 'it always draws completions by vLLM',
    hint: 'Leave it out',
  },
  {
    field: 'vllm_server_base_url',
    when: ({ vllm_server_base_url: url }) => url !== undefined,
    why: 'it starts its own vLLM',
    hint: 'Leave it out',
  },
  {
    field: 'generation_rows',
    when: ({ generation_rows: rows }) => rows !== 'auto',
    why: 'vLLM draws as many completions at a time as it has room for',
    hint: 'Leave it out',
  },
  {
    field: 'bf16',
    when: ({ bf16 }) => bf16 === false,
    why: 'it computes in bfloat16',
    hint: 'Leave it out',
  },
  {
    field: 'repetition_penalty',
    when: ({ repetition_penalty: penalty }) => penalty !== 1,
    why: 'it has none',
    hint: 'Leave it at 1',
  },
  {
    field: 'scale_rewards',
    when: ({ scale_rewards: scale }) => scale === 'batch',
    why: 'it divides by the deviation of the group or by nothing',
    hint: 'Say group or none',
  },
  {
    field: 'mask_truncated_completions',
    when: ({ mask_truncated_completions: masks }) => masks,
    why: 'it learns from all completions',
    hint: 'Leave it out, or punish length by soft_punish_cache',
  },
  {
    field: 'use_peft',
    when: ({ use_peft: uses }) => uses,
    why: 'what it writes of adapters is no checkpoint that could be taken over',
    hint: 'Train all weights, or take --engine trl',
  },
];

/** Throws `USAGE` for the first field of a configuration that the engine does not have. */
export function checkSupported(engine: EngineName, config: TrainConfig, rules: readonly Unsupported[]): void {
  for (const { field, when, why, hint } of rules) {
    if (when(config)) throw new QuernError('USAGE', `not on ${engine}: ${why}`, { where: field, hint });
  }
}
