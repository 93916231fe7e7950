import { formatMeasure, type Measure } from '../evaluate/measures.ts';
import { count, intervalText, pText, signed } from '../evaluate/report-words.ts';
import { oneLine } from '../one-line.ts';
import type { RunRecord, SeveralRecord } from './evaluation-record.ts';
import { durationText, table } from './output.ts';

/** Several runs as a table with a row for each, and what sets the others apart from the first, for a terminal. */
export function severalText(record: SeveralRecord, measures: readonly Measure[]): string {
  const { collection, queries, scoring, combine, milliseconds, runs, comparisons = [] } = record;
  const head = `${collection}: ${queries} queries, ${scoring}, ${combine}, index ${durationText(milliseconds.index)}`;
  const columns = ['  run', ...measures.map(({ name }) => name), 'reasoning', 'tokens', 'search', 'failed'];
  const rows = runs.map((run) => [
    `  ${oneLine(run.run, 60)}`,
    ...measures.map((measure) => formatMeasure(measure, run.measures[measure.name])),
    ...effort(run),
  ]);
  const blocks = [`${head}\n${table([columns, ...rows])}`];
  if (comparisons.length > 0) blocks.push(comparisonBlock(record));
  return blocks.join('\n\n');
}

function effort({ milliseconds, reasoning, queries }: RunRecord): string[] {
  return [
    durationText(milliseconds.reason),
    reasoning.completionTokens === 0 ? '–' : count(reasoning.completionTokens),
    `${(milliseconds.search / queries).toFixed(2)} ms`,
    String(reasoning.failed),
  ];
}

function comparisonBlock({ baseline, comparisons = [] }: SeveralRecord): string {
  const head = ['  run', 'measure', 'difference', '95 % interval', 'p', 'p (Holm)', 'W/T/L'];
  const rows = comparisons.map(
    ({ run, measure, difference, interval, randomisation, adjusted, wins, ties, losses }) => [
      `  ${oneLine(run, 60)}`,
      measure,
      signed(difference, 4),
      intervalText(interval, 4),
      pText(randomisation.p),
      pText(adjusted.randomisation),
      `${wins}/${ties}/${losses}`,
    ],
  );
  return (
    `Compared with ${oneLine(baseline, 60)}, better is positive:\n${table([head, ...rows])}\n` +
    '  p: paired randomisation test, two-sided; p (Holm): corrected for all comparisons shown here;\n' +
    '  W/T/L: queries won, tied, lost.'
  );
}
