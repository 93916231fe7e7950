import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { ReadOptions } from './bytes.ts';
import { excerpt, parseJsonObject, type PlacedRecord } from './jsonl.ts';
import { readLines } from './lines.ts';
import { logTime } from './query-log-time.ts';
import { idText, kindOf, textField } from './record-fields.ts';

/** A click on a document of a result list. */
export interface LoggedClick {
  readonly document: string;
  /** The rank at which it was shown, from 1, where the log has it. */
  readonly position?: number;
}

/** A row of a query log. */
export interface LogRow {
  /** `file:line`. */
  readonly where: string;
  /** Half surrogate pairs in it are U+FFFD. */
  readonly query: string;
  readonly clicks: readonly LoggedClick[];
  /** How many like searches the row stands for. */
  readonly count: number;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly time?: number;
  /** A session or a user. */
  readonly session?: string;
}

/** What a row is read from; the first name that a log has counts. */
const columns = {
  query: ['query'],
  clicks: ['clicks', 'clicked'],
  count: ['count'],
  positions: ['positions', 'position'],
  time: ['time'],
  session: ['session', 'user'],
} as const;

const hint =
  'Columns are query, clicks (or clicked), and where there are: count, positions (or position), time, session (or user)';

type Fields = Readonly<Record<keyof typeof columns, unknown>>;

/**
 * The rows of a query log, plain or gzipped, one at a time. A file whose first line begins with `{` holds one JSON object
 * a line; any other is a table with tabs between its fields and the names of its columns in the first line, in which
 * several clicks, and their positions, are separated by spaces or commas. An empty field and `null` are the same as none.
 *
 * Throws `BAD_INPUT` at `file:line` for a table without the columns `query` and `clicks`, for rows of another form, for
 * positions that are not as many as the clicks, and for counts, positions and times that are none; and whatever
 * `readLines` throws.
 */
export async function* readLogRows(
  path: string,
  { warnings, ...reading }: ReadOptions & { readonly warnings?: Warnings } = {},
): AsyncGenerator<LogRow> {
  let parse: ((text: string, where: string) => LogRow) | undefined;
  for await (const { text, number } of readLines(path, reading)) {
    if (text.trim() === '') continue;
    const where = `${path}:${number}`;
    if (parse) yield parse(text, where);
    else if (text.trimStart().startsWith('{')) {
      parse = jsonRow;
      const row = parse(text, where);
      warnOfFields(parseJsonObject(text, where), where, warnings);
      yield row;
    } else parse = tableRow(text, where, warnings);
  }
}

/** Fields of the first row that are not read: one of them may be a misspelt one that is. */
function warnOfFields(
  record: Readonly<Record<string, unknown>>,
  where: string,
  warnings: Warnings | undefined,
): void {
  const read = new Set<string>(Object.values(columns).flat());
  warnOfUnread(
    Object.keys(record).filter((name) => !read.has(name)),
    'field',
    where,
    warnings,
  );
}

/** A log can have thousands of them, as an export of features has. */
const mostUnreadNamed = 10;

function warnOfUnread(
  names: readonly string[],
  what: 'field' | 'column',
  where: string,
  warnings: Warnings | undefined,
): void {
  for (const name of names.slice(0, mostUnreadNamed)) {
    warnings?.add(`the ${what} ${excerpt(name)} is not read`, where);
  }
  const more = names.length - mostUnreadNamed;
  if (more > 0) warnings?.add(`${more} more ${what}${more === 1 ? ' is' : 's are'} not read`, where);
}

function jsonRow(text: string, where: string): LogRow {
  const record = parseJsonObject(text, where);
  const of = (name: keyof typeof columns): unknown =>
    columns[name].map((field) => record[field]).find((value) => value !== undefined && value !== null);
  return rowOf(
    { where, record },
    {
      query: of('query'),
      clicks: of('clicks'),
      count: of('count'),
      positions: of('positions'),
      time: of('time'),
      session: of('session'),
    },
  );
}

/** What parses the rows of a table with this first line. */
function tableRow(
  header: string,
  headerWhere: string,
  warnings: Warnings | undefined,
): (text: string, where: string) => LogRow {
  const names = header.split('\t').map((name) => name.trim().toLowerCase());
  const places = {} as Record<keyof typeof columns, number>;
  for (const [column, aliases] of Object.entries(columns)) {
    const name = aliases.find((alias) => names.includes(alias));
    places[column as keyof typeof columns] = name === undefined ? -1 : names.indexOf(name);
  }
  if (places.query < 0 || places.clicks < 0) {
    const what = `the first line names no column ${places.query < 0 ? 'query' : 'clicks'}: ${excerpt(header)}`;
    throw new QuernError('BAD_INPUT', what, {
      where: headerWhere,
      hint: `${hint}. A log is JSON lines, or a table with tabs between its columns`,
    });
  }
  const read = new Set(Object.values(places));
  warnOfUnread(
    names.filter((_, place) => !read.has(place)),
    'column',
    headerWhere,
    warnings,
  );
  return (text, where) => {
    const cells = text.split('\t');
    if (cells.length > names.length) {
      const what = `${cells.length} fields, and ${names.length} columns: ${excerpt(text)}`;
      throw new QuernError('BAD_INPUT', what, { where, hint: 'Fields are separated by tabs' });
    }
    if (cells.length < names.length) warnings?.add('a row that ends before its last column', where);
    const of = (place: number): string | undefined => cells[place]?.trim() || undefined;
    const count = of(places.count);
    const fields = {
      query: cells[places.query] ?? '',
      clicks: listed(of(places.clicks)),
      count: count === undefined ? undefined : numberOf(count),
      positions: listed(of(places.positions))?.map(numberOf),
      time: of(places.time),
      session: of(places.session),
    };
    return rowOf({ where, record: fields }, fields);
  };
}

function listed(cell: string | undefined): string[] | undefined {
  return cell?.split(/[\s,]+/u).filter((part) => part !== '');
}

/** The number that digits stand for; other text as it is, which is then no number. */
function numberOf(text: string): unknown {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function rowOf(placed: PlacedRecord, fields: Fields): LogRow {
  const { where } = placed;
  const query = textField(placed, 'query');
  if (query === undefined) throw new QuernError('BAD_INPUT', 'the row has no query', { where, hint });
  const { count, time, session } = fields;
  return {
    where,
    query: query.replaceAll(/\p{Surrogate}/gu, '\ufffd'),
    clicks: clicksOf(fields, where),
    count: count === undefined ? 1 : positiveInteger(count, 'count', where),
    ...(time !== undefined && { time: logTime(time, where) }),
    ...(session !== undefined && { session: idText(session, 'session', where) }),
  };
}

function clicksOf({ clicks, positions }: Fields, where: string): LoggedClick[] {
  const ids = listOf(clicks).map((id) => idText(id, 'a clicked id', where));
  if (positions === undefined) return ids.map((document) => ({ document }));
  const ranks = listOf(positions).map((rank) => positiveInteger(rank, 'position', where));
  if (ranks.length !== ids.length) {
    const what = `${ranks.length} positions for ${ids.length} clicks`;
    throw new QuernError('BAD_INPUT', what, { where, hint: 'Each click has its position, in their order' });
  }
  return ids.map((document, i) => ({ document, position: ranks[i] }));
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function positiveInteger(value: unknown, name: string, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  const shown =
    typeof value === 'string' || typeof value === 'number' ? excerpt(String(value)) : kindOf(value);
  throw new QuernError('BAD_INPUT', `${name} is ${shown}, not a whole number of 1 or more`, { where });
}
