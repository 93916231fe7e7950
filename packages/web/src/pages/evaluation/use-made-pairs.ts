import { useEffect, useState } from 'preact/hooks';
import type { Choice } from './choice.ts';
import { pairsToMake, type MadePair, type PairToMake } from './significance.ts';
import { comparedRuns, topicValues } from './topic-values.ts';

/** The comparisons of what is chosen, as far as they are made. */
export interface MadePairs {
  readonly pairs: readonly PairToMake[];
  readonly done: number;
  readonly failed: readonly { readonly pair: PairToMake; readonly error: Error }[];
  made(pair: PairToMake): MadePair;
  /** Makes again what failed. */
  again(): void;
}

/** Makes the comparisons with the baseline, one after another, and tells of each as it is done. */
export function useMadePairs({ systems, columns, baseline, measure }: Choice): MadePairs {
  const pairs = pairsToMake(systems, columns, baseline);
  const keyOf = ({ system, column }: PairToMake): string =>
    JSON.stringify([
      measure,
      ...[baseline, system].map(({ runs }) => [runs.get(column.key)!.id, runs.get(column.key)!.created]),
    ]);
  const keys = pairs.map(keyOf);
  const [made, setMade] = useState<ReadonlyMap<string, MadePair>>(new Map());
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const outcomes = new Map<string, MadePair>();
    const make = async (): Promise<void> => {
      for (const [i, { system, column }] of pairs.entries()) {
        const next = pairs[i + 1];
        // It is read while this one is compared.
        if (next) topicValues(next.system.runs.get(next.column.key)!).catch(() => undefined);
        const runs = [baseline, system].map((each) => each.runs.get(column.key)!);
        const outcome = await comparedRuns(runs[0], runs[1], measure, signal).catch((error: Error) => error);
        if (signal.aborted) return;
        outcomes.set(keys[i], outcome);
        setMade(new Map(outcomes));
      }
    };
    void make();
    return () => stop.abort();
  }, [JSON.stringify(keys), turn]);
  const outcomeOf = (pair: PairToMake): MadePair => made.get(keyOf(pair));
  return {
    pairs,
    done: pairs.filter((pair) => outcomeOf(pair) !== undefined).length,
    failed: pairs.flatMap((pair) => {
      const error = outcomeOf(pair);
      return error instanceof Error ? [{ pair, error }] : [];
    }),
    made: outcomeOf,
    again: () => setTurn((before) => before + 1),
  };
}
