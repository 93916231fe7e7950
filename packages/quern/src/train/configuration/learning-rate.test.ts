import { expect, it } from 'vitest';
import { goldenFile } from '../../../test/golden-file.ts';
import { learningRateAt, type Schedule } from './learning-rate.ts';

interface Case extends Schedule {
  readonly rates: readonly number[];
}

it.each(goldenFile<Case[]>('train/learning-rate.json'))(
  'is what transformers has: $lr_scheduler_type, $max_steps steps, warm-up $warmup_ratio',
  ({ rates, ...schedule }) => {
    const { max_steps: steps, learning_rate: highest } = schedule;
    const ours = rates.map((_, step) => learningRateAt(schedule, step));
    expect(ours).toHaveLength(steps + 1);
    // With warm-up over all steps transformers' cosine begins where the training has ended.
    const isOurs = schedule.lr_scheduler_type === 'cosine_with_min_lr' && schedule.warmup_ratio === 1;
    const compared = isOurs ? rates.slice(0, steps) : rates;
    const farthest = Math.max(...compared.map((rate, step) => Math.abs(rate - ours[step]) / highest));
    expect(farthest).toBeLessThan(1e-14);
  },
);

it.each([
  ['constant', 2],
  ['linear', 0],
  ['cosine_with_min_lr', 0.5],
] as const)('stays from the last step on: %s', (lr_scheduler_type, last) => {
  for (const warmup_ratio of [0, 0.5, 1]) {
    const schedule = { learning_rate: 2, lr_scheduler_type, min_lr_rate: 0.25, warmup_ratio, max_steps: 4 };
    for (const step of [4, 5, 6, 100]) expect(learningRateAt(schedule, step)).toBeCloseTo(last, 12);
  }
});
