/**
 * The report of an evaluation, as plain data ready for JSON: every run's measures, their comparison with the baseline,
 * and a closer look at the topics that gained and lost most. `reportHtml` makes a page of it.
 */
import type { Document, Qrels, Run } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import type { Retriever } from '../search/retriever.ts';
import type { FinishReason } from '../reason/reasoner.ts';
import { compareRuns, tieTolerance } from './comparison.ts';
import type { ComparisonSettings, RunComparison, RunSummary } from './comparison.ts';
import type { TopicAnswer } from './evaluation.ts';
import { evaluateRun, type Measure } from './measures.ts';
import { topicRecord, type ReportTopic } from './report-topic.ts';
import { bootstrapInterval, type Interval } from './statistics.ts';
import type { TrafficReport } from './traffic.ts';

export type { MarkedDocument, MarkedTerm, Marking, Segment } from './report-marking.ts';
export type { ReportHit, ReportRelevant, ReportTopic } from './report-topic.ts';

/** A run to report on: an `Evaluation`, or a run alone, of which no texts are known. */
export interface ReportedRun {
  readonly run: Run;
  readonly answers?: readonly TopicAnswer[];
}

/** What a report is made from. */
export interface ReportInput extends ComparisonSettings {
  /** Default: `Evaluation of` and the collection's name. */
  readonly title?: string;
  /** The collection's name. */
  readonly collection: string;
  readonly qrels: Qrels;
  /** The measures; topics are ranked by the first. Counts (`num_ret`, …) are left out. */
  readonly measures: readonly Measure[];
  readonly baseline: ReportedRun;
  /** The runs that are compared with it; without any, the report is of one run. */
  readonly others?: readonly ReportedRun[];
  /** What the runs were searched with. Where it scores by terms, the texts are marked with what they match. */
  readonly retriever?: Retriever;
  /** A document to show beside its id, where documents are at hand. */
  readonly document?: (id: string) => Promise<Pick<Document, 'title' | 'text'> | undefined>;
  /** How terms are weighted, as readers are told it; default: the retriever's id. */
  readonly scoring?: string;
  /** Depth of the rankings. */
  readonly k?: number;
  /** Of a query log: what the runs do to its traffic. */
  readonly traffic?: TrafficReport;
  /** How many topics that gained most, and as many that lost most, are shown of each run; default 5. */
  readonly topicsShown?: number;
  /** How many hits of a topic are shown; default 5. */
  readonly hitsShown?: number;
}

/** One run of a report. */
export interface ReportRun {
  readonly name: string;
  /** Ids of the parts that answered; `null` where the run alone is known. */
  readonly reasoner: string | null;
  readonly combine: string | null;
  readonly retriever: string | null;
  /** How many reasoned queries ended how; empty where the run alone is known. */
  readonly finishes: Readonly<Partial<Record<FinishReason, number>>>;
  readonly topicsWithoutRanking: number;
  /** The mean of each measure, with its 95 % bootstrap interval. */
  readonly means: readonly {
    readonly measure: string;
    readonly mean: number;
    readonly interval: Interval | null;
  }[];
  /** The first measure of each topic, in the order of {@link Report.topics}. */
  readonly values: readonly number[];
}

/** A closer look at some topics of a run. */
export interface ReportHighlights {
  readonly run: string;
  /** Name of the baseline; `null` in a report of one run. */
  readonly against: string | null;
  /** The topics that gained most on the baseline, the most first; of one run: those with the highest values. */
  readonly best: readonly ReportTopic[];
  /** The topics that lost most, the most first; of one run: those with the lowest values. */
  readonly worst: readonly ReportTopic[];
}

/** A report: plain data, the same for the same input. */
export interface Report {
  readonly title: string;
  readonly collection: string;
  readonly scoring: string | null;
  readonly k: number | null;
  /** Ids of all topics that have judgements, in byte order. */
  readonly topics: readonly string[];
  /** Canonical names; topics are ranked by the first. */
  readonly measures: readonly string[];
  /** The baseline first. */
  readonly runs: readonly ReportRun[];
  /** Every other run against the baseline, by every measure; p values are adjusted over all of them. */
  readonly comparisons: readonly RunComparison[];
  /** Of every other run; of the run itself where there is but one. */
  readonly highlights: readonly ReportHighlights[];
  /** Of a query log only. */
  readonly traffic?: TrafficReport;
}

/**
 * The report of `baseline` and of `others` compared with it, over all topics of `qrels`; a topic without a ranking counts
 * 0. Texts are kept for the topics that are shown, numbers for all.
 *
 * Throws `USAGE` where no measure is a mean, and as `compareRuns` does.
 */
export async function buildReport(input: ReportInput): Promise<Report> {
  const { collection, qrels, baseline, others = [], retriever, topicsShown = 5, hitsShown = 5 } = input;
  const measures = input.measures.filter(({ summary }) => summary === 'mean');
  if (measures.length === 0) throw new QuernError('USAGE', 'no measure to report that is a mean over topics');
  const settings: ComparisonSettings = {
    relevanceLevel: input.relevanceLevel,
    depth: input.depth,
    seed: input.seed,
    samples: input.samples,
  };
  const all = [baseline, ...others];
  const { summaries, comparisons } = compared(
    baseline.run,
    others.map(({ run }) => run),
    qrels,
    measures,
    settings,
  );
  const evaluated = all.map(({ run }) =>
    evaluateRun(run, qrels, measures.slice(0, 1), {
      relevanceLevel: input.relevanceLevel,
      depth: input.depth,
      complete: true,
    }),
  );
  const [first] = measures;
  const topics = [...evaluated[0].perTopic.keys()];
  const runs = all.map((reported, i): ReportRun => {
    const { perTopic, topicsWithoutRanking } = evaluated[i];
    return {
      name: reported.run.name,
      ...partsOf(reported.answers),
      topicsWithoutRanking,
      means: summaries
        .filter(({ run }) => run === reported.run.name)
        .map(({ measure, mean, interval }) => ({ measure, mean, interval })),
      values: Array.from(perTopic.values(), (values) => values[first.name]),
    };
  });

  const sources = {
    retriever,
    document: input.document,
    hitsShown,
    relevanceLevel: input.relevanceLevel ?? 1,
    depth: input.depth ?? Infinity,
  };
  const highlights: ReportHighlights[] = [];
  for (const [i, reported] of all.entries()) {
    if (i === 0 && others.length > 0) continue;
    const against = i === 0 ? null : runs[0];
    const answers = new Map(reported.answers?.map((answer) => [answer.topic.id, answer]));
    const record = (place: number): Promise<ReportTopic> => {
      const id = topics[place];
      return topicRecord(
        {
          id,
          judgements: qrels.get(id)!,
          value: runs[i].values[place],
          baseline: against && against.values[place],
          hits: reported.run.rankings.get(id) ?? [],
          baselineHits: against && (baseline.run.rankings.get(id) ?? []),
          answer: answers.get(id),
        },
        sources,
      );
    };
    const { best, worst } = extremes(runs[i].values, against?.values, topicsShown);
    highlights.push({
      run: runs[i].name,
      against: against && against.name,
      best: await Promise.all(best.map(record)),
      worst: await Promise.all(worst.map(record)),
    });
  }
  return {
    title: input.title ?? `Evaluation of ${collection}`,
    collection,
    scoring: input.scoring ?? retriever?.id ?? null,
    k: input.k ?? null,
    topics,
    measures: measures.map(({ name }) => name),
    runs,
    comparisons,
    highlights,
    ...(input.traffic && { traffic: input.traffic }),
  };
}

function compared(
  baseline: Run,
  others: readonly Run[],
  qrels: Qrels,
  measures: readonly Measure[],
  settings: ComparisonSettings,
): { summaries: readonly RunSummary[]; comparisons: readonly RunComparison[] } {
  if (others.length > 0) {
    const { runs: summaries, comparisons } = compareRuns(baseline, others, qrels, measures, settings);
    return { summaries, comparisons };
  }
  const { seed, samples: _, ...ranking } = settings;
  const { perTopic, mean } = evaluateRun(baseline, qrels, measures, { ...ranking, complete: true });
  const summaries = measures.map(({ name: measure }) => {
    const values = Array.from(perTopic.values(), (each) => each[measure]);
    return {
      run: baseline.name,
      measure,
      mean: mean[measure],
      interval: bootstrapInterval(values, { seed }),
    };
  });
  return { summaries, comparisons: [] };
}

function partsOf(
  answers: readonly TopicAnswer[] = [],
): Pick<ReportRun, 'reasoner' | 'combine' | 'retriever' | 'finishes'> {
  const finishes: Partial<Record<FinishReason, number>> = {};
  for (const { reasoned } of answers) finishes[reasoned.finish] = (finishes[reasoned.finish] ?? 0) + 1;
  const one = answers.at(0);
  return {
    reasoner: one?.reasoned.reasoner ?? null,
    combine: one?.combine ?? null,
    retriever: one?.retriever ?? null,
    finishes,
  };
}

/**
 * Places of the topics to look at: the `count` that gained most and lost most, ties left out; without a baseline the
 * `count` highest and lowest values, no topic being both.
 */
function extremes(
  values: readonly number[],
  baseline: readonly number[] | undefined,
  count: number,
): { best: number[]; worst: number[] } {
  const gains = values.map((value, i) => value - (baseline?.[i] ?? 0));
  // Topics are in byte order, so that sorting by gain alone, which is stable, leaves equal ones in it.
  const up = gains.map((_, i) => i).sort((a, b) => gains[b] - gains[a]);
  const down = gains.map((_, i) => i).sort((a, b) => gains[a] - gains[b]);
  if (baseline) {
    return {
      best: up.filter((i) => gains[i] >= tieTolerance).slice(0, count),
      worst: down.filter((i) => gains[i] <= -tieTolerance).slice(0, count),
    };
  }
  const best = up.slice(0, Math.min(count, Math.ceil(values.length / 2)));
  const taken = new Set(best);
  return { best, worst: down.filter((i) => !taken.has(i)).slice(0, count) };
}
