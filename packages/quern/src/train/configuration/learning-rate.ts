import type { TrainConfig } from './train-config.ts';

/** The fields that a learning rate depends on. */
export type Schedule = Pick<
  TrainConfig,
  'learning_rate' | 'lr_scheduler_type' | 'min_lr_rate' | 'warmup_ratio' | 'max_steps'
>;

/**
 * The learning rate of the step after `step` others, counted from 0: it rises linearly from 0 over the first
 * `ceil(warmup_ratio * max_steps)` steps, so that the first of them changes nothing, and then stays, falls linearly to 0, or
 * falls along half a cosine to `min_lr_rate` of its height; all of it as transformers' `get_scheduler` with
 * `constant_with_warmup`, `linear` and `cosine_with_min_lr`. From `max_steps` on, where a training has ended, it stays at the end
 * of the curve: also where warm-up takes all steps (there transformers' cosine would begin).
 */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { learning_rate: highest, max_steps: steps } = schedule;
  const warmUp = Math.ceil(schedule.warmup_ratio * steps);
  if (step < warmUp) return highest * (step / warmUp);
  const left = Math.max(0, (steps - step) / Math.max(1, steps - warmUp));
  switch (schedule.lr_scheduler_type) {
    case 'constant':
      return highest;
    case 'linear':
      return highest * left;
    case 'cosine_with_min_lr': {
      const least = schedule.min_lr_rate;
      const progress = step >= steps ? 1 : (step - warmUp) / (steps - warmUp);
      return highest * (((1 + Math.cos(Math.PI * progress)) / 2) * (1 - least) + least);
    }
  }
}
