/** The figures of a traffic report in words, the same on a terminal and on a page. */
import type { LogFault, LogRules } from '../collections/query-log-filters.ts';
import type { QueryLogFacts } from '../collections/query-log.ts';
import type { TrafficAmount } from './reasoning-cost.ts';
import { count } from '../report/words.ts';
import { queries, searches } from './report-words.ts';
import type { Interval } from './statistics.ts';
import type { ReasonerTraffic, TrafficReport, TrafficShare } from './traffic.ts';

/** `12.3 %` */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `[10.1, 14.5]`, in per cent. */
export function percentInterval({ low, high }: Interval): string {
  return `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

/** The parts that the judged traffic falls into, in the order in which they are shown. */
export function sharesOf({
  helped,
  same,
  hurt,
}: ReasonerTraffic): [helped: TrafficShare, same: TrafficShare, hurt: TrafficShare] {
  return [helped, same, hurt];
}

/** Which part of the log was counted. */
export function partWords({ split, cut }: QueryLogFacts): string {
  if (cut === null) return 'all of the log, which has no times, or too few, to split by';
  if (split === 'all') return 'all of the log';
  const words = {
    train: `the part train, before ${cut}`,
    test: `the part test, from ${cut} on`,
    unseen: `the part unseen, from ${cut} on, of queries that were not asked before`,
  };
  return words[split];
}

/** One thing that became of a log's searches: what, how many, and further words. */
export type LogRowWords = readonly [what: string, many: string, words: string];

/** What became of a log's searches. */
export function logRows({ log, all, judged, unknown, judgements }: TrafficReport): LogRowWords[] {
  const { split, seen } = log;
  const rows: LogRowWords[] = [
    ['in the log', searches(log.searches), `${count(log.rows)} ${log.rows === 1 ? 'row' : 'rows'}`],
  ];
  for (const { fault, searches: left, sessions } of log.leftOut) {
    const of =
      sessions === undefined ? '' : `: ${count(sessions)} ${sessions === 1 ? 'session' : 'sessions'}`;
    rows.push(['left out', searches(left), faultWords(fault, log.rules) + of]);
  }
  rows.push(...elsewhereRows(log), ['counted', searches(all.searches), queries(all.queries)]);
  if (seen !== null && split === 'test' && seen.queries > 0) {
    rows.push(['asked before, too', searches(seen.searches), `${queries(seen.queries)} of these`]);
  }
  for (const [what, part] of [
    ['judged', judged],
    ['unknown', unknown],
  ] as const) {
    rows.push([
      what,
      searches(part.searches),
      `${queries(part.queries)}, ${percent(part.ofAll)} of the traffic`,
    ]);
  }
  rows.push([
    'judged by',
    clicks(log.clicks),
    `on ${count(judgements.documents)} ${judgements.documents === 1 ? 'document' : 'documents'}`,
  ]);
  if (log.clicksOnUnknown > 0) {
    rows.push(['left out', clicks(log.clicksOnUnknown), 'on documents that the index does not have']);
  }
  return rows;
}

function clicks(value: number): string {
  return `${count(value)} ${value === 1 ? 'click' : 'clicks'}`;
}

function elsewhereRows({ elsewhere, split, seen }: QueryLogFacts): LogRowWords[] {
  if (elsewhere === 0) return [];
  if (split !== 'unseen') {
    return [['elsewhere', searches(elsewhere), split === 'train' ? 'after the split' : 'before the split']];
  }
  const again = seen?.searches ?? 0;
  return [
    ['elsewhere', searches(elsewhere - again), 'before the split'],
    ['elsewhere', searches(again), 'after the split, of queries that were asked before'],
  ];
}

/** Why searches were left out. */
function faultWords(fault: LogFault, rules: LogRules): string {
  const words: Readonly<Record<LogFault, string>> = {
    'searches a day': `more than ${count(rules.searchesADay)} searches a day`,
    'searches a minute': `more than ${count(rules.searchesAMinute)} searches a minute`,
    'same query in a row': `the same query more than ${count(rules.sameInARow)} times in a row`,
    empty: 'an empty query',
    'only punctuation': 'a query without a letter or digit',
    'a URL': 'a query that is a URL',
    'too long': `a query of more than ${count(rules.characters)} characters`,
    'no time': 'no time to tell its part by',
  };
  return words[fault];
}

/** What costs are counted for: a figure of each amount, and how it is called. */
const ways: readonly [keyof Omit<TrafficAmount, 'queries'>, string][] = [
  ['perThousand', '1,000 searches'],
  ['perThousandCached', '1,000 searches, with a cache'],
  ['all', 'all of this traffic'],
  ['allCached', 'all of this traffic, with a cache'],
];

/** What reasoning costs, a row a way to count: its name, tokens read, tokens written, time, and an amount a currency. */
export function costRows({ cost }: ReasonerTraffic, currencies: readonly string[]): string[][] {
  return ways.map(([way, words]) => [
    words,
    tokens(cost.promptTokens, way),
    tokens(cost.completionTokens, way),
    cost.milliseconds ? durationWords(cost.milliseconds[way]) : '–',
    ...currencies.map((currency) => {
      const amount = cost.money.find((each) => each.currency === currency);
      return amount ? amount[way].toFixed(4) : '–';
    }),
  ]);
}

function tokens(amount: TrafficAmount | null, way: keyof TrafficAmount): string {
  return amount ? count(Math.round(amount[way])) : '–';
}

/** The currencies that any of them was paid in. */
export function currenciesOf(reasoners: readonly ReasonerTraffic[]): string[] {
  return [...new Set(reasoners.flatMap(({ cost }) => cost.money.map(({ currency }) => currency)))];
}

/** Whether anything is known of what it costs. */
export function hasCost({ cost }: ReasonerTraffic): boolean {
  return cost.completionTokens !== null || cost.milliseconds !== null || cost.money.length > 0;
}

function durationWords(milliseconds: number): string {
  if (milliseconds < 10_000) return `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`;
  if (milliseconds < 7_200_000) return `${(milliseconds / 1000).toFixed(0)} s`;
  return `${(milliseconds / 3_600_000).toFixed(1)} h`;
}
