import type { Qrels, Run } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { evaluateRun, type Measure, type RankingSettings, type RunMeasures } from './measures.ts';
import {
  bootstrapInterval,
  holm,
  type Interval,
  meanInterval,
  meanOf,
  pairedTTest,
  type RandomisationTest,
  randomisationTest,
  type SamplingSettings,
  standardisedDifference,
  type TTest,
} from './statistics.ts';

/** Topics whose values differ by less than this are ties: no measure makes such a difference but by rounding. */
export const tieTolerance = 1e-9;

/** Settings of {@link compareRuns}; `samples` are those of the randomisation test. */
export interface ComparisonSettings extends RankingSettings, SamplingSettings {}

/** Two runs' values of one measure on the same topics. Differences are those of the other run from the baseline. */
export interface PairedComparison {
  readonly topics: number;
  /** Mean of the baseline's values. */
  readonly baseline: number;
  /** Mean of the other run's values. */
  readonly mean: number;
  /** Mean difference, positive where the other run is the better one. */
  readonly difference: number;
  /** 95 % confidence interval of the mean difference (Student's t); `null` for one topic. */
  readonly interval: Interval | null;
  readonly tTest: TTest;
  readonly randomisation: RandomisationTest;
  /** Standardised mean difference d_z; `null` where it is not defined. */
  readonly dz: number | null;
  /** Topics on which the other run is better, as good (see {@link tieTolerance}), and worse. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
}

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
 * Compares two runs' values of one measure, `baseline[i]` and `other[i]` being of the same topic. Differences below
 * {@link tieTolerance} are taken as 0 throughout. No field is NaN or infinite: if all topics tie, both p are 1.
 *
 * Throws `BAD_INPUT` for no topics, for arrays of unlike length and for values that are not finite.
 */
export function comparePaired(
  baseline: readonly number[],
  other: readonly number[],
  sampling: SamplingSettings = {},
): PairedComparison {
  if (baseline.length === 0 || baseline.length !== other.length) {
    throw new QuernError(
      'BAD_INPUT',
      `values of ${baseline.length} and ${other.length} topics cannot be paired`,
    );
  }
  const differences = other.map((value, i) => {
    const difference = value - baseline[i];
    if (!Number.isFinite(difference))
      throw new QuernError('BAD_INPUT', 'a value that is not a finite number');
    return Math.abs(difference) < tieTolerance ? 0 : difference;
  });
  const wins = differences.filter((difference) => difference > 0).length;
  const losses = differences.filter((difference) => difference < 0).length;
  return {
    topics: differences.length,
    baseline: meanOf(baseline),
    mean: meanOf(other),
    difference: meanOf(differences),
    interval: meanInterval(differences),
    tTest: pairedTTest(differences),
    randomisation: randomisationTest(differences, sampling),
    dz: standardisedDifference(differences),
    wins,
    ties: differences.length - wins - losses,
    losses,
  };
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
