import { compareBytes } from '../byte-order.ts';
import { contentId } from '../content-id.ts';
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { ReadOptions } from './bytes.ts';
import { clickWeight, defaultClickRules, type ClickRules, type DocumentClicks } from './click-levels.ts';
import { fileBytes } from './files.ts';
import { ownText } from './own-text.ts';
import {
  defaultLogRules,
  queryFault,
  SessionWatch,
  type LogFault,
  type LogRules,
} from './query-log-filters.ts';
import { readLogRows } from './query-log-rows.ts';
import { loggedSearches, type LoggedSearch } from './query-log-searches.ts';
import { TimeHistogram } from './time-histogram.ts';

/**
 * The parts of a log: `train` is the earlier 80 % of its searches, `test` the later ones, `unseen` those of `test` whose
 * query is not in `train`, `all` both.
 */
export const logSplits = ['train', 'test', 'unseen', 'all'] as const;

/** One of {@link logSplits}. */
export type LogSplit = (typeof logSplits)[number];

/** The share of searches that lie before the cut between `train` and `test`. */
export const trainShare = 0.8;

/** How a query log is read. */
export interface QueryLogOptions extends ReadOptions {
  /** Default: `test` where its times can be split, otherwise `all`. */
  readonly split?: LogSplit;
  readonly rules?: Partial<LogRules>;
  readonly clickRules?: Partial<ClickRules>;
  /** Whether a document can be found at all; clicks on others are left out. Default: all can. */
  readonly hasDocument?: (id: string) => boolean;
  readonly warnings?: Warnings;
}

/** A query of a log: all searches whose `normalisedQuery` is the same. */
export interface LoggedQuery {
  /** 16 hexadecimal digits of the SHA-256 of the normalised query: the same in every log. */
  readonly id: string;
  /** Its most frequent spelling, as it was typed. */
  readonly text: string;
  readonly searches: number;
  /** How many spellings it was typed in. */
  readonly spellings: number;
  readonly documents: ReadonlyMap<string, DocumentClicks>;
}

/** Counts of queries, each once, and of searches. */
export interface QueriesAndSearches {
  readonly queries: number;
  readonly searches: number;
}

/** What a log held, and what became of it. */
export interface QueryLogFacts {
  readonly rows: number;
  /** All searches: those that were left out, those elsewhere, and those of the split. */
  readonly searches: number;
  readonly split: LogSplit;
  /** The first moment of `test`, in ISO 8601; `null` where the times, if any, cannot be split. */
  readonly cut: string | null;
  readonly rules: LogRules;
  readonly clickRules: ClickRules;
  /** What was left out, by the first rule that it broke; sessions where the rule is one of theirs. */
  readonly leftOut: readonly {
    readonly fault: LogFault;
    readonly searches: number;
    readonly sessions?: number;
  }[];
  /** Searches that no rule left out, but that are not of the split. */
  readonly elsewhere: number;
  /** Those of `test` whose query is in `train` too; `null` for `train` and `all`. */
  readonly seen: QueriesAndSearches | null;
  /** The split's searches. */
  readonly kept: QueriesAndSearches;
  /** Clicks of the split on documents that are there, and on others, which do not count. */
  readonly clicks: number;
  readonly clicksOnUnknown: number;
  /** Of the former, those that have no position. */
  readonly clicksWithoutPosition: number;
}

/** One split of a query log. */
export interface QueryLog {
  readonly facts: QueryLogFacts;
  /** The most frequent first, then in the order of their ids. */
  readonly queries: readonly LoggedQuery[];
}

type ClickCounts = Pick<QueryLogFacts, 'clicks' | 'clicksOnUnknown' | 'clicksWithoutPosition'>;

interface QueryCounts {
  searches: number;
  readonly clicked: { -readonly [count in keyof ClickCounts]: number };
  readonly spellings: Map<string, number>;
  readonly documents: Map<string, { clicks: number; weight: number }>;
}

/**
 * Reads a query log (for its form see `readLogRows`) twice: first for the sessions that break a rule and for the time at
 * which it is split, then for the searches. In memory are counts for each session, and for each query of the split, its
 * spellings and clicked documents. Lines that are added meanwhile do not count.
 *
 * A query of `test` that was asked in `train` already stays in it, judged by the clicks of `test` alone: what is asked
 * again and again is what coming traffic consists of. `unseen` is for judging what was tuned or trained on `train`.
 *
 * Throws `BAD_INPUT` for malformed rows, `USAGE` for rules out of range and for a split of a log without times, and what
 * opening the file throws.
 */
export async function readQueryLog(path: string, options: QueryLogOptions = {}): Promise<QueryLog> {
  const rules = checkedRules({ ...defaultLogRules, ...options.rules }, 1);
  const clickRules = checkedRules({ ...defaultClickRules, ...options.clickRules }, 0);
  const { signal, onBytes, warnings } = options;
  if ((await fileBytes(path)) === undefined) {
    throw new QuernError('USAGE', 'a query log is read twice, so it must be a file', { where: path });
  }

  const watch = new SessionWatch(rules);
  const times = new TimeHistogram();
  let rows = 0;
  for await (const { row, query, continues } of loggedSearches(
    readLogRows(path, { signal, onBytes, warnings }),
  )) {
    rows++;
    if (continues) continue;
    watch.add(row, query);
    if (row.time !== undefined) times.add(row.time, row.count);
  }
  const cut = times.cut(trainShare);
  const split = splitOf(options.split, cut, path);

  const counting = new LogCounts(split, cut, { clickRules, hasDocument: options.hasDocument });
  let left = rows;
  for await (const search of loggedSearches(readLogRows(path, { signal, onBytes }))) {
    if (left-- === 0) break;
    const { session, query } = search.row;
    const fault = (session === undefined ? undefined : watch.faults.get(session)) ?? queryFault(query, rules);
    counting.add(search, fault);
  }
  const sessions = new Map<LogFault, number>();
  for (const fault of watch.faults.values()) sessions.set(fault, (sessions.get(fault) ?? 0) + 1);
  const leftOut = Array.from(counting.leftOut, ([fault, searches]) => ({
    fault,
    searches,
    ...(sessions.has(fault) && { sessions: sessions.get(fault)! }),
  }));
  const { queries, seen, clicks } = counting.queries();
  const kept = totalOf(queries);
  const searches = counting.searches;
  const elsewhere = searches - kept.searches - leftOut.reduce((sum, each) => sum + each.searches, 0);
  return {
    facts: {
      rows,
      searches,
      split,
      cut: cut === undefined ? null : new Date(cut).toISOString(),
      rules,
      clickRules,
      leftOut,
      elsewhere,
      seen,
      kept,
      ...clicks,
    },
    queries,
  };
}

/** Counts the searches of one split. */
class LogCounts {
  readonly leftOut = new Map<LogFault, number>();
  searches = 0;
  readonly #split: LogSplit;
  readonly #cut: number | undefined;
  readonly #clickRules: ClickRules;
  readonly #hasDocument: (id: string) => boolean;
  readonly #queries = new Map<string, QueryCounts>();
  /** The queries of `train`, while `test` is counted. */
  readonly #before = new Set<string>();

  constructor(
    split: LogSplit,
    cut: number | undefined,
    {
      clickRules,
      hasDocument = () => true,
    }: Pick<QueryLogOptions, 'hasDocument'> & { clickRules: ClickRules },
  ) {
    this.#split = split;
    this.#cut = cut;
    this.#clickRules = clickRules;
    this.#hasDocument = hasDocument;
  }

  add({ row, query, continues, clicks }: LoggedSearch, broken: LogFault | undefined): void {
    const { time, count } = row;
    const searches = continues ? 0 : count;
    this.searches += searches;
    const fault = broken ?? (this.#split !== 'all' && time === undefined ? 'no time' : undefined);
    if (fault !== undefined) {
      this.leftOut.set(fault, (this.leftOut.get(fault) ?? 0) + searches);
      return;
    }
    const isTrain = this.#cut !== undefined && time !== undefined && time < this.#cut;
    if (this.#split !== 'all' && isTrain !== (this.#split === 'train')) {
      if (isTrain && !this.#before.has(query)) this.#before.add(ownText(query));
      return;
    }
    let counts = this.#queries.get(query);
    if (!counts) {
      const clicked = { clicks: 0, clicksOnUnknown: 0, clicksWithoutPosition: 0 };
      counts = { searches: 0, clicked, spellings: new Map(), documents: new Map() };
      this.#queries.set(ownText(query), counts);
    }
    counts.searches += searches;
    const spelled = counts.spellings.get(row.query);
    counts.spellings.set(spelled === undefined ? ownText(row.query) : row.query, (spelled ?? 0) + searches);
    for (const { document, position } of clicks) {
      if (!this.#hasDocument(document)) {
        counts.clicked.clicksOnUnknown += count;
        continue;
      }
      counts.clicked.clicks += count;
      if (position === undefined) counts.clicked.clicksWithoutPosition += count;
      let clicked = counts.documents.get(document);
      if (!clicked) {
        clicked = { clicks: 0, weight: 0 };
        counts.documents.set(ownText(document), clicked);
      }
      clicked.clicks += count;
      clicked.weight += count * clickWeight(position, this.#clickRules);
    }
  }

  /** The queries of the split, their clicks, and those of `test` that `train` has as well. */
  queries(): { queries: LoggedQuery[]; clicks: ClickCounts; seen: QueriesAndSearches | null } {
    const all = [...this.#queries];
    const isLater = this.#split === 'test' || this.#split === 'unseen';
    const seen = all.filter(([query]) => this.#before.has(query)).map(([, { searches }]) => ({ searches }));
    const kept = all.filter(([query]) => this.#split !== 'unseen' || !this.#before.has(query));
    const queries = kept
      .map(([query, { searches, spellings, documents }]) => ({
        id: contentId(query),
        text: mostFrequent(spellings),
        searches,
        spellings: spellings.size,
        documents,
      }))
      .sort((a, b) => b.searches - a.searches || compareBytes(a.id, b.id));
    const sum = (of: keyof ClickCounts): number =>
      kept.reduce((total, [, { clicked }]) => total + clicked[of], 0);
    const clicks = {
      clicks: sum('clicks'),
      clicksOnUnknown: sum('clicksOnUnknown'),
      clicksWithoutPosition: sum('clicksWithoutPosition'),
    };
    return { queries, clicks, seen: isLater ? totalOf(seen) : null };
  }
}

function mostFrequent(spellings: ReadonlyMap<string, number>): string {
  const [[text]] = [...spellings].sort(([a, m], [b, n]) => n - m || compareBytes(a, b));
  return text;
}

function totalOf(queries: readonly Pick<LoggedQuery, 'searches'>[]): QueriesAndSearches {
  return { queries: queries.length, searches: queries.reduce((sum, { searches }) => sum + searches, 0) };
}

function splitOf(asked: LogSplit | undefined, cut: number | undefined, where: string): LogSplit {
  if (asked === undefined) return cut === undefined ? 'all' : 'test';
  if (asked === 'all' || cut !== undefined) return asked;
  throw new QuernError('USAGE', `the log has no times to split by, so there is no part ${asked}`, {
    where,
    hint: 'Leave --split out, or give its rows a time',
  });
}

function checkedRules<T extends object>(rules: T, least: number): T {
  for (const [name, value] of Object.entries(rules)) {
    if (typeof value === 'number' && value >= least && value < Infinity) continue;
    throw new QuernError('USAGE', `the rule ${name} is ${String(value)}, not a number of ${least} or more`);
  }
  return rules;
}
