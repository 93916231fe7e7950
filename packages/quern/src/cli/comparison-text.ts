import type { Comparison } from '../evaluate/comparison.ts';
import { intervalText, pText, signed } from '../evaluate/report-words.ts';
import { decimal } from '../report/words.ts';
import { oneLine } from '../one-line.ts';
import { table } from './output.ts';

/** A comparison as a table a measure, for a terminal. */
export function comparisonText({ baseline, topics, measures, runs, comparisons }: Comparison): string {
  const blocks = measures.map((measure) => {
    const head = [
      '',
      measure,
      '95 % interval',
      'difference',
      '95 % interval',
      'p',
      'p (Holm)',
      'd_z',
      'W/T/L',
    ];
    const rows = runs
      .filter((run) => run.measure === measure)
      .map(({ run, mean, interval }) => {
        const pair = comparisons.find((each) => each.run === run && each.measure === measure);
        const own = [oneLine(run, 60), decimal(mean, 4), intervalText(interval, 4)];
        if (!pair) return own;
        const { difference, randomisation, adjusted, dz, wins, ties, losses } = pair;
        return [
          ...own,
          signed(difference, 4),
          intervalText(pair.interval, 4),
          pText(randomisation.p),
          pText(adjusted.randomisation),
          dz === null ? '–' : decimal(dz, 2),
          `${wins}/${ties}/${losses}`,
        ];
      });
    return table([head, ...rows]);
  });
  const key =
    `${topics} topics; differences from ${oneLine(baseline, 60)}, better is positive.\n` +
    'p: paired randomisation test, two-sided; p (Holm): corrected for all comparisons shown here;\n' +
    'intervals: 95 %, each of its one value, not corrected; d_z: mean difference in standard deviations of\n' +
    'the differences; W/T/L: topics won, tied, lost.';
  return [...blocks, key].join('\n\n');
}
