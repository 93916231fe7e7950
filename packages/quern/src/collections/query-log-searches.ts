import { normalisedQuery } from './query-log-filters.ts';
import type { LoggedClick, LogRow } from './query-log-rows.ts';

/** How many sessions' last searches are remembered at least, and half of how many at most. */
const leastOpen = 1 << 16;

/** A row with what it adds to the rows before it. */
export interface LoggedSearch {
  readonly row: LogRow;
  /** Its {@link normalisedQuery}. */
  readonly query: string;
  /** Whether it only brings further clicks of a search that has been there before. */
  readonly continues: boolean;
  /** Its clicks, each document once a search. */
  readonly clicks: readonly LoggedClick[];
}

interface OpenSearch {
  readonly query: string;
  readonly time: number;
  readonly clicks: readonly LoggedClick[];
}

/**
 * The searches of a log. Where it has a row for each click, rows of one search share session, time and query: after the
 * first, those that bring a new click count as the same search. Rows without a session or a time are searches of their own.
 */
export async function* loggedSearches(rows: AsyncIterable<LogRow>): AsyncGenerator<LoggedSearch> {
  let open = new Map<string, OpenSearch>();
  let before = new Map<string, OpenSearch>();
  for await (const row of rows) {
    const { session, time } = row;
    const query = normalisedQuery(row.query);
    const last = session === undefined ? undefined : (open.get(session) ?? before.get(session));
    const isSame = last !== undefined && last.time === time && last.query === query;
    const fresh = distinctClicks(row.clicks, isSame ? last.clicks : []);
    const continues = isSame && fresh.length > 0 && last.clicks.length > 0;
    const clicks = continues ? fresh : distinctClicks(row.clicks, []);
    yield { row, query, continues, clicks };
    if (session === undefined || time === undefined) continue;
    open.set(session, { query, time, clicks: continues ? [...last.clicks, ...clicks] : clicks });
    if (open.size < leastOpen) continue;
    before = open;
    open = new Map();
  }
}

/** The first click on each document, but for those that were clicked before. */
function distinctClicks(
  clicks: readonly LoggedClick[],
  before: readonly LoggedClick[],
): readonly LoggedClick[] {
  if (clicks.length + before.length < 2) return clicks;
  const seen = new Set(before.map(({ document }) => document));
  return clicks.filter(({ document }) => !seen.has(document) && seen.add(document));
}
