import type { Comparison } from '../evaluate/comparison.ts';
import { oneLine, pText, table } from './output.ts';

/** A comparison as a table a measure, for a terminal. */
export function comparisonText({ baseline, topics, measures, runs, comparisons }: Comparison): string {
  const blocks = measures.map((measure) => {
    const head = ['', measure, '95 % interval', 'difference', '95 % interval', 'p', 'p (Holm)', 'd', 'W/T/L'];
    const rows = runs
      .filter((run) => run.measure === measure)
      .map(({ run, mean, interval }) => {
        const pair = comparisons.find((each) => each.run === run && each.measure === measure);
        const own = [oneLine(run, 60), mean.toFixed(4), intervalText(interval)];
        if (!pair) return own;
        const { difference, randomisation, adjusted, effectSize, wins, ties, losses } = pair;
        return [
          ...own,
          signed(difference),
          intervalText(pair.interval),
          pText(randomisation.p),
          pText(adjusted.randomisation),
          effectSize === null ? '–' : effectSize.toFixed(2),
          `${wins}/${ties}/${losses}`,
        ];
      });
    return table([head, ...rows]);
  });
  const key =
    `${topics} topics; differences from ${oneLine(baseline, 60)}; p: paired randomisation test, two-sided; ` +
    'p (Holm): corrected for all comparisons here; d: standardised mean difference; W/T/L: wins, ties, losses.';
  return [...blocks, key].join('\n\n');
}

function intervalText(interval: { low: number; high: number } | null): string {
  return interval ? `[${interval.low.toFixed(4)}, ${interval.high.toFixed(4)}]` : '–';
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}
