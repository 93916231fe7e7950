import type { Alarm, AlarmingRun } from './alarm.ts';
import { mean, median, sinceOf, startAndNow, text, type Valued, valuesOf } from './alarm-figures.ts';
import { thresholds } from './alarm-thresholds.ts';

/** What a KL that is too high is above, and the median of the lines before it rose. */
interface HighKl {
  readonly limit: number;
  readonly before: number | undefined;
}

/** That the KL from the reference policy is high, or jumped and has not come back. */
export function farFromReference({ trained }: AlarmingRun): Alarm | undefined {
  const { recent } = thresholds;
  const known = valuesOf(trained, 'kl');
  // What it jumped from stays what it is measured by: else a jump would soon be what there was before.
  let high: HighKl | undefined;
  for (let end = 1; end <= known.length; end++) {
    const now = mean(known.slice(Math.max(0, end - Math.min(recent, 3)), end));
    if (high === undefined || !(now > high.limit))
      high = highKl(known.slice(Math.max(0, end - 3 * recent), end), now);
  }
  if (high === undefined) return undefined;
  const { limit, before } = high;
  const was = before === undefined ? '' : `; the median before it was ${text(before)}`;
  return {
    kind: 'kl',
    title: 'The policy runs away from the model that it was',
    step: sinceOf(known, (value) => value > limit),
    figures: `KL ${text(mean(known.slice(-Math.min(recent, 3))))}, above ${text(limit)}${was}`,
    advice: 'Lower learning_rate or raise beta, and go on from a checkpoint before it.',
  };
}

function highKl(known: readonly Valued[], now: number): HighKl | undefined {
  const { klMost, klJump, klLeast, recent } = thresholds;
  const earlier = known.slice(-3 * recent, -recent);
  // At the start the policy is the model that it was: from nothing, anything is a jump.
  const before = earlier.length < 2 * recent ? undefined : median(earlier.map(({ value }) => value));
  const limit = before === undefined ? klMost : Math.min(klMost, Math.max(klLeast, klJump * before));
  return now > limit ? { limit, before } : undefined;
}

/** That the entropy is low. */
export function lowEntropy({ trained }: AlarmingRun): Alarm | undefined {
  const { entropyLeast, entropyShare, entropyLow, recent } = thresholds;
  const known = valuesOf(trained, 'entropy');
  if (known.length < recent) return undefined;
  const now = mean(known.slice(-recent));
  const start = startAndNow(known)?.start;
  const limit =
    start === undefined ? entropyLeast : Math.max(entropyLeast, Math.min(entropyLow, entropyShare * start));
  if (!(now < limit)) return undefined;
  return {
    kind: 'entropy',
    title: 'The policy hardly varies what it says',
    step: sinceOf(known, (value) => value < limit),
    figures: `entropy ${text(now)} nats${start === undefined ? '' : `, at the start ${text(start)}`}`,
    advice:
      'Raise epsilon_high or beta, or lower learning_rate: without variety there is nothing to choose from.',
  };
}
