/**
 * A query log that is made up: searches for the topics of a collection, and clicks on what a first search showed, by a
 * position-based model (Craswell et al., "An experimental comparison of click position-bias models", WSDM 2008). It is
 * for tests and for trying things out; figures from it say nothing about people.
 */
import type { Qrels, Run, Topic } from '../src/collections/records.ts';
import { randomIntegers } from '../src/random.ts';

export interface ClickLogOptions {
  readonly topics: readonly Topic[];
  /** What people find to be relevant. */
  readonly qrels: Qrels;
  /** What the search of that time showed; its first ten are looked at. */
  readonly shown: Run;
  readonly searches: number;
  readonly seed?: number;
  /** A click on a relevant document that was looked at, and on another. */
  readonly clickRelevant?: number;
  readonly clickOther?: number;
  /** A result at position p is looked at with the chance (1 / p)^η. */
  readonly eta?: number;
  /** Whether every document that is relevant is shown in the first ten, the least of them coming last. */
  readonly showRelevant?: boolean;
}

/** A search of the made-up log, in the form of a JSON line. */
export interface MadeSearch {
  readonly query: string;
  readonly clicks: readonly string[];
  readonly positions: readonly number[];
  readonly time: string;
  readonly session: string;
}

const start = Date.UTC(2026, 2, 1);
/** Seconds between two searches of people. */
const pace = 120;

/**
 * Searches in the order of time. Topics are searched for by Zipf's law in the order that they have, the first twenty of
 * them in three spellings, by sessions of three searches each.
 */
export function clickLog(options: ClickLogOptions): MadeSearch[] {
  const { topics, qrels, shown, searches, seed = 1, eta = 1 } = options;
  const { clickRelevant = 0.9, clickOther = 0.02, showRelevant = false } = options;
  const next = randomIntegers(seed);
  const chance = (): number => next() / 2 ** 32;
  const sums: number[] = [];
  for (const [i] of topics.entries()) sums.push((sums.at(-1) ?? 0) + 1 / (i + 1));
  return Array.from({ length: searches }, (_, at) => {
    const drawn = chance() * sums.at(-1)!;
    const rank = sums.findIndex((sum) => sum > drawn);
    const topic = topics[rank];
    const relevant = qrels.get(topic.id)!;
    const list = (shown.rankings.get(topic.id) ?? []).slice(0, 10).map(({ id }) => id);
    if (showRelevant) {
      const unseen = [...relevant.keys()].filter((id) => !list.includes(id));
      list.splice(10 - unseen.length, unseen.length, ...unseen);
    }
    const clicked = list.flatMap((document, i) => {
      const looked = chance() < (1 / (i + 1)) ** eta;
      const opened = chance() < ((relevant.get(document) ?? 0) > 0 ? clickRelevant : clickOther);
      return looked && opened ? [{ document, position: i + 1 }] : [];
    });
    return {
      query: rank < 20 ? spelled(topic.text, chance()) : topic.text,
      clicks: clicked.map(({ document }) => document),
      positions: clicked.map(({ position }) => position),
      time: new Date(start + at * pace * 1000).toISOString(),
      session: `person-${Math.floor(at / 3)}`,
    };
  });
}

function spelled(text: string, chance: number): string {
  if (chance < 0.8) return text;
  return chance < 0.9 ? text.toUpperCase() : `  ${text.replaceAll(' ', '  ')} `;
}

/** A program that asks `queries` in turn, `searches` times within a second each. */
export function botLog(queries: readonly string[], searches: number): MadeSearch[] {
  return Array.from({ length: searches }, (_, at) => ({
    query: queries[at % queries.length],
    clicks: [],
    positions: [],
    time: new Date(start + at * 1000).toISOString(),
    session: 'bot',
  }));
}

/** The log as JSON lines, in the order of time. */
export function jsonLines(searches: readonly MadeSearch[]): string {
  return inOrderOfTime(searches)
    .map((search) => `${JSON.stringify(search)}\n`)
    .join('');
}

/** The log as a table with a row for each click, in the order of time. */
export function clickTable(searches: readonly MadeSearch[]): string {
  const rows = inOrderOfTime(searches).flatMap(({ query, clicks, positions, time, session }) =>
    clicks.length === 0
      ? [[query, '', '', time, session]]
      : clicks.map((id, i) => [query, id, String(positions[i]), time, session]),
  );
  return [['query', 'clicked', 'position', 'time', 'user'], ...rows]
    .map((row) => `${row.join('\t')}\n`)
    .join('');
}

function inOrderOfTime(searches: readonly MadeSearch[]): MadeSearch[] {
  return [...searches].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
}
