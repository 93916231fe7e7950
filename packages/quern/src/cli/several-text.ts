import { formatMeasure, type Measure } from '../evaluate/measures.ts';
import { queries as queriesText, intervalText, pText, signed } from '../evaluate/report-words.ts';
import { count } from '../report/words.ts';
import { oneLine } from '../one-line.ts';
import type { RunRecord, SeveralRecord } from '../evaluate/evaluation-record.ts';
import { durationText, table } from './output.ts';

/** Several runs as a table with a row for each, and what sets the others apart from the first, for a terminal. */
export function severalText(record: SeveralRecord, measures: readonly Measure[]): string {
  const { collection, queries, retriever, combine, milliseconds, runs, comparisons = [] } = record;
  const head = `${collection}: ${queriesText(queries)}, ${oneLine(retriever)}, ${combine}, index ${durationText(milliseconds.index)}`;
  const counts = countsOf(runs);
  const columns = [
    '  run',
    ...measures.map(({ name }) => name),
    'reasoning, all',
    'tokens',
    'search, each',
    ...counts.map(({ words }) => words),
  ];
  const rows = runs.map((run) => [
    `  ${oneLine(run.run, 60)}`,
    ...measures.map((measure) => formatMeasure(measure, run.measures[measure.name])),
    ...effort(run),
    ...counts.map(({ of }) => String(run.reasoning[of])),
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
  ];
}

/** What of the totals is counted in columns: failures, and what else there is in any run. */
function countsOf(
  runs: readonly RunRecord[],
): { words: string; of: 'cut' | 'early' | 'skipped' | 'failed' }[] {
  const all = [
    { words: 'cut', of: 'cut' },
    { words: 'ended early', of: 'early' },
    { words: 'stood aside', of: 'skipped' },
  ] as const;
  const there = all.filter(({ of }) => runs.some(({ reasoning }) => reasoning[of] > 0));
  return [...there, { words: 'failed', of: 'failed' }];
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
