import { macroMean } from '../../../../quern/src/evaluate/macro-mean.ts';
import { decimal } from '../../../../quern/src/report/words.ts';
import type { AdjustedPair, Significance } from './significance.ts';
import type { SavedRun } from './saved.ts';
import type { Column, System } from './systems.ts';

/** How a value stands in its column, by what is written: values that are written alike stand alike. */
export type Standing = 'best' | 'second';

/** One value of the table. */
export interface ResultCell {
  readonly run: SavedRun | undefined;
  /** Undefined where there is no run, or it lacks the measure. */
  readonly value: number | undefined;
  /** As it is written; a dash where there is none. */
  readonly text: string;
  readonly standing: Standing | undefined;
  /** The comparison with the baseline, where there is one and it is done. */
  readonly pair: AdjustedPair | undefined;
  readonly mark: '' | '†' | '‡';
}

/** One system's values. */
export interface ResultRow {
  readonly system: System;
  readonly isBaseline: boolean;
  readonly cells: readonly ResultCell[];
  /** Of the columns that all systems have; undefined where there is no such mean. */
  readonly mean: ResultCell | undefined;
}

/** A table of systems by columns, and the mean over these. */
export interface ResultsTable {
  readonly columns: readonly Column[];
  readonly rows: readonly ResultRow[];
  /** The columns that the mean is over. */
  readonly meanOver: readonly Column[];
  /** Those that it leaves out, and the systems that have no value there. */
  readonly leftOut: readonly { readonly column: Column; readonly without: readonly System[] }[];
}

/** What a table is made of. */
export interface TableSources {
  readonly systems: readonly System[];
  readonly columns: readonly Column[];
  readonly baseline: System;
  readonly measure: string;
  readonly digits: 1 | 4;
}

/** The level below which an adjusted p is marked. */
export const level = 0.05;

/** The table. The mean is over the columns, each counting the same, in which all systems have a value, and only of two or more. */
export function resultsTable(
  { systems, columns, baseline, measure, digits }: TableSources,
  significance: Significance = () => undefined,
): ResultsTable {
  const valueOf = (system: System, column: Column): number | undefined => {
    const { measures } = system.runs.get(column.key) ?? {};
    return measures && Object.hasOwn(measures, measure) ? measures[measure] : undefined;
  };
  const without = columns.map((column) => ({
    column,
    without: systems.filter((system) => valueOf(system, column) === undefined),
  }));
  const meanOver = without.filter((each) => each.without.length === 0).map(({ column }) => column);
  const hasMean = columns.length > 1 && meanOver.length > 1;
  const means = systems.map((system) =>
    hasMean
      ? macroMean(
          [{ name: measure, summary: 'mean' }],
          meanOver.map((column) => ({ [measure]: valueOf(system, column)! })),
        )[measure]
      : undefined,
  );
  const standings = columns.map((column) =>
    standingsOf(systems.map((system) => written(valueOf(system, column), digits))),
  );
  const meanStandings = standingsOf(means.map((mean) => written(mean, digits)));
  const rows = systems.map((system, i): ResultRow => {
    const cells = columns.map((column, c): ResultCell => {
      const value = valueOf(system, column);
      const pair = significance(system, column);
      const text = written(value, digits);
      const mark = markOf(pair);
      return { run: system.runs.get(column.key), value, text, standing: standings[c][i], pair, mark };
    });
    const mean: ResultCell = {
      run: undefined,
      value: means[i],
      text: written(means[i], digits),
      standing: meanStandings[i],
      pair: undefined,
      mark: '',
    };
    return { system, isBaseline: system === baseline, cells, mean: hasMean ? mean : undefined };
  });
  const leftOut = without.filter((each) => each.without.length > 0);
  return { columns, rows, meanOver: hasMean ? meanOver : [], leftOut };
}

/** A value times 100 with one decimal, or with four as it is; a dash where there is none. */
export function written(value: number | undefined, digits: 1 | 4): string {
  if (value === undefined) return '–';
  return digits === 1 ? decimal(value * 100, 1) : decimal(value, 4);
}

/** † significantly better than the baseline, ‡ significantly worse. */
function markOf(pair: AdjustedPair | undefined): ResultCell['mark'] {
  if (pair === undefined || pair.adjusted.randomisation >= level || pair.difference === 0) return '';
  return pair.difference > 0 ? '†' : '‡';
}

/** How written values stand among each other; nobody where there is but one, and no second where all are alike. */
function standingsOf(texts: readonly string[]): (Standing | undefined)[] {
  const numbers = texts.map((text) => Number(text.replace('−', '-')));
  const known = numbers.filter((value) => !Number.isNaN(value));
  if (known.length < 2) return texts.map(() => undefined);
  const best = Math.max(...known);
  const second = Math.max(...known.filter((value) => value < best));
  return numbers.map((value) => (value === best ? 'best' : value === second ? 'second' : undefined));
}
