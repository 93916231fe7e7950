import { comparePaired, type PairedComparison } from './comparison.ts';
import {
  bestMean,
  crossValidated,
  repeatedlyCrossValidated,
  type Candidate,
  type CrossValidated,
  type FoldSettings,
  type RepeatedCrossValidation,
} from './cross-validation.ts';
import { bootstrapInterval, holm, meanOf, type AdjustedP, type Interval } from './statistics.ts';

/** What {@link tunedCombination} chooses among. */
export interface CombinationInput extends FoldSettings {
  readonly topics: readonly string[];
  /** The topics' values without reasoning. */
  readonly plain: readonly number[];
  /** The simplest first. */
  readonly candidates: readonly Candidate[];
}

/** A mean with its 95 % bootstrap interval. */
export interface MeanWithInterval {
  readonly mean: number;
  readonly interval: Interval | null;
}

/** A comparison with p adjusted by Holm's method over both of {@link CombinationTuning.against}. */
export type AdjustedComparison = PairedComparison & AdjustedP;

/** Which combination is best, and what choosing it so brings. */
export interface CombinationTuning {
  /** The name and the place of the candidate that is best on all topics: the one to use. */
  readonly chosen: string;
  readonly place: number;
  readonly plain: MeanWithInterval;
  /** Each candidate on all topics; what is best among them looks better than it is. */
  readonly candidates: readonly (MeanWithInterval & {
    readonly name: string;
    readonly timesChosen: number;
  })[];
  /** What was chosen without a topic, on that topic: what the choice brings where it has not been seen. */
  readonly outOfFold: MeanWithInterval;
  /** The out-of-fold values against those of the first candidate, and against those without reasoning. */
  readonly against: Readonly<Record<'first' | 'plain', AdjustedComparison>>;
  readonly crossValidation: CrossValidated;
  /** The same under ten seeds, the given one and those after it. */
  readonly repeated: RepeatedCrossValidation;
}

const repeats = 10;

/** Chooses among combinations by k-fold cross-validation. Throws as `crossValidated` does. */
export function tunedCombination({
  topics,
  plain,
  candidates,
  folds,
  seed = 1,
}: CombinationInput): CombinationTuning {
  const crossValidation = crossValidated({ topics, candidates, folds, seed });
  const { values, timesChosen } = crossValidation;
  const place = bestMean(
    candidates,
    topics.map((_, i) => i),
  );
  const withInterval = (each: readonly number[]): MeanWithInterval => ({
    mean: meanOf(each),
    interval: bootstrapInterval(each, { seed }),
  });
  const pairs = [candidates[0].values, plain].map((other) => comparePaired(other, values, { seed }));
  const adjusted = holm(pairs.map(({ randomisation }) => randomisation.p));
  const [first, bare] = pairs.map((pair, i) => ({ ...pair, adjustedP: adjusted[i] }));
  return {
    chosen: candidates[place].name,
    place,
    plain: withInterval(plain),
    candidates: candidates.map((candidate, i) => ({
      name: candidate.name,
      ...withInterval(candidate.values),
      timesChosen: timesChosen[i],
    })),
    outOfFold: withInterval(values),
    against: { first, plain: bare },
    crossValidation,
    repeated: repeatedlyCrossValidated(
      { topics, candidates, folds },
      Array.from({ length: repeats }, (_, i) => seed + i),
    ),
  };
}
