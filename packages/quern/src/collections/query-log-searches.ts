import { normalisedQuery } from './query-log-filters.ts';
import type { LoggedClick, LogRow } from './query-log-rows.ts';

/** How many sessions' last searches are remembered; the longest unheard of is forgotten first. */
const mostOpen = 1 << 16;

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
  readonly clicked: Set<string>;
}

/**
 * The searches of a log. Where it has a row for each click, rows of one search share session, time and query: after the
 * first, those that bring a new click count as the same search. Rows without a session or a time are searches of their own.
 */
export async function* loggedSearches(rows: AsyncIterable<LogRow>): AsyncGenerator<LoggedSearch> {
  const open = new Map<string, OpenSearch>();
  for await (const row of rows) {
    const { session, time } = row;
    const query = normalisedQuery(row.query);
    const before = session === undefined ? undefined : open.get(session);
    const isSame = before !== undefined && before.time === time && before.query === query;
    const fresh = distinctClicks(row.clicks, isSame ? before.clicked : undefined);
    const continues = isSame && fresh.length > 0 && before.clicked.size > 0;
    const clicks = continues ? fresh : distinctClicks(row.clicks);
    yield { row, query, continues, clicks };
    if (session === undefined || time === undefined) continue;
    const clicked = continues ? before.clicked : new Set<string>();
    for (const { document } of clicks) clicked.add(document);
    open.delete(session);
    open.set(session, { query, time, clicked });
    if (open.size > mostOpen) open.delete(open.keys().next().value!);
  }
}

function distinctClicks(clicks: readonly LoggedClick[], known?: ReadonlySet<string>): readonly LoggedClick[] {
  if (clicks.length === 0 || (clicks.length === 1 && known === undefined)) return clicks;
  const seen = new Set(known);
  return clicks.filter(({ document }) => !seen.has(document) && seen.add(document));
}
