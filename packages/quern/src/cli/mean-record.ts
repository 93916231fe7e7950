import { macroMean } from '../evaluate/macro-mean.ts';
import type { Measure } from '../evaluate/measures.ts';
import { scorings } from '../lexical/bm25.ts';
import { summedTotals } from '../reason/reasoning-totals.ts';
import type { EvaluationRecord, SeveralRecord } from '../evaluate/evaluation-record.ts';

/** The record of several collections taken together: of one run, or of every run where there are several. */
export function wholeRecord(
  name: string,
  records: readonly (EvaluationRecord | SeveralRecord)[],
  measures: readonly Measure[],
): EvaluationRecord | SeveralRecord {
  const several = records.filter((record) => 'runs' in record);
  if (several.length === 0) return meanRecord(name, records, measures);
  const runs = several[0].runs.map((_, i) =>
    meanRecord(
      name,
      several.map((record) => record.runs[i]),
      measures,
    ),
  );
  const { run: baseline, ...first } = runs[0];
  return { ...first, baseline, runs };
}

/** The mean over collections, each counting the same, as BRIGHT's tables have it. */
function meanRecord<T extends EvaluationRecord>(
  name: string,
  records: readonly T[],
  measures: readonly Measure[],
): T {
  const sum = (value: (record: EvaluationRecord) => number): number =>
    records.reduce((total, record) => total + value(record), 0);
  const scoring = records.every((record) => record.scoring === records[0].scoring)
    ? records[0].scoring
    : scorings.join('/');
  const isOne = records.every(({ retriever }) => retriever === records[0].retriever);
  return {
    ...records[0],
    collection: name,
    retriever: isOne ? records[0].retriever : scoring,
    scoring,
    queries: sum(({ queries }) => queries),
    measures: macroMean(
      measures,
      records.map((record) => record.measures),
    ),
    reasoning: summedTotals(records.map(({ reasoning }) => reasoning)),
    milliseconds: {
      index: sum(({ milliseconds }) => milliseconds.index),
      reason: sum(({ milliseconds }) => milliseconds.reason),
      search: sum(({ milliseconds }) => milliseconds.search),
      total: sum(({ milliseconds }) => milliseconds.total),
    },
  };
}
