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
    const farthest = Math.max(...rates.map((rate, step) => Math.abs(rate - ours[step]) / highest));
    expect(farthest).toBeLessThan(1e-14);
  },
);
