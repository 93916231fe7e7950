import { ownText } from './own-text.ts';
import type { LogRow } from './query-log-rows.ts';

/** The rules by which searches are left out of a query log. Each is "more than this". */
export interface LogRules {
  /**
   * Searches of a session (or user) in a day of UTC; in the whole log where it has no times. Default 100, the bound that
   * Jansen and Spink ("How are we searching the World Wide Web?", Information Processing and Management 42(1), 2006) set
   * between people and programs.
   */
  readonly searchesADay: number;
  /** Searches of a session in a minute by the clock. Default 20. */
  readonly searchesAMinute: number;
  /** The same query of a session in a row. Default 20. */
  readonly sameInARow: number;
  /** Characters (UTF-16 code units) of a query. Default 2,000: questions are long, pasted pages are longer. */
  readonly characters: number;
}

/** The rules that hold where none are set. */
export const defaultLogRules: LogRules = {
  searchesADay: 100,
  searchesAMinute: 20,
  sameInARow: 20,
  characters: 2000,
};

/** Why a search was left out. A session that breaks a rule is left out as a whole. */
export type LogFault =
  | 'searches a day'
  | 'searches a minute'
  | 'same query in a row'
  | 'empty'
  | 'only punctuation'
  | 'a URL'
  | 'too long'
  | 'no time';

/** The faults that are those of a session. */
export type SessionFault = Extract<LogFault, 'searches a day' | 'searches a minute' | 'same query in a row'>;

/**
 * `query` as it is told from others: NFKC, in lower case, its white space single and none at its ends.
 */
export function normalisedQuery(query: string): string {
  return query.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
}

/** What is wrong with a query, itself apart from its session; `undefined` where nothing is. */
export function queryFault(query: string, { characters }: LogRules): LogFault | undefined {
  const text = query.trim();
  if (text === '') return 'empty';
  if (text.length > characters) return 'too long';
  if (!/[\p{L}\p{N}]/u.test(text)) return 'only punctuation';
  if (/^(?:[a-z][a-z\d+.-]*:\/\/|www\.)\S+$/i.test(text)) return 'a URL';
  return undefined;
}

interface SessionCounts {
  day: number;
  inDay: number;
  minute: number;
  inMinute: number;
  query: string;
  inARow: number;
}

/**
 * Watches sessions for those that break a rule. Their rows are to come in the order of time: a count begins anew where the
 * day, the minute or the query is another than the row's before.
 */
export class SessionWatch {
  readonly #rules: LogRules;
  readonly #counts = new Map<string, SessionCounts>();
  readonly #faults = new Map<string, SessionFault>();

  constructor(rules: LogRules) {
    this.#rules = rules;
  }

  /** How many sessions broke which rule first. */
  get faults(): ReadonlyMap<string, SessionFault> {
    return this.#faults;
  }

  /** Counts a search. One without a session breaks no rule of sessions. */
  add({ session, time, count }: LogRow, query: string): void {
    if (session === undefined || this.#faults.has(session)) return;
    const day = Math.floor((time ?? 0) / 86_400_000);
    const minute = Math.floor((time ?? 0) / 60_000);
    const before = this.#counts.get(session);
    const counts = before ?? { day, inDay: 0, minute, inMinute: 0, query: '', inARow: 0 };
    if (!before) this.#counts.set(ownText(session), counts);
    counts.inDay = count + (counts.day === day ? counts.inDay : 0);
    counts.inMinute = count + (counts.minute === minute ? counts.inMinute : 0);
    counts.inARow = count + (counts.query === query ? counts.inARow : 0);
    Object.assign(counts, { day, minute, query: counts.query === query ? counts.query : ownText(query) });
    const fault = this.#faultOf(counts, time !== undefined);
    if (fault === undefined) return;
    this.#faults.set(ownText(session), fault);
    this.#counts.delete(session);
  }

  #faultOf({ inDay, inMinute, inARow }: SessionCounts, hasTime: boolean): SessionFault | undefined {
    const { searchesADay, searchesAMinute, sameInARow } = this.#rules;
    if (inDay > searchesADay) return 'searches a day';
    if (hasTime && inMinute > searchesAMinute) return 'searches a minute';
    if (inARow > sameInARow) return 'same query in a row';
    return undefined;
  }
}
