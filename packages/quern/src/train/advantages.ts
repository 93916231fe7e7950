/** How much better each completion of a group is than the group (GRPO, arXiv 2402.03300, section 4.1). */

/** What centred rewards are divided by: the deviation of their group, that of all of them, or nothing (arXiv 2503.20783). */
export type RewardScale = 'group' | 'batch' | 'none';

/** What keeps a division by a deviation of almost 0 within bounds; TRL's. */
const epsilon = 1e-4;

/** The advantages of groups of completions. */
export interface Advantages {
  /** In the shape of the rewards. */
  readonly advantages: readonly (readonly number[])[];
  /** Whether the rewards of each group are all the same: it teaches nothing. */
  readonly isFlat: readonly boolean[];
  /** The deviation of each group. */
  readonly deviations: readonly number[];
}

/** A_i = (r_i - mean of the group) / (deviation + 1e-4), with Bessel's correction, as TRL computes it. */
export function advantagesOf(rewards: readonly (readonly number[])[], scale: RewardScale): Advantages {
  const deviations = rewards.map(deviationOf);
  const ofAll = deviationOf(rewards.flat());
  const advantages = rewards.map((group, i) => {
    const mean = meanOf(group);
    const by = scale === 'none' ? 1 : (scale === 'group' ? deviations[i] : ofAll) + epsilon;
    return group.map((reward) => (reward - mean) / by);
  });
  return { advantages, isFlat: rewards.map((group) => group.every((each) => each === group[0])), deviations };
}

/** The arithmetic mean; 0 of no values. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation with Bessel's correction; 0 of fewer than two values. */
export function deviationOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
