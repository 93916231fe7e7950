import { QuernError } from '../errors.ts';
import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';

/** How a ranking is held against its judgements; each setting is an option of trec_eval. */
export interface RankingSettings {
  /** The lowest level that counts as relevant in measures without gains (`-l`), 0 or more; default 1. */
  readonly relevanceLevel?: number;
  /** Only this many documents of each ranking are looked at (`-M`); default: all. */
  readonly depth?: number;
}

/** The level of a document that nobody judged: not in the qrels, or there with a level below 0. */
export const unjudged = -1;

/** A topic's ranking as its measures see it: levels in place of documents. */
export interface JudgedRanking {
  /** Level of the document at each rank, {@link unjudged} where there is no judgement. */
  readonly levels: readonly number[];
  /** Levels of all judged documents of the topic, retrieved or not, highest first. */
  readonly judgedLevels: readonly number[];
  readonly relevanceLevel: number;
  /** Number of relevant documents of the topic. */
  readonly relevant: number;
  /** Number of relevant documents in the ranking. */
  readonly relevantRetrieved: number;
}

/**
 * The ranking `hits` of a topic held against its `judgements` (document id → level). Hits are taken in the order of
 * {@link compareHits}, whatever their own order and ranks, and cut at `depth` before anything is counted.
 *
 * Throws `BAD_INPUT` for a document that comes twice, and `USAGE` for settings that are no such numbers.
 */
export function judgedRanking(
  hits: readonly Pick<Hit, 'id' | 'score'>[],
  judgements: ReadonlyMap<string, number>,
  { relevanceLevel = 1, depth = Infinity }: RankingSettings = {},
): JudgedRanking {
  if (!Number.isInteger(relevanceLevel) || relevanceLevel < 0) {
    throw new QuernError('USAGE', `relevance level ${relevanceLevel} is not an integer of 0 or more`);
  }
  if (depth !== Infinity && (!Number.isInteger(depth) || depth < 1)) {
    throw new QuernError('USAGE', `depth ${depth} is not an integer of 1 or more`);
  }
  const seen = new Set<string>();
  const levels = [...hits]
    .sort(compareHits)
    .slice(0, depth)
    .map(({ id }) => {
      if (seen.has(id)) throw new QuernError('BAD_INPUT', `document ${id} comes twice in a ranking`);
      seen.add(id);
      const level = judgements.get(id) ?? unjudged;
      return level < 0 ? unjudged : level;
    });
  const judgedLevels = [...judgements.values()].filter((level) => level >= 0).sort((a, b) => b - a);
  return {
    levels,
    judgedLevels,
    relevanceLevel,
    relevant: count(judgedLevels, relevanceLevel),
    relevantRetrieved: count(levels, relevanceLevel),
  };
}

function count(levels: readonly number[], relevanceLevel: number): number {
  return levels.reduce((sum, level) => (level >= relevanceLevel ? sum + 1 : sum), 0);
}
