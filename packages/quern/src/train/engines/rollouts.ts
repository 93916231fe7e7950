/** A run as engines count it whose steps are rollouts: each has the optimiser steps of all passes over it. */
import { QuernError } from '../../errors.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import { nextOf } from '../seeds.ts';
import type { EngineData, EngineRow } from './engine-data.ts';
import type { EngineName } from './engine.ts';

export interface Rollouts {
  /** Optimiser steps of a rollout. */
  readonly steps: number;
  /** Rollouts of the run. */
  readonly count: number;
  /** Questions of a rollout. */
  readonly prompts: number;
  /** A checkpoint is written every so many rollouts. */
  readonly saveEvery: number;
}

/** The rollouts of a run. Throws `USAGE` where checkpoints would be due within one. */
export function rolloutsOf(engine: EngineName, config: TrainConfig): Rollouts {
  const steps = stepsOfRollout(config);
  const saveEvery = config.save_steps / steps;
  if (!Number.isInteger(saveEvery)) {
    throw new QuernError(
      'USAGE',
      `${engine} writes checkpoints after whole rollouts, of ${steps} steps (steps_per_generation × num_iterations) each`,
      { where: 'save_steps', hint: `Take a multiple of ${steps}` },
    );
  }
  return {
    steps,
    count: config.max_steps / steps,
    prompts: config.generation_batch_size / config.num_generations,
    saveEvery,
  };
}

/** Optimiser steps of a rollout. */
export function stepsOfRollout({
  steps_per_generation: steps,
  num_iterations: passes,
}: Pick<TrainConfig, 'steps_per_generation' | 'num_iterations'>): number {
  return steps * passes;
}

/** The questions of all rollouts, in the order in which a training here takes them. */
export function rowsOfRun(
  data: EngineData,
  { count, prompts }: Rollouts,
  { seed }: TrainConfig,
): EngineRow[] {
  return nextOf(data.rows.length, count * prompts, 0, seed).map((i) => data.rows[i]);
}
