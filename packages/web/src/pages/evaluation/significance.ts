import type { PairedComparison } from '../../../../quern/src/evaluate/paired-comparison.ts';
import { holm } from '../../../../quern/src/evaluate/statistics.ts';
import { grouped } from '../../parts/grouped.ts';
import type { Family } from './choice.ts';
import type { Column, System } from './systems.ts';

/** A system against the baseline on one column, p adjusted over its family. */
export interface AdjustedPair extends PairedComparison {
  readonly adjusted: { readonly tTest: number; readonly randomisation: number };
  /** How many comparisons p was adjusted over. */
  readonly family: number;
}

/** Tells the comparison of a system with the baseline, where it is done. */
export type Significance = (system: System, column: Column) => AdjustedPair | undefined;

/** A comparison that there is to make. */
export interface PairToMake {
  readonly system: System;
  readonly column: Column;
}

/** What became of it: undefined as long as it is not done; an error where it cannot be made. */
export type MadePair = PairedComparison | Error | undefined;

/** Every other system against the baseline, wherever both have a run. */
export function pairsToMake(
  systems: readonly System[],
  columns: readonly Column[],
  baseline: System,
): PairToMake[] {
  return columns
    .filter(({ key }) => baseline.runs.has(key))
    .flatMap((column) =>
      systems
        .filter((system) => system !== baseline && system.runs.has(column.key))
        .map((system) => ({ system, column })),
    );
}

/**
 * The comparisons with p adjusted by Holm's method, over those of the same column (as `quern compare` does with the same runs and one
 * measure) or over all of the table. Of a family that is not done yet nothing is told; what cannot be made is not in it.
 */
export function significanceOf(
  pairs: readonly PairToMake[],
  made: (pair: PairToMake) => MadePair,
  family: Family,
): Significance {
  const adjusted = new Map<Column, Map<System, AdjustedPair>>();
  const families = family === 'table' ? [pairs] : [...grouped(pairs, ({ column }) => column).values()];
  for (const members of families) {
    const outcomes = members.map((pair) => ({ pair, outcome: made(pair) }));
    if (outcomes.some(({ outcome }) => outcome === undefined)) continue;
    const done = outcomes.flatMap(({ pair, outcome }) =>
      outcome === undefined || outcome instanceof Error ? [] : [{ pair, outcome }],
    );
    const tTests = holm(done.map(({ outcome }) => outcome.tTest.p));
    const randomisations = holm(done.map(({ outcome }) => outcome.randomisation.p));
    for (const [i, { pair, outcome }] of done.entries()) {
      const ofColumn = adjusted.get(pair.column) ?? new Map<System, AdjustedPair>();
      adjusted.set(pair.column, ofColumn);
      ofColumn.set(pair.system, {
        ...outcome,
        adjusted: { tTest: tTests[i], randomisation: randomisations[i] },
        family: done.length,
      });
    }
  }
  return (system, column) => adjusted.get(column)?.get(system);
}
