import { compareRuns, type RunComparison } from './comparison.ts';
import type { Evaluation } from './evaluation.ts';
import type { NamedEvaluation } from './evaluate-named.ts';
import type { Measure } from './measures.ts';
import { trafficReport, type TrafficReport } from './traffic.ts';
import { reasoningTotals, type ReasoningTotals } from '../reason/reasoning-totals.ts';
import { callsOf } from '../search/reasoning-plan.ts';

/** What `--json` prints of one run over one collection. */
export interface EvaluationRecord {
  readonly collection: string;
  readonly reasoner: string;
  /** The string that names the retriever: the scoring, where it is lexical. */
  readonly retriever: string;
  readonly scoring: string;
  readonly combine: string;
  readonly k: number;
  readonly queries: number;
  readonly measures: Readonly<Record<string, number>>;
  readonly reasoning: ReasoningTotals;
  readonly milliseconds: Readonly<Record<'index' | 'reason' | 'search' | 'total', number>>;
}

/** A run among several. */
export interface RunRecord extends EvaluationRecord {
  /** Its name, e.g. `bm25+rm3`. */
  readonly run: string;
}

/** What `--json` prints of several runs: the first one's record, and of all of them what belongs together. */
export interface SeveralRecord extends EvaluationRecord {
  /** Name of the run that the others are compared with: the first. */
  readonly baseline: string;
  readonly runs: readonly RunRecord[];
  /** Absent where several collections are taken together. */
  readonly comparisons?: readonly RunComparison[];
  readonly traffic?: TrafficReport;
}

/** The record of one run. `combine` is the name of how query and reasoned query are combined. */
export function evaluationRecord(
  { collection, retriever, scoring, k, indexMilliseconds }: Omit<NamedEvaluation, 'index' | 'evaluations'>,
  evaluation: Evaluation,
  reasoner: string,
  combine: string,
): EvaluationRecord {
  const { reason, search, total } = evaluation.milliseconds;
  return {
    collection: collection.name,
    reasoner,
    retriever: retriever.id,
    scoring,
    combine,
    k,
    queries: evaluation.measures.topics,
    measures: evaluation.measures.mean,
    reasoning: reasoningTotals(
      evaluation.answers.map(({ reasoned }) => reasoned),
      evaluation.answers.flatMap(callsOf),
    ),
    milliseconds: { index: indexMilliseconds, reason, search, total: indexMilliseconds + total },
  };
}

/** The record of several runs over one collection, by `reasoners` in their order; of a query log with its traffic. */
export function severalRecord(
  outcome: NamedEvaluation,
  reasoners: readonly string[],
  combine: string,
  measures: readonly Measure[],
): SeveralRecord {
  const { collection, evaluations } = outcome;
  const { qrels, traffic } = collection;
  const runs = evaluations.map((evaluation, i): RunRecord => {
    const record = evaluationRecord(outcome, evaluation, reasoners[i], combine);
    return { run: evaluation.run.name, ...record };
  });
  const [baseline, ...others] = evaluations;
  const means = measures.filter(({ summary }) => summary === 'mean');
  const comparisons =
    others.length === 0 || means.length === 0
      ? []
      : compareRuns(
          baseline.run,
          others.map(({ run }) => run),
          qrels,
          means,
        ).comparisons;
  const { run: name, ...first } = runs[0];
  return {
    ...first,
    baseline: name,
    runs,
    comparisons,
    ...(traffic && { traffic: trafficReport({ traffic, qrels, baseline, others }) }),
  };
}
