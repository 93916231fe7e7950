import { expect, it } from 'vitest';
import { gradedRank, rankMeasureNamed } from './rank-measure.ts';

it('grades ranks from 2 down to 1 at rank 10, and to 0 at rank 100', () => {
  expect([1, 10, 55, 100, 101, Infinity].map(gradedRank)).toEqual([2, 1, 0.5, 0, 0, 0]);
  expect(gradedRank(2)).toBeCloseTo(2 - 1 / 9, 12);
  const grades = Array.from({ length: 120 }, (_, i) => gradedRank(i + 1));
  expect(grades).toEqual(grades.toSorted((a, b) => b - a));
});

it.each([
  ['rank', [1, 100], 1],
  ['ndcg@10', [1, 2], 1],
  ['ndcg@10', [2, Infinity], 1 / Math.log2(3) / (1 + 1 / Math.log2(3))],
  ['ndcg@10', [11], 0],
  ['recip_rank', [4, 7], 0.25],
  ['mrr', [Infinity], 0],
  ['recall@100', [100, 101], 0.5],
  ['map', [1, 4], 0.75],
  ['recall@999999999999', [1, 5000, Infinity, 4], 0.75],
  ['P@2000', [1, 1999, 2001, Infinity], 0.001],
] as const)('computes %s of ranks %j', (name, ranks, value) => {
  expect(rankMeasureNamed(name).value(ranks)).toBeCloseTo(value, 12);
});

it('needs rankings as deep as the measure looks', () => {
  expect(['rank', 'ndcg@10', 'recall@100', 'map'].map((name) => rankMeasureNamed(name).depth)).toEqual([
    100, 10, 100, 1000,
  ]);
});

it.each(['num_rel', 'ndcg@5,10', 'nonsense'])('refuses %s', (name) => {
  expect(() => rankMeasureNamed(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
