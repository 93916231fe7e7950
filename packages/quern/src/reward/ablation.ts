import type { Interval, SamplingSettings } from '../evaluate/statistics.ts';
import { bootstrapInterval, meanOf, percentile } from '../evaluate/statistics.ts';
import { kendallTau, spearmanRho } from '../evaluate/rank-correlation.ts';
import { randomIntegers } from '../random.ts';
import type { RewardResult } from './reward.ts';

/** A rank correlation, and the interval that covers it with 95 % confidence. */
export interface Correlation {
  /** `null` where all rewards or all gains are the same. */
  readonly value: number | null;
  readonly interval: Interval | null;
}

/** What a reward says of completions, against what they gained. */
export interface RewardAblation {
  readonly reward: string;
  /** The mean reward. */
  readonly mean: number;
  /** How many completions failed, by the reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** Over all completions; the intervals by bootstrap of whole groups. */
  readonly overall: { readonly kendall: Correlation; readonly spearman: Correlation };
  /**
   * The mean over the groups whose gains differ, which is what GRPO sees, as it compares the completions of one question alone;
   * 0 in a group whose rewards are all the same. The intervals by bootstrap of groups.
   */
  readonly within: { readonly kendall: Correlation; readonly spearman: Correlation };
  /** In how many of those groups, as a share, the completion with the highest reward has the highest gain; `null` without any. */
  readonly best: number | null;
  /** The mean gain over all groups of the completion with the highest reward: of tied ones, their mean. */
  readonly picked: number;
}

/** What was held against each other. */
export interface Ablation {
  readonly completions: number;
  readonly groups: number;
  /** How many groups there are whose completions do not all gain the same. */
  readonly differingGroups: number;
  /** Mean gain over the groups: of all completions, and of each group's best. */
  readonly gain: { readonly mean: number; readonly best: number };
  /** In which share of the differing groups a completion drawn at random has the highest gain; `null` without any. */
  readonly bestByChance: number | null;
  readonly rewards: readonly RewardAblation[];
}

/** What {@link ablation} looks at; all lists are by completion. */
export interface AblationInput {
  /** The group of each completion: those of one question. */
  readonly groups: readonly string[];
  /** What each gained in the measure that counts. */
  readonly gains: readonly number[];
  readonly rewards: readonly { readonly reward: string; readonly results: readonly RewardResult[] }[];
}

/** Holds rewards against the gains of the same completions. The same input gives the same numbers. */
export function ablation(
  { groups, gains, rewards }: AblationInput,
  { seed = 1, samples = 1000 }: SamplingSettings = {},
): Ablation {
  const members = [...groupedPlaces(groups).values()];
  const differing = members.filter((places) => places.some((place) => gains[place] !== gains[places[0]]));
  const gainsOf = (places: readonly number[]): number[] => places.map((place) => gains[place]);
  return {
    completions: gains.length,
    groups: members.length,
    differingGroups: differing.length,
    gain: {
      mean: meanOf(members.map((places) => meanOf(gainsOf(places)))),
      best: meanOf(members.map((places) => Math.max(...gainsOf(places)))),
    },
    bestByChance: meanOrNull(differing.map((places) => bestShare(places, places, gains))),
    rewards: rewards.map(({ reward, results }) => {
      const values = results.map((each) => each.reward);
      const overall = (correlation: typeof kendallTau): Correlation => ({
        value: correlation(values, gains),
        interval: groupBootstrap(members, { seed, samples }, (places) =>
          correlation(
            places.map((place) => values[place]),
            gainsOf(places),
          ),
        ),
      });
      const within = (correlation: typeof kendallTau): Correlation => {
        const each = differing.map(
          (places) =>
            correlation(
              places.map((place) => values[place]),
              gainsOf(places),
            ) ?? 0,
        );
        return {
          value: meanOrNull(each),
          interval: bootstrapInterval(each, { seed, samples }),
        };
      };
      return {
        reward,
        mean: meanOf(values),
        failures: countsOf(results.flatMap(({ failure }) => failure ?? [])),
        overall: { kendall: overall(kendallTau), spearman: overall(spearmanRho) },
        within: { kendall: within(kendallTau), spearman: within(spearmanRho) },
        best: meanOrNull(differing.map((places) => bestShare(highest(places, values), places, gains))),
        picked: meanOf(members.map((places) => meanOf(gainsOf(highest(places, values))))),
      };
    }),
  };
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : meanOf(values);
}

function groupedPlaces(groups: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, group] of groups.entries()) {
    const known = places.get(group);
    if (known) known.push(place);
    else places.set(group, [place]);
  }
  return places;
}

function highest(places: readonly number[], values: readonly number[]): number[] {
  const most = Math.max(...places.map((place) => values[place]));
  return places.filter((place) => values[place] === most);
}

/** The share of `picked` that have the highest gain of the group. */
function bestShare(picked: readonly number[], group: readonly number[], gains: readonly number[]): number {
  const best = new Set(highest(group, gains));
  return picked.filter((place) => best.has(place)).length / picked.length;
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** The 95 % percentile interval of a statistic over groups drawn with replacement; samples without a value are left out. */
function groupBootstrap(
  groups: readonly (readonly number[])[],
  { seed = 1, samples = 1000 }: SamplingSettings,
  statistic: (places: readonly number[]) => number | null,
): Interval | null {
  const next = randomIntegers(seed);
  const values: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const drawn = groups.map(() => groups[Math.floor((next() / 2 ** 32) * groups.length)]);
    const value = statistic(drawn.flat());
    if (value !== null) values.push(value);
  }
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return { low: percentile(sorted, 0.025), high: percentile(sorted, 0.975) };
}
