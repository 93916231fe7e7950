import { expect, it } from 'vitest';
import { goldenFile } from '../../test/golden-file.ts';
import { kendallTau, spearmanRho } from './rank-correlation.ts';

const cases = goldenFile<{ x: number[]; y: number[]; kendall: number; spearman: number }[]>(
  'statistics/correlation.json',
);

it.each(cases.map((each, i) => ({ i, n: each.x.length, ...each })))(
  "agrees with SciPy's on $n pairs, case $i",
  ({ x, y, kendall, spearman }) => {
    expect(kendallTau(x, y)).toBeCloseTo(kendall, 12);
    expect(spearmanRho(x, y)).toBeCloseTo(spearman, 12);
    expect(kendallTau(y, x)).toBeCloseTo(kendall, 12);
  },
);

it('has no value where all are the same, or there are not two', () => {
  for (const correlation of [kendallTau, spearmanRho]) {
    expect(correlation([1, 1, 1], [1, 2, 3])).toBeNull();
    expect(correlation([1, 2, 3], [0, 0, 0])).toBeNull();
    expect(correlation([1], [2])).toBeNull();
    expect(correlation([], [])).toBeNull();
  }
});
