import { describe, expect, it } from 'vitest';
import type { RunComparison } from './comparison.ts';
import { comparisonTable, measureTable, summarySentences } from './report-measures.ts';
import type { Report, ReportRun } from './report.ts';

function run(name: string, mean: number): ReportRun {
  return {
    name,
    reasoner: null,
    combine: null,
    retriever: null,
    finishes: {},
    topicsWithoutRanking: 0,
    means: [{ measure: 'ndcg@10', mean, interval: { low: mean - 0.1, high: mean + 0.1 } }],
    values: [mean],
  };
}

/** A difference whose own test is below 0.05, and whose adjusted p is `adjusted`. */
function reportWith(adjusted: number): Report {
  const comparison: RunComparison = {
    run: 'b',
    measure: 'ndcg@10',
    topics: 76,
    baseline: 0.12,
    mean: 0.16,
    difference: 0.04,
    interval: { low: 0.0025, high: 0.0768 },
    tTest: { t: 2.1, degreesOfFreedom: 75, p: 0.035 },
    randomisation: { p: 0.035, patterns: 100_000, exact: false },
    dz: 0.24,
    wins: 15,
    ties: 56,
    losses: 5,
    adjusted: { tTest: adjusted, randomisation: adjusted },
  };
  return {
    title: 't',
    collection: 'c',
    scoring: null,
    k: null,
    topics: ['1'],
    measures: ['ndcg@10'],
    runs: [run('a', 0.12), run('b', 0.16)],
    comparisons: [comparison],
    highlights: [],
  };
}

describe('a difference that is significant only before the correction', () => {
  const report = reportWith(0.07);

  it('is not called significant, marked or coloured', () => {
    expect(summarySentences(report)[0].source).toContain('no significant difference');
    expect(measureTable(report).source).not.toContain('significantly better:');
    expect(comparisonTable(report)!.source).toContain('class="even span"');
  });
});

describe('a difference that is significant after the correction', () => {
  const report = reportWith(0.04);

  it('is called so, marked and coloured', () => {
    expect(summarySentences(report)[0].source).toContain('; a significant difference');
    expect(measureTable(report).source).toContain('significantly better:');
    expect(comparisonTable(report)!.source).toContain('class="gain span"');
  });
});

it('what marks and intervals mean is said as it is', () => {
  const report = reportWith(0.04);
  expect(measureTable(report).source).toContain('the chance of any false mark on this page is at most 5 %');
  expect(measureTable(report).source).toContain('No mark: no difference was shown');
  expect(comparisonTable(report)!.source).toContain('not adjusted for the others');
});
