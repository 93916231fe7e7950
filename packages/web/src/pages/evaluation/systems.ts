import { compareBytes } from '../../../../quern/src/byte-order.ts';
import { grouped } from '../../parts/grouped.ts';
import type { DamagedRun, ListAnswer, SavedRun } from './saved.ts';

/** Topics with judgements that runs are measured by: a collection, or one way of several in which it was judged. */
export interface Column {
  /** Unique, and what it is called. */
  readonly key: string;
  readonly collection: string;
  /** Runs with the same have the same topics and judgements. */
  readonly judgements: string;
  readonly topics: number;
}

/** Runs that were made in the same way, one a column at the most. */
export interface System {
  /** Unique, and what it is called. */
  readonly key: string;
  readonly reasoner: string;
  /** By the key of the column. */
  readonly runs: ReadonlyMap<string, SavedRun>;
}

/** What a list of runs is made of. */
export interface Gathered {
  readonly columns: readonly Column[];
  readonly systems: readonly System[];
  readonly damaged: readonly DamagedRun[];
  /** Collections that were judged in several ways, so that they have several columns. */
  readonly severally: readonly string[];
}

/** The systems and columns of a list. */
export function gathered({ runs }: Pick<ListAnswer, 'runs'>): Gathered {
  const damaged = runs.filter((run): run is DamagedRun => 'problem' in run);
  const saved = runs.filter((run): run is SavedRun => !('problem' in run));
  const columns = columnsOf(saved);
  const byJudgements = new Map(columns.map((column) => [columnId(column), column.key]));
  const systems = systemsOf(saved, (run) => byJudgements.get(columnId(run))!);
  const counts = grouped(columns, ({ collection }) => collection);
  const severally = [...counts].filter(([, each]) => each.length > 1).map(([collection]) => collection);
  return { columns, systems, damaged, severally };
}

function columnId({ collection, judgements }: Pick<SavedRun, 'collection' | 'judgements'>): string {
  return JSON.stringify([collection, judgements]);
}

function columnsOf(runs: readonly SavedRun[]): Column[] {
  const ways = grouped(runs, columnId);
  const collections = grouped(ways.values(), ([{ collection }]) => collection);
  const columns = [...collections].flatMap(([collection, several]) =>
    several.map((same) => {
      const [{ judgements, split }] = same;
      const splits = new Set(several.map(([each]) => each.split));
      const isTold = split !== undefined && splits.size === several.length;
      const way = isTold ? split : `judgements ${judgements.slice(0, 6)}`;
      const key = several.length === 1 ? collection : `${collection} (${way})`;
      const topics = Math.max(...same.map(({ queries }) => queries));
      return { runs: same.length, column: { key, collection, judgements, topics } };
    }),
  );
  // Those that most can be compared on come first.
  columns.sort((a, b) => b.runs - a.runs || compareBytes(a.column.key, b.column.key));
  const key = distinct();
  return columns.map(({ column }) => ({ ...column, key: key(column.key) }));
}

/** How a run was made, as far as its name does not say it, each as it is told where it tells runs apart. */
function settings({ analyzer, parameters: { k1, b }, k, combine, retriever, reasoner }: SavedRun): string[] {
  return [analyzer, `k1 ${k1}`, `b ${b}`, `k ${k}`, combine, retriever, reasoner];
}

function systemsOf(runs: readonly SavedRun[], columnOf: (run: SavedRun) => string): System[] {
  const systems: System[] = [];
  const key = distinct();
  for (const [run, named] of grouped(runs, (each) => each.run)) {
    const kinds = ofSeveralAnalyzers(
      [...grouped(named, (each) => JSON.stringify(settings(each))).values()],
      columnOf,
    );
    const told = kinds.map(([first]) => settings(first));
    for (const [i, kind] of kinds.entries()) {
      const differing = told[i].filter((each, at) => told.some((other) => other[at] !== each));
      const name = [run, ...differing].join(' · ');
      const byColumn = [...grouped(kind, columnOf)].map(
        ([column, same]) => [column, same.sort(byAge)] as const,
      );
      const most = Math.max(...byColumn.map(([, same]) => same.length));
      for (let age = 0; age < most; age++) {
        const having = byColumn.filter(([, same]) => age < same.length);
        const only = having.length === 1 && byColumn.length === 1 ? having[0][1][age].name : undefined;
        const which = only ?? (age === 0 ? 'newest' : age === 1 ? 'older' : `older, ${age}`);
        systems.push({
          key: key(most === 1 ? name : `${name} · ${which}`),
          reasoner: kind[0].reasoner,
          runs: new Map(having.map(([column, same]) => [column, same[age]])),
        });
      }
    }
  }
  return systems.sort((a, b) => b.runs.size - a.runs.size || compareBytes(a.key, b.key));
}

/**
 * Puts together what differs by its analyzer alone and never on the same column: some collections come as terms, and bring an
 * analyzer of their own.
 */
function ofSeveralAnalyzers(kinds: readonly SavedRun[][], columnOf: (run: SavedRun) => string): SavedRun[][] {
  const together: SavedRun[][] = [];
  for (const kind of kinds) {
    const columns = new Set(kind.map(columnOf));
    const rest = JSON.stringify(settings(kind[0]).slice(1));
    const like = together.find(
      (other) =>
        JSON.stringify(settings(other[0]).slice(1)) === rest &&
        other.every((run) => !columns.has(columnOf(run))),
    );
    if (like) like.push(...kind);
    else together.push([...kind]);
  }
  return together;
}

/** The newest first. */
function byAge(a: SavedRun, b: SavedRun): number {
  return compareBytes(b.created, a.created) || compareBytes(a.id, b.id);
}

/** Makes names distinct, in the order in which they come. */
function distinct(): (name: string) => string {
  const given = new Set<string>();
  return (name) => {
    let made = name;
    for (let turn = 2; given.has(made); turn++) made = `${name} (${turn})`;
    given.add(made);
    return made;
  };
}
