import { QuernError } from '../errors.ts';
import {
  inOneGo,
  type Interval,
  meanInterval,
  meanOf,
  pairedTTest,
  randomisationSteps,
  type RandomisationTest,
  type SamplingSettings,
  standardisedDifference,
  type TTest,
} from './statistics.ts';

/** Topics whose values differ by less than this are ties: no measure makes such a difference but by rounding. */
export const tieTolerance = 1e-9;

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
  /** Topics on which the other run is better, as good (a difference below 1e-9), and worse. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
}

/**
 * Compares two runs' values of one measure, `baseline[i]` and `other[i]` being of the same topic. Differences below
 * 1e-9 are taken as 0 throughout. No field is NaN or infinite: if all topics tie, both p are 1.
 *
 * Throws `BAD_INPUT` for no topics, for arrays of unlike length and for values that are not finite.
 */
export function comparePaired(
  baseline: readonly number[],
  other: readonly number[],
  sampling: SamplingSettings = {},
): PairedComparison {
  return inOneGo(pairedSteps(baseline, other, sampling));
}

/** {@link comparePaired} in steps of a few milliseconds, for where something else has to be done in between. */
export function* pairedSteps(
  baseline: readonly number[],
  other: readonly number[],
  sampling: SamplingSettings = {},
): Generator<void, PairedComparison, undefined> {
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
    randomisation: yield* randomisationSteps(differences, sampling),
    dz: standardisedDifference(differences),
    wins,
    ties: differences.length - wins - losses,
    losses,
  };
}
