import { intervalText, signed } from '../evaluate/report-words.ts';
import { decimal } from '../report/words.ts';
import { oneLine } from '../one-line.ts';
import type { NamedAblation } from '../reward/ablate-named.ts';
import type { Correlation } from '../reward/ablation.ts';
import { table } from './output.ts';

/** An ablation as a table, for a terminal. */
export function ablationText(outcome: NamedAblation): string {
  const { collection, retriever, measure, completions, groups, differingGroups, gain, rewards } = outcome;
  const head =
    `${collection}, ${oneLine(retriever)}: ${completions} completions of ${groups} questions; in ${differingGroups} they do not all gain ` +
    `the same in ${measure}.\nGain in ${measure}: ${signed(gain.mean, 4)} of a completion on average, ${signed(gain.best, 4)} of ` +
    `each question's best.`;
  const rows = rewards.map(({ reward, mean, failures, overall, within, best, picked }) => {
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
    return [
      oneLine(reward, 60),
      ...cells(within.kendall),
      correlationText(within.spearman),
      ...cells(overall.kendall),
      correlationText(overall.spearman),
      share(best),
      signed(picked, 4),
      decimal(mean, 3),
      String(failed),
    ];
  });
  const columns = [
    'reward',
    'τ within',
    '95 % interval',
    'ρ within',
    'τ overall',
    '95 % interval',
    'ρ overall',
    'best',
    'picked',
    'mean',
    'failed',
  ];
  const key =
    "τ: Kendall's τ-b, ρ: Spearman's, between reward and gain; within: mean over the questions whose completions do not all\n" +
    'gain the same, which is what GRPO sees; overall: of all completions at once; best: share of those questions where the\n' +
    `completion with the highest reward gains the most (by chance ${share(outcome.bestByChance)}); picked: mean gain of the ` +
    'completion with the\nhighest reward; mean: mean reward; failed: completions without a reasoned query, whose reward is -1.';
  return [head, table([columns, ...rows]), key].join('\n\n');
}

function cells(correlation: Correlation): string[] {
  return [correlationText(correlation), intervalText(correlation.interval, 2)];
}

function correlationText({ value }: Correlation): string {
  return share(value);
}

function share(value: number | null): string {
  return value === null ? '–' : decimal(value, 2);
}
