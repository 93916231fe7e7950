import type { Qrels, Run } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { evaluateRun, type Measure, type RankingSettings, type RunMeasures } from './measures.ts';
import { comparePaired, type PairedComparison } from './paired-comparison.ts';
import { bootstrapInterval, holm, type Interval, meanOf, type SamplingSettings } from './statistics.ts';

export { comparePaired, type PairedComparison, tieTolerance } from './paired-comparison.ts';

/** Settings of {@link compareRuns}; `samples` are those of the randomisation test. */
export interface ComparisonSettings extends RankingSettings, SamplingSettings {}

/** A {@link PairedComparison} within a family of them: p values adjusted by Holm's method over all of the family. */
export interface RunComparison extends PairedComparison {
  /** Name of the run that is compared with the baseline. */
  readonly run: string;
  /** Canonical name of the measure. */
  readonly measure: string;
  readonly adjusted: { readonly tTest: number; readonly randomisation: number };
}

/** A run's mean of one measure over all topics, with its 95 % bootstrap interval. */
export interface RunSummary {
  readonly run: string;
  readonly measure: string;
  readonly mean: number;
  readonly interval: Interval | null;
}

/** The outcome of {@link compareRuns}: plain data, ready for JSON. */
export interface Comparison {
  readonly baseline: string;
  /** Number of topics, all those that have judgements. */
  readonly topics: number;
  readonly measures: readonly string[];
  /** Every run, the baseline first, by every measure. */
  readonly runs: readonly RunSummary[];
  /** Every other run against the baseline, by every measure: the family that p values are adjusted over. */
  readonly comparisons: readonly RunComparison[];
}

/**
 * Compares each of `others` with `baseline` by each of `measures`, over all topics of `qrels`; a topic without a ranking
 * counts 0. The same runs, judgements and settings give the same record, and a pair's own figures (those that are not
 * `adjusted`) do not depend on what else is compared.
 *
 * Throws `USAGE` without runs or measures, for two runs of one name, and for counts (`num_ret`, …); and as
 * {@link evaluateRun} does.
 */
export function compareRuns(
  baseline: Run,
  others: readonly Run[],
  qrels: Qrels,
  measures: readonly Measure[],
  { seed, samples, ...ranking }: ComparisonSettings = {},
): Comparison {
  const all = [baseline, ...others];
  if (others.length === 0) throw new QuernError('USAGE', 'no run to compare with the baseline');
  if (measures.length === 0) throw new QuernError('USAGE', 'no measure to compare runs by');
  if (new Set(all.map(({ name }) => name)).size < all.length) {
    throw new QuernError('USAGE', `two runs have one name: ${all.map(({ name }) => name).join(', ')}`);
  }
  const count = measures.find(({ summary }) => summary === 'sum');
  if (count) throw new QuernError('USAGE', `${count.name} is a count, not a measure to compare runs by`);

  const evaluated = all.map((run) => evaluateRun(run, qrels, measures, { ...ranking, complete: true }));
  const names = measures.map(({ name }) => name);
  const runs = all.flatMap(({ name: run }, i) =>
    names.map((measure): RunSummary => {
      const values = valuesOf(evaluated[i], measure);
      return { run, measure, mean: meanOf(values), interval: bootstrapInterval(values, { seed }) };
    }),
  );
  const pairs = others.flatMap(({ name: run }, i) =>
    names.map((measure) => ({
      run,
      measure,
      ...comparePaired(valuesOf(evaluated[0], measure), valuesOf(evaluated[i + 1], measure), {
        seed,
        samples,
      }),
    })),
  );
  const tTests = holm(pairs.map(({ tTest }) => tTest.p));
  const randomisations = holm(pairs.map(({ randomisation }) => randomisation.p));
  return {
    baseline: baseline.name,
    topics: evaluated[0].topics,
    measures: names,
    runs,
    comparisons: pairs.map((pair, i) =>
      Object.assign(pair, { adjusted: { tTest: tTests[i], randomisation: randomisations[i] } }),
    ),
  };
}

function valuesOf({ perTopic }: RunMeasures, measure: string): number[] {
  return Array.from(perTopic.values(), (values) => values[measure]);
}
