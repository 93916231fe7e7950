import { expect, it } from 'vitest';
import { parseMeasures } from '../evaluate/measures.ts';
import type { EvaluationRecord, SeveralRecord } from '../evaluate/evaluation-record.ts';
import { wholeRecord } from './mean-record.ts';

const measures = parseMeasures(['ndcg@10', 'num_q']);

function record(collection: string, reasoner: string, ndcg: number, queries: number): EvaluationRecord {
  return {
    collection,
    reasoner,
    retriever: 'bm25q',
    scoring: 'bm25q',
    combine: 'replace',
    k: 10,
    queries,
    measures: { 'ndcg@10': ndcg, num_q: queries },
    reasoning: {
      failed: 0,
      cached: 0,
      cut: 0,
      early: 0,
      skipped: 0,
      uncounted: 0,
      promptTokens: 1,
      completionTokens: queries,
      cost: [],
    },
    milliseconds: { index: 1, reason: 2, search: 3, total: 4 },
  };
}

function both(collection: string, none: number, rm3: number, queries: number): SeveralRecord {
  const first = record(collection, 'none', none, queries);
  const runs = [
    { run: 'bm25q', ...first },
    { run: 'bm25q+rm3', ...record(collection, 'rm3', rm3, queries) },
  ];
  return { ...first, baseline: 'bm25q', runs, comparisons: [] };
}

it('a collection counts as much as another in the means, whatever the number of its queries', () => {
  const whole = wholeRecord('all', [record('a', 'none', 0.2, 10), record('b', 'none', 0.4, 90)], measures);
  expect(whole).toEqual({
    ...record('all', 'none', 0, 100),
    measures: { 'ndcg@10': expect.closeTo(0.3, 12) as number, num_q: 100 },
    reasoning: { ...record('all', 'none', 0, 100).reasoning, promptTokens: 2 },
    milliseconds: { index: 2, reason: 4, search: 6, total: 8 },
  });
});

it('of several runs, each has its own means', () => {
  const {
    baseline,
    runs,
    measures: first,
    ...rest
  } = wholeRecord('all', [both('a', 0.2, 0.5, 10), both('b', 0.4, 0.1, 90)], measures) as SeveralRecord;
  expect(baseline).toBe('bm25q');
  expect(rest).toMatchObject({ collection: 'all', reasoner: 'none', queries: 100 });
  expect(first).toEqual(runs[0].measures);
  expect(runs.map(({ run, measures: means }) => [run, means['ndcg@10']])).toEqual([
    ['bm25q', expect.closeTo(0.3, 12)],
    ['bm25q+rm3', expect.closeTo(0.3, 12)],
  ]);
});
