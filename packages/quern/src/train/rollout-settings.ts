/** What a configuration says of drawing completions and of their length. */
import type { TrainConfig } from './configuration/train-config.ts';
import type { DrawingSettings, LengthRules } from './rollout.ts';

/** How completions are drawn, `rows` at a time. */
export function drawingOf(config: TrainConfig, rows: number): DrawingSettings {
  return {
    temperature: config.temperature,
    topP: config.top_p,
    topK: config.top_k,
    repetitionPenalty: config.repetition_penalty,
    maxTokens: config.max_completion_length,
    rows,
  };
}

/** How their length is punished. */
export function lengthRules(config: TrainConfig): LengthRules {
  return {
    most: config.max_completion_length,
    cache: config.soft_punish_cache,
    weight: config.overlong_weight,
  };
}
