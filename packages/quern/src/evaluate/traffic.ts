/**
 * What reasoners would do to the traffic of a query log: for which share of its searches the ranking would be better, worse
 * or as good, by judgements made from clicks, and what that would cost.
 */
import type { LogTraffic } from '../collections/log-collection.ts';
import type { QueriesAndSearches, QueryLogFacts } from '../collections/query-log.ts';
import type { Qrels } from '../collections/records.ts';
import { randomIntegers } from '../random.ts';
import type { Evaluation } from './evaluation.ts';
import { evaluateRun, parseMeasures } from './measures.ts';
import { reasoningCost, type ReasoningCost } from './reasoning-cost.ts';
import { percentile, type Interval, type SamplingSettings } from './statistics.ts';
import { trafficCaveats } from './traffic-caveats.ts';

/** The measure by which a search is better or worse. */
export const trafficMeasure = 'ndcg@10';

/** A difference in nDCG@10 up to which a search is called as good. */
export const trafficTolerance = 0.01;

/** A part of the traffic. */
export interface TrafficShare extends QueriesAndSearches {
  /** Of the searches that have judgements, with its 95 % bootstrap interval over queries. */
  readonly ofJudged: number;
  readonly interval: Interval;
  /** Of all searches. */
  readonly ofAll: number;
}

/** What one reasoner does to the traffic. */
export interface ReasonerTraffic {
  /** Name of its run. */
  readonly run: string;
  readonly reasoner: string;
  readonly helped: TrafficShare;
  readonly same: TrafficShare;
  readonly hurt: TrafficShare;
  /** Mean of nDCG@10 over the judged searches, and how it differs from the baseline's. */
  readonly mean: number;
  readonly difference: number;
  /** The 95 % bootstrap interval of the difference, over queries. */
  readonly interval: Interval;
  /**
   * The share of its first ten hits that the baseline's first ten do not have, a mean over the judged searches: where the
   * search that made the log was like the baseline, nobody could click these.
   */
  readonly newInFirstTen: number;
  readonly cost: ReasoningCost;
}

/** The outcome of {@link trafficReport}: plain data, ready for JSON. */
export interface TrafficReport {
  readonly log: QueryLogFacts;
  /** Name of the run without reasoning. */
  readonly baseline: string;
  /** The baseline's mean of the measure over the judged searches. */
  readonly baselineMean: number;
  readonly measure: string;
  readonly tolerance: number;
  /** All searches of the split. */
  readonly all: QueriesAndSearches;
  readonly judged: QueriesAndSearches & { readonly ofAll: number };
  /** Those without a judgement, of which nothing can be said. */
  readonly unknown: QueriesAndSearches & { readonly ofAll: number };
  readonly judgements: LogTraffic['judgements'];
  readonly reasoners: readonly ReasonerTraffic[];
  /** What clicks cannot tell, a sentence or two each. */
  readonly caveats: readonly string[];
}

/** What a report is made from. */
export interface TrafficInput extends SamplingSettings {
  readonly traffic: LogTraffic;
  readonly qrels: Qrels;
  /** The run without reasoning. */
  readonly baseline: Evaluation;
  readonly others: readonly Evaluation[];
}

/**
 * What each of `others` does to the traffic, compared with `baseline`. A query counts as often as it was searched for. Queries
 * are resampled `samples` times (default: 10,000, fewer for more than 5,000 queries, at least 1,000); the same input gives
 * the same report. How much is unknown is a fact of the log and has no interval.
 */
export function trafficReport({
  traffic,
  qrels,
  baseline,
  others,
  ...sampling
}: TrafficInput): TrafficReport {
  const { facts, judged, unknown, judgements } = traffic;
  const measure = parseMeasures([trafficMeasure]);
  const valuesOf = ({ run }: Evaluation): Map<string, number> =>
    new Map(
      Array.from(evaluateRun(run, qrels, measure, { complete: true }).perTopic, ([id, values]) => [
        id,
        values[trafficMeasure],
      ]),
    );
  const baselineValues = valuesOf(baseline);
  const ids = [...baselineValues.keys()];
  const searches = ids.map((id) => judged.get(id)!.searches);
  const judgedSearches = searches.reduce((sum, each) => sum + each, 0);
  const allSearches = judgedSearches + unknown.searches;
  const before = [...baselineValues.values()];
  const weightedMean = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + value * searches[i], 0) / judgedSearches;

  const reasoners = others.map((other): ReasonerTraffic => {
    const after = [...valuesOf(other).values()];
    const differences = after.map((value, i) => value - before[i]);
    const sides = differences.map((each) => (Math.abs(each) <= trafficTolerance ? 0 : Math.sign(each)));
    const intervals = weightedIntervals(
      [...[1, 0, -1].map((side) => sides.map((each) => Number(each === side))), differences],
      searches,
      sampling,
    );
    const share = (side: number, interval: Interval): TrafficShare => {
      const places = sides.flatMap((each, i) => (each === side ? [i] : []));
      const sum = places.reduce((total, i) => total + searches[i], 0);
      return {
        queries: places.length,
        searches: sum,
        ofJudged: sum / judgedSearches,
        interval,
        ofAll: sum / allSearches,
      };
    };
    return {
      run: other.run.name,
      reasoner: other.answers[0].reasoned.reasoner,
      helped: share(1, intervals[0]),
      same: share(0, intervals[1]),
      hurt: share(-1, intervals[2]),
      mean: weightedMean(after),
      difference: weightedMean(differences),
      interval: intervals[3],
      newInFirstTen: weightedMean(ids.map((id) => newShare(firstTen(baseline, id), firstTen(other, id)))),
      cost: reasoningCost(other.answers, traffic),
    };
  });
  return {
    log: facts,
    baseline: baseline.run.name,
    baselineMean: weightedMean(before),
    measure: trafficMeasure,
    tolerance: trafficTolerance,
    all: { queries: ids.length + unknown.queries, searches: allSearches },
    judged: { queries: ids.length, searches: judgedSearches, ofAll: judgedSearches / allSearches },
    unknown: {
      queries: unknown.queries,
      searches: unknown.searches,
      ofAll: unknown.searches / allSearches,
    },
    judgements,
    reasoners,
    caveats: trafficCaveats(traffic, baseline.run.name, reasoners),
  };
}

function firstTen({ run }: Evaluation, topic: string): string[] {
  return (run.rankings.get(topic) ?? []).slice(0, 10).map(({ id }) => id);
}

function newShare(before: readonly string[], after: readonly string[]): number {
  return after.length === 0 ? 0 : after.filter((id) => !before.includes(id)).length / after.length;
}

/**
 * The 95 % percentile bootstrap intervals of the weighted means of several rows of values: Σ weight · value / Σ weight of
 * resampled places, which are the same for all rows.
 */
export function weightedIntervals(
  rows: readonly (readonly number[])[],
  weights: readonly number[],
  {
    seed = 1,
    samples = Math.max(1000, Math.min(10_000, Math.floor(5e7 / weights.length))),
  }: SamplingSettings = {},
): Interval[] {
  const n = weights.length;
  const next = randomIntegers(seed);
  const means = rows.map(() => new Float64Array(samples));
  const times = new Uint32Array(n);
  for (let sample = 0; sample < samples; sample++) {
    times.fill(0);
    for (let i = 0; i < n; i++) times[Math.floor((next() / 2 ** 32) * n)]++;
    let total = 0;
    for (let i = 0; i < n; i++) total += times[i] * weights[i];
    rows.forEach((row, place) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += times[i] * weights[i] * row[i];
      means[place][sample] = sum / total;
    });
  }
  return means.map((each) => {
    each.sort();
    return { low: percentile(each, 0.025), high: percentile(each, 0.975) };
  });
}
