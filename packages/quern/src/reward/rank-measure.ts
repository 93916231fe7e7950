import { unjudged } from '../evaluate/measure-judged-ranking.ts';
import { parseMeasures, type Measure } from '../evaluate/measures.ts';
import { meanOf } from '../evaluate/statistics.ts';
import { QuernError } from '../errors.ts';

/** A number for the ranks of a question's positives. */
export interface RankMeasure {
  /** Its canonical name. */
  readonly name: string;
  /** How deep rankings must go: later ranks are as good as none. */
  readonly depth: number;
  /** The value, from the rank of each positive, from 1 on; Infinity where it is not in the ranking. */
  value(ranks: readonly number[]): number;
}

/** The depth of measures that name no cutoff. */
const deepest = 1000;

/**
 * The graded rank reward of one document: from 2 at rank 1 evenly down to 1 at rank 10, and from there to 0 at rank 100 and beyond
 * (the piecewise linear reward of ConvSearch-R1, arXiv 2505.15776).
 */
export function gradedRank(rank: number): number {
  if (rank <= 10) return 2 - (rank - 1) / 9;
  return Math.max(0, (100 - rank) / 90);
}

/** Throws `USAGE`, naming `rank` too. */
function measuresNamed(name: string): Measure[] {
  try {
    return parseMeasures([name]);
  } catch (error) {
    if (!(error instanceof QuernError)) throw error;
    const { code, what, where, hint } = error;
    throw new QuernError(code, what, {
      where,
      hint: `${hint ?? 'Choose a measure of eval'}; or rank`,
      cause: error,
    });
  }
}

/**
 * `rank` (the mean of {@link gradedRank} over the positives), or a measure that `parseMeasures` knows and that is a mean, such as
 * `ndcg@10`, `recip_rank` or `recall@100`, with the positives as the only relevant documents. Throws `USAGE`.
 */
export function rankMeasureNamed(name: string): RankMeasure {
  if (name === 'rank') {
    return { name, depth: 100, value: (ranks) => meanOf(ranks.map(gradedRank)) };
  }
  const measures = measuresNamed(name);
  const [measure] = measures;
  if (measures.length !== 1 || measure.summary !== 'mean') {
    throw new QuernError('USAGE', `${JSON.stringify(name)} is no measure to reward by`, {
      hint: 'Choose rank, ndcg@K, recip_rank, recall@K or another that is one number for a question',
    });
  }
  const depth = Number(/@(\d+)$/.exec(measure.name)?.[1] ?? deepest);
  return {
    name: measure.name,
    depth,
    value: (ranks) => {
      const found = ranks.filter((rank) => rank <= depth);
      // As long as the ranking matters: what comes after the last of them changes nothing at a cutoff, however deep.
      const length = Math.min(
        depth,
        found.reduce((last, rank) => Math.max(last, rank), deepest),
      );
      const levels: number[] = Array.from({ length }, () => unjudged);
      for (const rank of found) levels[rank - 1] = 1;
      const { length: relevant } = ranks;
      const judgedLevels = ranks.map(() => 1);
      return measure.value({
        levels,
        judgedLevels,
        relevanceLevel: 1,
        relevant,
        relevantRetrieved: found.length,
      });
    },
  };
}
