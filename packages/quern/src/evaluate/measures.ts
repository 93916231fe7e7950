import { compareBytes } from '../byte-order.ts';
import type { Hit, Qrels, Run } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { judgedRanking, type RankingSettings } from './measure-judged-ranking.ts';
import type { Measure } from './measure-names.ts';

export type { RankingSettings } from './measure-judged-ranking.ts';
export { measureSpellings, parseMeasures, type Measure } from './measure-names.ts';

/** Settings of {@link evaluateRun}; each is an option of trec_eval. */
export interface EvaluationSettings extends RankingSettings {
  /**
   * Whether all topics with judgements count, those without a ranking as 0 (`-c`), or only those that have a ranking;
   * default: only those.
   */
  readonly complete?: boolean;
}

/** The measures of one run. */
export interface RunMeasures {
  /** Topic id → canonical measure name → value, in the byte order of topic ids, as trec_eval prints them. */
  readonly perTopic: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Canonical measure name → mean over the topics; the sum, for counts (`num_q`, `num_ret`, `num_rel`, `num_rel_ret`). */
  readonly mean: Readonly<Record<string, number>>;
  /** Number of topics that the mean is taken over. */
  readonly topics: number;
  /** Number of topics that have judgements but no ranking: counted as 0 if `complete`, else left out. */
  readonly topicsWithoutRanking: number;
  /** Number of topics of the run that have no judgements; they are left out, whatever the settings. */
  readonly topicsWithoutJudgements: number;
}

/** The values of one topic's ranking, by canonical measure name. Throws as {@link evaluateRun} does. */
export function topicMeasures(
  measures: readonly Measure[],
  hits: readonly Pick<Hit, 'id' | 'score'>[],
  judgements: ReadonlyMap<string, number>,
  settings: RankingSettings = {},
): Record<string, number> {
  const ranking = judgedRanking(hits, judgements, settings);
  return Object.fromEntries(measures.map(({ name, value }) => [name, value(ranking)]));
}

/**
 * The `measures` of `run`, for each topic and over all, as trec_eval computes them. A topic counts that has judgements
 * and, unless `complete`, a ranking; a topic with judgements but no relevant document counts (as 0), and an empty
 * ranking is no ranking, as in a run file.
 *
 * Throws `BAD_INPUT` where no topic of the run has judgements (but for an empty run if `complete`), for
 * a document that comes twice, and `USAGE` for settings that are no such numbers.
 */
export function evaluateRun(
  run: Pick<Run, 'rankings'>,
  qrels: Qrels,
  measures: readonly Measure[],
  { complete = false, ...settings }: EvaluationSettings = {},
): RunMeasures {
  const judged = [...qrels]
    .filter(([, judgements]) => judgements.size > 0)
    .sort(([a], [b]) => compareBytes(a, b));
  const ranked = new Map([...run.rankings].filter(([, hits]) => hits.length > 0));
  const both = judged.filter(([topic]) => ranked.has(topic));
  if (both.length === 0 && !(complete && ranked.size === 0 && judged.length > 0)) {
    throw new QuernError('BAD_INPUT', 'no topic has both a ranking and judgements', {
      hint: 'Are these the judgements for this run?',
    });
  }

  const counted = complete ? judged : both;
  const perTopic = new Map(
    counted.map(([topic, judgements]) => [
      topic,
      topicMeasures(measures, ranked.get(topic) ?? [], judgements, settings),
    ]),
  );
  const mean: Record<string, number> = {};
  for (const { name, summary } of measures) {
    let sum = 0;
    for (const values of perTopic.values()) sum += values[name];
    mean[name] = summary === 'sum' ? sum : sum / counted.length;
  }
  return {
    perTopic,
    mean,
    topics: counted.length,
    topicsWithoutRanking: judged.length - both.length,
    topicsWithoutJudgements: ranked.size - both.length,
  };
}

/**
 * `value` as trec_eval prints it: counts as integers, all else with four decimals, rounded as C's `%.4f` does (the exact
 * value to the nearest, a tie such as 0.03125 to the even digit: 0.0312).
 */
export function formatMeasure({ summary }: Pick<Measure, 'summary'>, value: number): string {
  if (summary === 'sum') return String(value);
  // A binary fraction lies midway between two four-digit decimals only if it is an odd multiple of 1/32.
  if (Math.abs((value * 32) % 2) !== 1) return value.toFixed(4);
  const below = Math.floor(value * 10_000);
  return ((below % 2 === 0 ? below : below + 1) / 10_000).toFixed(4);
}
