import type { MetricsLine } from '../../../../quern/src/train/watch/wire.ts';
import type { Unit } from './words.ts';

/** A chart: which metric it shows, and where. */
export interface ChartPlan {
  readonly section: string;
  readonly title: string;
  readonly kind: MetricsLine['kind'];
  readonly name: string;
  readonly unit: Unit;
  /** The metric that is its standard deviation, drawn as a band. */
  readonly deviation?: string;
  /** Whether it is drawn as it is, as it has no noise that smoothing could take off. */
  readonly isExact: boolean;
}

type Known = readonly [name: string, title: string, unit?: Unit, deviation?: string];

const validation = 'Validation';

/** The metrics that have a place of their own, in the order that they are shown in; those of validation begin with `eval/`. */
const sections: readonly (readonly [section: string, known: readonly Known[]])[] = [
  ['Reward', [['reward', 'Reward', 'number', 'reward_std']]],
  [
    validation,
    [
      ['eval/reward', 'Reward', 'number', 'eval/reward_std'],
      ['eval/ndcg@10', 'nDCG@10'],
      ['eval/ndcg@10/none', 'nDCG@10 of the questions alone'],
      ['eval/loss', 'Loss'],
    ],
  ],
  [
    'Completions',
    [
      ['completions/mean_length', 'Mean length (tokens)'],
      ['completions/clipped_ratio', 'Cut at the limit', 'share'],
      ['frac_reward_zero_std', 'Groups whose rewards are all the same', 'share'],
    ],
  ],
  [
    'Policy',
    [
      ['kl', 'KL from the reference policy'],
      ['entropy', 'Entropy'],
      ['clip_ratio/region_mean', 'Clipped', 'share'],
      ['clip_ratio/low_mean', 'Clipped from below', 'share'],
      ['clip_ratio/high_mean', 'Clipped from above', 'share'],
    ],
  ],
  [
    'Optimisation',
    [
      ['loss', 'Loss'],
      ['grad_norm', 'Norm of the gradient'],
      ['learning_rate', 'Learning rate'],
    ],
  ],
  [
    'Speed and memory',
    [
      ['tokens_per_second/rollout', 'Tokens a second, rollouts'],
      ['tokens_per_second/update', 'Tokens a second, updates'],
      ['step_time', 'Time a step', 'seconds'],
      ['memory/device', 'Memory of tensors', 'bytes'],
      ['memory/process', 'Memory of the process', 'bytes'],
    ],
  ],
];

/** What the rest is called where its names do not say it, of training and of validation. */
const otherTitles: ReadonlyMap<string, readonly [title: string, unit?: Unit]> = new Map([
  ['completions/mean_length', ['Mean length (tokens)']],
  ['completions/min_length', ['Shortest (tokens)']],
  ['completions/max_length', ['Longest (tokens)']],
  ['completions/clipped_ratio', ['Cut at the limit', 'share']],
  ['completions/mean_terminated_length', ['Mean length of those that ended (tokens)']],
  ['completions/min_terminated_length', ['Shortest that ended (tokens)']],
  ['completions/max_terminated_length', ['Longest that ended (tokens)']],
]);

/** Schedules and counts of what was done. */
const exact: ReadonlySet<string> = new Set(['learning_rate', 'epoch', 'num_tokens']);

/** The section of what has no place of its own; it is closed at first. */
export const otherSection = 'Other metrics';

/** The sections from the top of the page down. */
export const sectionNames: readonly string[] = [...sections.map(([section]) => section), otherSection];

/** The charts for the metrics that runs have, in the order that they are shown in. */
export function chartPlans(trained: ReadonlySet<string>, validated: ReadonlySet<string>): ChartPlan[] {
  const placed = sections.flatMap(([section, known]) => {
    const kind = section === validation ? 'eval' : 'train';
    const names = kind === 'eval' ? validated : trained;
    const parts = section === 'Reward' ? rewardParts(trained) : [];
    return [...known, ...parts]
      .filter(([name]) => names.has(name))
      .map(([name, title, unit = 'number', deviation]) =>
        plan({ section, title, kind, name, unit, ...(deviation !== undefined && { deviation }) }),
      );
  });
  const shown = new Set(
    placed.flatMap(({ kind, name, deviation = name }) => [name, deviation].map((each) => `${kind} ${each}`)),
  );
  const others = (['train', 'eval'] as const).flatMap((kind) =>
    [...(kind === 'eval' ? validated : trained)]
      .filter((name) => !shown.has(`${kind} ${name}`))
      .sort()
      .map((name) => otherPlan(kind, name)),
  );
  return [...placed, ...others];
}

function plan(of: Omit<ChartPlan, 'isExact'>): ChartPlan {
  return { ...of, isExact: of.kind === 'eval' || exact.has(of.name) };
}

function rewardParts(trained: ReadonlySet<string>): Known[] {
  return [...trained].sort().flatMap((name): Known[] => {
    const [, part] = /^rewards\/(.+)\/mean$/su.exec(name) ?? [];
    return part === undefined ? [] : [[name, part, 'number', `rewards/${part}/std`]];
  });
}

function otherPlan(kind: ChartPlan['kind'], name: string): ChartPlan {
  const own = kind === 'eval' ? name.replace(/^eval\//u, '') : name;
  const [title, unit = own.startsWith('seconds/') ? 'seconds' : 'number'] = otherTitles.get(own) ?? [own];
  return plan({
    section: otherSection,
    title: kind === 'eval' ? `${validation}: ${title}` : title,
    kind,
    name,
    unit,
  });
}

/** What a metric of validation is called: its title, or its name where it has none. */
export function validationTitle(name: string): string {
  const [, known] = sections.find(([section]) => section === validation)!;
  return known.find(([of]) => of === name)?.[1] ?? name.replace(/^eval\//u, '');
}
