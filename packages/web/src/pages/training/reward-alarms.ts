import type { Alarm, AlarmingRun } from './alarm.ts';
import { mean, percent, sinceOf, text, variance, type Valued, valuesOf } from './alarm-figures.ts';
import { thresholds } from './alarm-thresholds.ts';
import { validationTitle } from './chart-list.ts';

/** Measures of validation by how much they say: what is found first, and the reward itself last. */
const measures = [/^eval\/ndcg@\d+$/, /^eval\/(?:map|mrr|recall@\d+|mrr@\d+)$/, /^eval\/reward$/];

/** That the reward rises while validation falls, by the measure that says most. */
export function rewardHacking({ trained, validated }: AlarmingRun): Alarm | undefined {
  const names = new Set(validated.flatMap(({ values }) => Object.keys(values)));
  for (const form of measures) {
    const name = [...names].filter((each) => form.test(each)).sort()[0];
    if (name === undefined) continue;
    return risenWithout(name, valuesOf(validated, name), valuesOf(trained, 'reward'));
  }
  return undefined;
}

function risenWithout(
  name: string,
  validated: readonly Valued[],
  rewards: readonly Valued[],
): Alarm | undefined {
  const { fall, riseErrors, recent } = thresholds;
  if (validated.length < 3) return undefined;
  const best = validated.reduce((a, b) => (b.value > a.value ? b : a));
  const limit = best.value - fall * Math.abs(best.value);
  const lastTwo = validated.slice(-2);
  if (lastTwo.some(({ step, value }) => step <= best.step || !(value < limit))) return undefined;
  // Those around the best validation: what comes before it, or the first ones.
  const until = rewards.filter(({ step }) => step <= best.step);
  const then = until.length > 0 ? until.slice(-recent) : rewards.slice(0, recent);
  const now = rewards.slice(-recent);
  if (then.length === 0 || now.length < recent || now[0]!.step <= then.at(-1)!.step) return undefined;
  const error = Math.sqrt(variance(then) / then.length + variance(now) / now.length);
  const rise = mean(now) - mean(then);
  if (!(rise > riseErrors * error && rise > 1e-9)) return undefined;
  const title = validationTitle(name);
  const measure = name === 'eval/reward' ? 'reward of validation' : `${title} of validation`;
  return {
    kind: 'hacking',
    title: 'The reward rises while validation falls',
    step: best.step,
    figures: `since step ${best.step} the reward went from ${text(mean(then))} to ${text(mean(now))}, the ${measure} from ${text(best.value)} to ${text(lastTwo[1]!.value)}`,
    advice:
      name === 'eval/reward'
        ? 'The policy learns the questions by heart. Take the best checkpoint, and train on more questions.'
        : 'The policy learns what the reward pays for and not what finds documents. Read samples, take the best checkpoint, and mix in another reward (quern reward ablate tells which to trust).',
  };
}

/** That rewards within groups are all the same. */
export function flatGroups({ trained }: AlarmingRun): Alarm | undefined {
  const { flatShare, recent } = thresholds;
  const known = valuesOf(trained, 'frac_reward_zero_std');
  const now = mean(known.slice(-recent));
  if (known.length < recent || !(now >= flatShare)) return undefined;
  return {
    kind: 'flat',
    title: 'Rewards within groups are all the same',
    step: sinceOf(known, (value) => value >= flatShare),
    figures: `${percent(now)} of groups have nothing to learn from`,
    advice:
      'Steps come to nothing. Raise temperature or num_generations, take questions that are neither too easy nor too hard, or a finer reward.',
  };
}
