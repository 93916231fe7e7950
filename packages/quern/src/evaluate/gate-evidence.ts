import { randomIntegers } from '../random.ts';
import { comparePaired, tieTolerance, type PairedComparison } from './comparison.ts';
import {
  bootstrapInterval,
  holm,
  meanInterval,
  meanOf,
  type AdjustedP,
  type Interval,
} from './statistics.ts';

/** How many of some topics gain by reasoning, lose, or neither. */
export interface GainCounts {
  readonly gain: number;
  readonly even: number;
  readonly lose: number;
}

/** A gate's decisions against as many that were drawn by chance. */
export interface ChanceComparison {
  /** Mean difference, positive where the gate is better. */
  readonly difference: number;
  /**
   * 95 % confidence interval of it; `null` for one topic. Student's t over `(z - share)·(gain - mean gain)`, z being 1 where
   * the gate reasons, else 0: the difference is the covariance of z and the gain, and this is what a topic has to do with it.
   */
  readonly interval: Interval | null;
  /**
   * How often topics drawn by chance, in each fold as many as the gate reasons about there, gain or lose in all at least as much
   * more than expected as the gate's do: of a stratified, two-sided randomisation test.
   */
  readonly p: number;
}

/** What a gate's decisions bring, beside what else the same queries could have had. Values are means of a measure. */
export interface GateEvidence {
  readonly topics: number;
  readonly gated: number;
  /** The 95 % bootstrap interval of `gated`. */
  readonly interval: Interval | null;
  /** Share of the topics that it reasons about: what it costs, always reasoning being 1. */
  readonly share: number;
  /** Without reasoning. */
  readonly never: number;
  /** With reasoning about every topic. */
  readonly always: number;
  /** With a gate that knows where reasoning gains more than a call must bring. */
  readonly oracle: number;
  /** Share of the topics that this one reasons about. */
  readonly oracleShare: number;
  /** Expected with as many topics, drawn by chance: `never + share · (always - never)`. */
  readonly sameCost: number;
  /** Of the topics that it reasons about. */
  readonly reasoned: GainCounts;
  /** Of the topics that it leaves alone, had it reasoned. */
  readonly aside: GainCounts;
  /**
   * The gate against each, over topics; the differences are the gate's less the other's. p is adjusted over those with as many
   * by chance and with always.
   */
  readonly against: {
    readonly sameCost: ChanceComparison & AdjustedP;
    readonly always: PairedComparison & AdjustedP;
    readonly never: PairedComparison;
  };
}

/** How decisions were made, and how they are tested. */
export interface GateEvidenceSettings {
  /** Of the randomisation tests and the bootstrap. Default 1. */
  readonly seed?: number;
  /** The topics of each fold by their places, where decisions were made fold by fold. Default: one of all. */
  readonly folds?: readonly (readonly number[])[];
  /** The least gain that a call must bring. Default 0. */
  readonly worth?: number;
}

/**
 * The evidence for decisions that were made without knowing the values: `plain[i]` and `reasoned[i]` are a topic's values
 * without and with reasoning, `reasons[i]` whether the gate reasons. Topic by topic, the baseline of the same cost is the
 * topic's expected value, `plain + share · (reasoned - plain)`. Where decisions were made fold by fold, each fold has its own
 * share: its rule was made from the gains of the others, so topics of different folds cannot be exchanged. Throws as
 * `comparePaired` does.
 */
export function gateEvidence(
  reasons: readonly boolean[],
  plain: readonly number[],
  reasoned: readonly number[],
  { seed = 1, folds = [reasons.map((_, i) => i)], worth = 0 }: GateEvidenceSettings = {},
): GateEvidence {
  const topics = reasons.length;
  const share = reasons.filter((is) => is).length / Math.max(1, topics);
  const gated = reasons.map((is, i) => (is ? reasoned[i] : plain[i]));
  const gains = reasoned.map((value, i) => value - plain[i]);
  const isWorth = gains.map((gain) => gain > worth);
  const chance = chanceIn(folds, reasons, gains);
  const expected = plain.map((value, i) => value + chance[i].share * gains[i]);
  const countsWhere = (side: boolean): GainCounts => {
    const there = gains.filter((_, i) => reasons[i] === side);
    const gain = there.filter((each) => each >= tieTolerance).length;
    const lose = there.filter((each) => each <= -tieTolerance).length;
    return { gain, even: there.length - gain - lose, lose };
  };
  const p = chanceP(reasons, gains, seed, folds);
  const always = comparePaired(reasoned, gated, { seed });
  const adjustedP = holm([p, always.randomisation.p]);
  return {
    topics,
    gated: meanOf(gated),
    interval: bootstrapInterval(gated, { seed }),
    share,
    never: meanOf(plain),
    always: meanOf(reasoned),
    oracle: meanOf(plain.map((value, i) => (isWorth[i] ? reasoned[i] : value))),
    oracleShare: isWorth.filter((is) => is).length / Math.max(1, topics),
    sameCost: meanOf(expected),
    reasoned: countsWhere(true),
    aside: countsWhere(false),
    against: {
      sameCost: {
        difference: meanOf(gated) - meanOf(expected),
        interval: meanInterval(
          reasons.map((is, i) => ((is ? 1 : 0) - chance[i].share) * (gains[i] - chance[i].meanGain)),
        ),
        p,
        adjustedP: adjustedP[0],
      },
      always: { ...always, adjustedP: adjustedP[1] },
      never: comparePaired(plain, gated, { seed }),
    },
  };
}

/** Of each topic, the share of its fold that is reasoned about, and the fold's mean gain. */
function chanceIn(
  folds: readonly (readonly number[])[],
  reasons: readonly boolean[],
  gains: readonly number[],
): { share: number; meanGain: number }[] {
  const all: { share: number; meanGain: number }[] = [];
  for (const fold of folds) {
    const share = fold.filter((topic) => reasons[topic]).length / fold.length;
    const meanGain = meanOf(fold.map((topic) => gains[topic]));
    for (const topic of fold) all[topic] = { share, meanGain };
  }
  return all;
}

const draws = 10_000;

/**
 * How often topics drawn by chance, in each fold as many as the gate reasons about there, gain or lose in all at least as much
 * more than expected as the gate's do: a stratified randomisation test of "which topics it reasons about has nothing to do
 * with their gains", two-sided. p = (hits + 1) / (10,000 + 1); 1 where there is nothing to draw.
 */
export function chanceP(
  reasons: readonly boolean[],
  gains: readonly number[],
  seed = 1,
  folds: readonly (readonly number[])[] = [reasons.map((_, i) => i)],
): number {
  const strata = folds
    .map((fold) => {
      const drawn = fold.filter((topic) => reasons[topic]).length;
      const pool = fold.map((topic) => gains[topic]);
      // The smaller side is drawn: the other one's sum is what is left.
      const isTurned = drawn > fold.length - drawn;
      const count = isTurned ? fold.length - drawn : drawn;
      return { pool, count, sign: isTurned ? -1 : 1, mean: count * meanOf(pool) };
    })
    .filter(({ count }) => count > 0);
  if (strata.length === 0) return 1;
  const chance = chanceIn(folds, reasons, gains);
  const observed = gains.reduce((sum, gain, i) => sum + ((reasons[i] ? 1 : 0) - chance[i].share) * gain, 0);
  // Sums of the same numbers in another order differ by their rounding.
  const least = Math.abs(observed) - 1e-12 * gains.reduce((sum, gain) => sum + Math.abs(gain), 0);
  const next = randomIntegers(seed);
  let hits = 0;
  for (let draw = 0; draw < draws; draw++) {
    let excess = 0;
    for (const { pool, count, sign, mean } of strata) {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const j = i + Math.floor((next() / 2 ** 32) * (pool.length - i));
        [pool[i], pool[j]] = [pool[j], pool[i]];
        sum += pool[i];
      }
      excess += sign * (sum - mean);
    }
    if (Math.abs(excess) >= least) hits++;
  }
  return (hits + 1) / (draws + 1);
}
