import type { Column, Gathered, System } from './systems.ts';

/** How topics are ordered in the list of them. */
export const orders = ['gain', 'loss', 'topic'] as const;
export type Order = (typeof orders)[number];

/** Which topics are in the list. */
export const kinds = ['all', 'wins', 'ties', 'losses'] as const;
export type Kind = (typeof kinds)[number];

/** What p values are corrected over. */
export const families = ['column', 'table'] as const;
export type Family = (typeof families)[number];

/** What the page shows: all of it is in the address. */
export interface Choice {
  readonly columns: readonly Column[];
  /** Of those that are shown: the baseline first. */
  readonly systems: readonly System[];
  readonly baseline: System;
  /** All that runs have, but for counts. */
  readonly measures: readonly string[];
  readonly measure: string;
  readonly digits: 1 | 4;
  readonly costs: boolean;
  readonly family: Family;
  /** What is looked at topic by topic; `b` is undefined where there is but one system. */
  readonly pair: { readonly a: System; readonly b: System | undefined; readonly column: Column } | undefined;
  readonly order: Order;
  readonly only: Kind;
  readonly find: string;
  readonly page: number;
  readonly topic: string | undefined;
  /** What the address names and is not there. */
  readonly unknown: readonly string[];
}

/** What is shown where nothing was chosen, at the most. */
const mostColumns = 12;
const mostSystems = 8;

const counts = new Set(['num_q', 'num_ret', 'num_rel', 'num_rel_ret']);

/** What the address chooses of what there is; undefined where there is nothing. */
export function choiceIn(params: URLSearchParams, { columns, systems }: Gathered): Choice | undefined {
  if (columns.length === 0 || systems.length === 0) return undefined;
  const unknown: string[] = [];
  const named = <T extends { readonly key: string }>(name: string, among: readonly T[]): T[] => {
    const asked = new Set(listIn(params.get(name) ?? ''));
    const found = among.filter(({ key }) => asked.delete(key));
    unknown.push(...asked);
    return found;
  };
  const chosenColumns = orElse(named('collections', columns), () => usualColumns(columns));
  const among = systems.filter(({ runs }) => chosenColumns.some(({ key }) => runs.has(key)));
  const chosenSystems = orElse(named('systems', systems), () => {
    const usual = usualBaseline(among);
    return [usual, ...among.filter((each) => each !== usual)].slice(0, mostSystems);
  });
  const [baseline] = orElse(named('baseline', chosenSystems), () => [usualBaseline(chosenSystems)]);
  const shown = [baseline, ...chosenSystems.filter((system) => system !== baseline)];
  const measures = measuresOf(shown, chosenColumns);
  const usualMeasure = measures.includes('ndcg@10') ? 'ndcg@10' : measures[0];
  const asked = params.get('measure');
  if (asked !== null && !measures.includes(asked)) unknown.push(asked);
  return {
    columns: chosenColumns,
    systems: shown,
    baseline,
    measures,
    measure: asked !== null && measures.includes(asked) ? asked : usualMeasure,
    digits: params.get('digits') === '4' ? 4 : 1,
    costs: params.get('costs') === 'yes',
    family: oneOf(families, params.get('family')),
    pair: pairOf(shown, chosenColumns, {
      on: named('on', chosenColumns)[0],
      a: named('a', shown)[0],
      b: named('b', shown)[0],
    }),
    order: oneOf(orders, params.get('order')),
    only: oneOf(kinds, params.get('only')),
    find: params.get('find') ?? '',
    page: Math.max(1, Math.floor(Number(params.get('page'))) || 1),
    topic: params.get('topic') ?? undefined,
    unknown,
  };
}

function pairOf(
  systems: readonly System[],
  columns: readonly Column[],
  {
    on,
    a: askedA,
    b: askedB,
  }: { readonly on?: Column | undefined; readonly a?: System | undefined; readonly b?: System | undefined },
): Choice['pair'] {
  for (const column of on ? [on] : columns) {
    const having = systems.filter(({ runs }) => runs.has(column.key));
    const a = askedA && having.includes(askedA) ? askedA : having.find((each) => each !== askedB);
    const isOther = askedB !== undefined && askedB !== a && having.includes(askedB);
    const b = isOther ? askedB : having.find((each) => each !== a);
    if (a && (b || column === (on ?? columns.at(-1)))) return { a, b, column };
  }
  return undefined;
}

/** Each collection by one way in which it was judged: the one that most runs were measured by. */
function usualColumns(columns: readonly Column[]): Column[] {
  const first = new Map(columns.toReversed().map((column) => [column.collection, column]));
  return columns.filter((column) => first.get(column.collection) === column).slice(0, mostColumns);
}

function usualBaseline(systems: readonly System[]): System {
  return systems.find(({ reasoner }) => reasoner === 'none') ?? systems[0];
}

function measuresOf(systems: readonly System[], columns: readonly Column[]): string[] {
  const names = new Set<string>();
  for (const { runs } of systems) {
    for (const { key } of columns) {
      for (const name of Object.keys(runs.get(key)?.measures ?? {})) if (!counts.has(name)) names.add(name);
    }
  }
  return [...names];
}

function orElse<T>(found: readonly T[], otherwise: () => readonly T[]): readonly T[] {
  return found.length > 0 ? found : otherwise();
}

function oneOf<T extends string>(known: readonly T[], asked: string | null): T {
  return known.find((each) => each === asked) ?? known[0];
}

/** Names as one parameter: with commas between them, those within them and backslashes after a backslash. */
export function listText(names: readonly string[]): string {
  return names.map((name) => name.replaceAll(/[\\,]/g, String.raw`\$&`)).join(',');
}

/** The names in such a parameter. */
export function listIn(text: string): string[] {
  if (text === '') return [];
  return [...`${text},`.matchAll(/((?:\\[^]|[^\\,])*),/g)].map(([, name]) =>
    name.replaceAll(/\\([^])/g, '$1'),
  );
}
