import type { MetricsLine } from './wire.ts';
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
}

type Known = readonly [name: string, title: string, unit?: Unit, deviation?: string];

/** The metrics of training that have a place of their own, in the order that they are shown in. */
const sections: readonly (readonly [section: string, known: readonly Known[]])[] = [
  ['Reward', [['reward', 'Reward', 'number', 'reward_std']]],
  ['Validation', []],
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

/** The section of what has no place of its own; it is closed at first. */
export const otherSection = 'Other metrics';

/** The sections from the top of the page down. */
export const sectionNames: readonly string[] = [...sections.map(([section]) => section), otherSection];

/** The charts for the metrics that runs have, in the order that they are shown in. */
export function chartPlans(trained: ReadonlySet<string>, validated: ReadonlySet<string>): ChartPlan[] {
  const shown = new Set<string>();
  const plans = sections.flatMap(([section, known]) => {
    if (section === 'Validation') return validationPlans(validated);
    const own = known.filter(([name]) => trained.has(name));
    const parts = section === 'Reward' ? rewardParts(trained) : [];
    return [...own, ...parts].map(([name, title, unit = 'number', deviation]): ChartPlan => {
      for (const each of [name, deviation]) if (each !== undefined) shown.add(each);
      return { section, title, kind: 'train', name, unit, ...(deviation !== undefined && { deviation }) };
    });
  });
  const others = [...trained].filter((name) => !shown.has(name)).sort();
  return [
    ...plans,
    ...others.map((name): ChartPlan => {
      const unit = name.startsWith('seconds/') ? 'seconds' : 'number';
      return { section: otherSection, title: name, kind: 'train', name, unit };
    }),
  ];
}

function rewardParts(trained: ReadonlySet<string>): Known[] {
  return [...trained].sort().flatMap((name): Known[] => {
    const [, part] = /^rewards\/(.+)\/mean$/su.exec(name) ?? [];
    return part === undefined ? [] : [[name, part, 'number', `rewards/${part}/std`]];
  });
}

/** How good the policy is comes first, then what its completions are like. */
function byWorth(a: string, b: string): number {
  const [before, after] = [a, b].map((name) => Number(name.includes('/completions/')));
  return before - after || (a < b ? -1 : 1);
}

/** All that was validated; what is the deviation of another metric is its band. */
function validationPlans(validated: ReadonlySet<string>): ChartPlan[] {
  return [...validated]
    .sort(byWorth)
    .filter((name) => !(name.endsWith('_std') && validated.has(name.slice(0, -'_std'.length))))
    .map((name): ChartPlan => {
      const deviation = `${name}_std`;
      return {
        section: 'Validation',
        title: name.replace(/^eval\//u, ''),
        kind: 'eval',
        name,
        unit: name.endsWith('clipped_ratio') ? 'share' : 'number',
        ...(validated.has(deviation) && { deviation }),
      };
    });
}
