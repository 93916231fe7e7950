import { queries, signed } from '../evaluate/report-words.ts';
import { decimal } from '../report/words.ts';
import type { ReasonerTraffic, TrafficReport } from '../evaluate/traffic.ts';
import {
  costRows,
  currenciesOf,
  hasCost,
  logRows,
  type LogRowWords,
  partWords,
  percent,
  percentInterval,
  sharesOf,
} from '../evaluate/traffic-words.ts';
import { oneLine } from '../one-line.ts';
import { labelled, table } from './output.ts';

/** What reasoning would do to the traffic of a query log, for a terminal. */
export function trafficText(report: TrafficReport): string {
  const { caveats, log, reasoners } = report;
  return [
    `Traffic: ${partWords(log)}\n${logTable(logRows(report))}`,
    ...(reasoners.length > 0 ? [sharesText(report), costText(reasoners)] : []),
    `What clicks cannot tell:\n${caveats.map((caveat) => labelled('  - ', caveat, caveat.length)).join('\n')}`,
  ].join('\n\n');
}

function sharesText({
  reasoners,
  tolerance,
  measure,
  baseline,
  baselineMean,
  judged,
  unknown,
}: TrafficReport): string {
  const head = ['  of the judged traffic', 'helped', 'as good', 'hurt', measure, 'difference'];
  const rows = reasoners.map((each) => [
    `  ${oneLine(each.run, 60)}`,
    ...sharesOf(each).map(({ ofJudged, interval }) => `${percent(ofJudged)} ${percentInterval(interval)}`),
    decimal(each.mean, 4),
    `${signed(each.difference, 4)} [${decimal(each.interval.low, 4)}, ${decimal(each.interval.high, 4)}]`,
  ]);
  const all = reasoners.map((each) => [
    `  ${oneLine(each.run, 60)}`,
    ...sharesOf(each).map(({ ofAll }) => percent(ofAll)),
    percent(unknown.ofAll),
  ]);
  return [
    `${table([head, ...rows])}\n` +
      `  helped, hurt: more than ${tolerance} away from ${oneLine(baseline, 60)} (${decimal(baselineMean, 4)}) in ${measure}; a query counts as\n` +
      `  often as it was searched for; 95 % bootstrap intervals over ${queries(judged.queries)}`,
    table([['  of all traffic', 'helped', 'as good', 'hurt', 'unknown'], ...all]),
  ].join('\n\n');
}

function costText(reasoners: readonly ReasonerTraffic[]): string {
  const known = reasoners.filter(hasCost);
  const currencies = currenciesOf(known);
  const tables = known.map((each) =>
    table([
      [`  cost of ${oneLine(each.run, 60)}`, 'tokens read', 'tokens written', 'time', ...currencies],
      ...costRows(each, currencies).map(([name, ...amounts]) => [`    ${name}`, ...amounts]),
    ]),
  );
  const key =
    '  measured on the judged queries, of which the others are taken to be like; with a cache, a spelling of\n' +
    '  a query costs once; –: not known';
  const unknown = reasoners
    .filter((each) => !hasCost(each))
    .map(({ run }) => `  cost of ${oneLine(run, 60)}: not known, it was recorded before`);
  return [...tables, ...(known.length > 0 ? [key] : []), ...unknown].join('\n');
}

/** Rows in columns, of which the second alone is aligned to the right. */
function logTable(rows: readonly LogRowWords[]): string {
  const width = (place: 0 | 1): number => Math.max(...rows.map((row) => row[place].length));
  const [names, numbers] = [width(0), width(1)];
  return rows
    .map(([name, number, words]) => `  ${name.padEnd(names)}  ${number.padStart(numbers)}  ${words}`)
    .join('\n');
}
