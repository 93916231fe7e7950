import { compareBytes } from '../byte-order.ts';
import { QuernError } from '../errors.ts';
import { randomIntegers } from '../random.ts';
import { meanOf } from './statistics.ts';

/** A setting that could be chosen, with its value of a measure for each topic. */
export interface Candidate {
  readonly name: string;
  /** In the order of the topics. */
  readonly values: readonly number[];
}

/** How topics are dealt into folds; the same settings deal them the same. */
export interface FoldSettings {
  /** How many folds, 2 or more; at most as many as topics are taken. Default 5. */
  readonly folds?: number;
  /** Of the shuffle, an integer of which the low 32 bits count. Default 1. */
  readonly seed?: number;
}

/** What {@link crossValidated} chooses among, and how. */
export interface CrossValidationInput extends FoldSettings {
  /** The topics' ids, all different. */
  readonly topics: readonly string[];
  /** The simplest first: ties go to the first. At least one. */
  readonly candidates: readonly Candidate[];
  /**
   * The place of the candidate that is best on the training topics, which are given by their places in `topics`, in the
   * byte order of their ids. Default: {@link bestMean}.
   */
  readonly choose?: (training: readonly number[]) => number;
}

/** One fold: what was held out, and what the others chose for it. */
export interface Fold {
  /** Places of the topics that were held out, in the byte order of their ids. */
  readonly topics: readonly number[];
  /** The place of the candidate that was best on all other topics. */
  readonly chosen: number;
}

/** The outcome of {@link crossValidated}. */
export interface CrossValidated {
  readonly folds: readonly Fold[];
  /** For each topic, in the order given, the value of the candidate that was chosen without it. */
  readonly values: readonly number[];
  /** The mean of these: what choosing in this way brings on topics that it has not seen. */
  readonly mean: number;
  /** For each candidate, in how many folds it was chosen. */
  readonly timesChosen: readonly number[];
}

/** The outcome of {@link repeatedlyCrossValidated}. */
export interface RepeatedCrossValidation {
  /** The mean of the out-of-fold values under each seed. */
  readonly means: readonly number[];
  /** For each candidate, in how many of all folds it was chosen. */
  readonly timesChosen: readonly number[];
  readonly folds: number;
}

/**
 * The folds of topics, by their places: shuffled (Fisher and Yates) from the byte order of their ids, then dealt one by
 * one, so that the sizes differ by one at most. Which topics share a fold does not depend on their order. Within a fold
 * they are in the byte order of their ids.
 *
 * Throws `USAGE` for fewer than two folds, `BAD_INPUT` for fewer than two topics or two of one id.
 */
export function foldsOf(topics: readonly string[], { folds = 5, seed = 1 }: FoldSettings = {}): number[][] {
  if (!Number.isSafeInteger(folds) || folds < 2) {
    throw new QuernError('USAGE', `cross-validation needs 2 folds or more, not ${folds}`);
  }
  if (!Number.isSafeInteger(seed)) throw new QuernError('USAGE', `seed ${seed} is not an integer`);
  if (topics.length < 2) throw new QuernError('BAD_INPUT', 'cross-validation needs 2 topics or more');
  const order = byId(topics);
  const twice = order.find((place, i) => i > 0 && topics[place] === topics[order[i - 1]]);
  if (twice !== undefined) {
    throw new QuernError('BAD_INPUT', `two topics have the id ${JSON.stringify(topics[twice])}`);
  }
  const ranks = order.map((_, rank) => rank);
  const next = randomIntegers(seed);
  for (let i = ranks.length - 1; i > 0; i--) {
    const j = Math.floor((next() / 2 ** 32) * (i + 1));
    [ranks[i], ranks[j]] = [ranks[j], ranks[i]];
  }
  const count = Math.min(folds, topics.length);
  return Array.from({ length: count }, (_, fold) =>
    ranks
      .filter((__, i) => i % count === fold)
      .toSorted((a, b) => a - b)
      .map((rank) => order[rank]),
  );
}

/** The topics that are not in a fold, by their places, in the byte order of their ids. */
export function trainingTopics(topics: readonly string[], fold: readonly number[]): number[] {
  const held = new Set(fold);
  return byId(topics).filter((place) => !held.has(place));
}

/** The place of the candidate with the greatest mean over topics; ties, up to rounding, go to the first. */
export function bestMean(candidates: readonly Candidate[], topics: readonly number[]): number {
  const means = candidates.map(({ values }) => meanOf(topics.map((topic) => values[topic])));
  return means.reduce((best, mean, i) => (mean > means[best] + 1e-12 ? i : best), 0);
}

/**
 * k-fold cross-validation over topics: for each fold, the candidate that is best on the other folds is chosen, and its
 * values stand for the fold's topics. So no topic has a say in what is chosen for it, and the values can be compared with
 * any other run's, topic by topic. The outcome does not depend on the order in which topics are given.
 *
 * Throws `BAD_INPUT` for no candidates or values that do not fit the topics or are not finite, and as {@link foldsOf} does.
 */
export function crossValidated({
  topics,
  candidates,
  choose = (training) => bestMean(candidates, training),
  ...settings
}: CrossValidationInput): CrossValidated {
  checkCandidates(topics, candidates);
  const values = Array.from(topics, () => 0);
  const timesChosen = Array.from(candidates, () => 0);
  const folds = foldsOf(topics, settings).map((fold): Fold => {
    const chosen = choose(trainingTopics(topics, fold));
    if (candidates[chosen] === undefined) throw new RangeError(`there is no candidate ${chosen}`);
    timesChosen[chosen]++;
    for (const topic of fold) values[topic] = candidates[chosen].values[topic];
    return { topics: fold, chosen };
  });
  return { folds, values, mean: meanOf(byId(topics).map((topic) => values[topic])), timesChosen };
}

/** {@link crossValidated} under several seeds: how much of its outcome is owed to how the topics were dealt. */
export function repeatedlyCrossValidated(
  input: Omit<CrossValidationInput, 'seed'>,
  seeds: readonly number[],
): RepeatedCrossValidation {
  const repeats = seeds.map((seed) => crossValidated({ ...input, seed }));
  return {
    means: repeats.map(({ mean }) => mean),
    timesChosen: input.candidates.map((_, i) =>
      repeats.reduce((sum, { timesChosen }) => sum + timesChosen[i], 0),
    ),
    folds: repeats.reduce((sum, { folds }) => sum + folds.length, 0),
  };
}

function byId(topics: readonly string[]): number[] {
  return topics.map((_, place) => place).sort((a, b) => compareBytes(topics[a], topics[b]));
}

function checkCandidates(topics: readonly string[], candidates: readonly Candidate[]): void {
  if (candidates.length === 0) throw new QuernError('BAD_INPUT', 'there is no candidate to choose');
  for (const { name, values } of candidates) {
    if (values.length !== topics.length) {
      throw new QuernError(
        'BAD_INPUT',
        `${name} has ${values.length} values, and there are ${topics.length} topics`,
      );
    }
    const place = values.findIndex((value) => !Number.isFinite(value));
    if (place >= 0) {
      throw new QuernError(
        'BAD_INPUT',
        `the value of ${name} for topic ${topics[place]} is ${values[place]}`,
      );
    }
  }
}
