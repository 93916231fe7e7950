import type { MetricsLine } from '../../../../quern/src/train/watch/wire.ts';

const looked = 50;

/**
 * How long a run will take until `maxSteps`, in milliseconds: as long a step as the median of the last fifty. The median, as a
 * pause before a run was resumed is no step. Undefined for a run with fewer than three steps.
 */
export function timeLeft(trained: readonly MetricsLine[], maxSteps: number): number | undefined {
  const last = trained.slice(-looked);
  const durations = last.slice(1).flatMap(({ step, time }, i) => {
    const before = last[i]!;
    const isKnown = time !== undefined && before.time !== undefined && step > before.step;
    return isKnown ? [(time - before.time) / (step - before.step)] : [];
  });
  if (durations.length < 2) return undefined;
  const median = durations.sort((a, b) => a - b)[durations.length >> 1]!;
  return Math.max(0, maxSteps - last.at(-1)!.step) * median;
}
