import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import { randomIntegers } from '../random.ts';
import { twoSidedP, twoSidedQuantile } from './statistics-student.ts';
import {
  bootstrapInterval,
  holm,
  meanInterval,
  meanOf,
  pairedTTest,
  randomisationSteps,
  randomisationTest,
  standardDeviation,
  standardisedDifference,
} from './statistics.ts';

interface Golden {
  student: { t: number; degreesOfFreedom: number; p: number }[];
  quantiles: { p: number; degreesOfFreedom: number; t: number }[];
  comparisons: {
    baseline: number[];
    other: number[];
    difference: number;
    t: number;
    p: number;
    interval: [number, number];
    effectSize: number;
    randomisation: { p: number; exact: boolean };
  }[];
  bootstraps: { values: number[]; interval: [number, number]; standardError: number }[];
  holm: { p: number[]; adjusted: number[] }[];
}

/** Values of SciPy, statsmodels and mpmath, from test/oracles/statistics/statistics_golden.py. */
const golden = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../test/golden/statistics/statistics.json'), 'utf8'),
) as Golden;

/** The differences of a golden comparison, free of the rounding of the subtraction. */
const differencesOf = ({ baseline, other }: { baseline: number[]; other: number[] }) =>
  other.map((value, i) => Math.round((value - baseline[i]!) * 1e4) / 1e4);

const differences = fc.array(
  fc.integer({ min: -100, max: 100 }).map((value) => value / 100),
  { maxLength: 40 },
);

describe("Student's t distribution", () => {
  it('gives the p values of mpmath to ten digits, however small', () => {
    expect(golden.student).toHaveLength(90);
    for (const { t, degreesOfFreedom, p } of golden.student) {
      const ours = twoSidedP(t, degreesOfFreedom);
      expect(Math.abs(ours - p)).toBeLessThanOrEqual(1e-10 * p);
      expect(twoSidedP(-t, degreesOfFreedom)).toBe(ours);
    }
  });

  it('gives the quantiles of SciPy to ten digits', () => {
    expect(golden.quantiles).toHaveLength(30);
    for (const { t, degreesOfFreedom, p } of golden.quantiles) {
      expect(Math.abs(twoSidedQuantile(p, degreesOfFreedom) / t - 1)).toBeLessThan(1e-10);
    }
  });

  it('has p = 1 at 0, p = 0 at infinity, and falls in between', () => {
    expect([twoSidedP(0, 5), twoSidedP(Infinity, 5), twoSidedP(1e200, 5)]).toEqual([1, 0, 0]);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 50, noNaN: true }),
        fc.double({ min: 1e-3, max: 5, noNaN: true }),
        fc.integer({ min: 1, max: 3000 }),
        (t, more, df) => {
          expect(twoSidedP(t + more, df)).toBeLessThan(twoSidedP(t, df) + 1e-13);
        },
      ),
    );
  });
});

describe('the paired t-test', () => {
  it('agrees with SciPy to 1e-10: t, p, confidence interval and effect size', () => {
    expect(golden.comparisons).toHaveLength(9);
    for (const comparison of golden.comparisons) {
      const ours = differencesOf(comparison);
      const { t, p, degreesOfFreedom } = pairedTTest(ours);
      expect(degreesOfFreedom).toBe(ours.length - 1);
      expect(meanOf(ours)).toBeCloseTo(comparison.difference, 12);
      expect(t).toBeCloseTo(comparison.t, 10);
      expect(p).toBeCloseTo(comparison.p, 10);
      const { low, high } = meanInterval(ours)!;
      expect([low, high]).toEqual(comparison.interval.map((end) => expect.closeTo(end, 10)));
      expect(standardisedDifference(ours)).toBeCloseTo(comparison.effectSize, 10);
    }
  });

  it('has a defined outcome where there is nothing to divide by', () => {
    expect(pairedTTest([])).toEqual({ t: null, degreesOfFreedom: 0, p: 1 });
    expect(pairedTTest([0.3])).toEqual({ t: null, degreesOfFreedom: 0, p: 1 });
    expect(pairedTTest([0, 0, 0])).toEqual({ t: null, degreesOfFreedom: 2, p: 1 });
    expect(pairedTTest([0.1, 0.1, 0.1])).toEqual({ t: null, degreesOfFreedom: 2, p: 0 });
    expect([standardisedDifference([]), standardisedDifference([0, 0])]).toEqual([0, 0]);
    expect([standardisedDifference([0.3]), standardisedDifference([0.1, 0.1, 0.1])]).toEqual([null, null]);
    expect([meanInterval([]), meanInterval([1]), meanInterval([0, 0])]).toEqual([
      null,
      null,
      { low: 0, high: 0 },
    ]);
  });

  it('takes differences that are alike but for rounding as not varying', () => {
    expect(standardDeviation([0.3 - 0.2, 0.2 - 0.1, 0.1])).toBe(0);
    expect(standardDeviation([1e-9, 2e-9])).toBeGreaterThan(0);
  });
});

describe('the randomisation test', () => {
  it('enumerates all patterns of up to 16 differences, as SciPy does', () => {
    const exact = golden.comparisons.filter(({ randomisation }) => randomisation.exact);
    expect(exact).toHaveLength(6);
    for (const comparison of exact) {
      const outcome = randomisationTest(differencesOf(comparison));
      expect(outcome.exact).toBe(true);
      expect(outcome.patterns).toBe(
        2 ** differencesOf(comparison).filter((difference) => difference !== 0).length,
      );
      expect(outcome.p).toBeCloseTo(comparison.randomisation.p, 12);
    }
  });

  it('draws patterns for more of them, and comes as near to SciPy as 100,000 samples can', () => {
    const sampled = golden.comparisons.filter(({ randomisation }) => !randomisation.exact);
    expect(sampled).toHaveLength(3);
    for (const comparison of sampled) {
      const { p, patterns, exact } = randomisationTest(differencesOf(comparison));
      expect([patterns, exact]).toEqual([100_000, false]);
      const right = comparison.randomisation.p;
      expect(Math.abs(p - right)).toBeLessThan(4 * Math.sqrt((right * (1 - right)) / 100_000) + 1e-5);
    }
  });

  it('gives the same p for the same seed, and (b + 1) / (m + 1) at the least', () => {
    const many = Array.from({ length: 50 }, (_, i) => 0.5 + i / 100);
    expect(randomisationTest(many, { samples: 99 }).p).toBe(0.01);
    const mixed = many.map((size, i) => (i % 3 === 0 ? -size : size));
    expect(randomisationTest(mixed, { seed: 7 })).toEqual(randomisationTest(mixed, { seed: 7 }));
    expect(randomisationTest(mixed, { seed: 7 }).p).not.toBe(randomisationTest(mixed, { seed: 8 }).p);
  });

  it('is the same in steps, each of about as much work', () => {
    const [few, many] = [80, 800].map((count) => inSteps(mixedSizes(count)));
    expect(few.value).toEqual(randomisationTest(mixedSizes(80)));
    // 100,000 samples of 10 and of 100 sums each, a million to a step; and one step more for every 64 tables.
    expect([few.taken, many.taken]).toEqual([1, 11]);
  });

  it('has a p above 0 and at most 1, that neither zeros nor turning all signs changes', () => {
    fc.assert(
      fc.property(differences, (values) => {
        const settings = { samples: 200 };
        const { p } = randomisationTest(values, settings);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(
          randomisationTest(
            values.flatMap((value) => [value, 0]),
            settings,
          ).p,
        ).toBe(p);
        expect(
          randomisationTest(
            values.map((value) => -value),
            settings,
          ).p,
        ).toBe(p);
      }),
    );
  });

  it('has p = 1 where all differences are 0 or there is one', () => {
    expect(randomisationTest([0, 0])).toEqual({ p: 1, patterns: 1, exact: true });
    expect(randomisationTest([0.4])).toEqual({ p: 1, patterns: 2, exact: true });
  });

  it('counts a pattern as extreme whose sum differs by rounding alone', () => {
    // 0.1 + 0.2 + 0.3 and its permutations; 2 of 8 patterns reach the sum.
    expect(randomisationTest([0.3, 0.2, 0.1]).p).toBe(0.25);
    expect(randomisationTest([0.1, 0.2, 0.3]).p).toBe(0.25);
  });

  it('refuses seeds and samples that are no such numbers', () => {
    for (const settings of [{ seed: 0.5 }, { seed: NaN }, { samples: 0 }, { samples: 1.5 }]) {
      expect(() => randomisationTest([1], settings)).toThrow(QuernError);
      expect(() => bootstrapInterval([1], settings)).toThrow(QuernError);
    }
  });
});

describe('the bootstrap interval', () => {
  it('comes as near to that of SciPy as 10,000 samples can', () => {
    expect(golden.bootstraps).toHaveLength(2);
    for (const { values, interval, standardError } of golden.bootstraps) {
      const { low, high } = bootstrapInterval(values)!;
      expect(Math.abs(low - interval[0])).toBeLessThan(0.12 * standardError);
      expect(Math.abs(high - interval[1])).toBeLessThan(0.12 * standardError);
    }
  });

  it('lies within the values, around their mean, and is the same for the same seed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (values) => {
          const settings = { samples: 500, seed: 3 };
          const { low, high } = bootstrapInterval(values, settings)!;
          expect(low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-12);
          expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-12);
          expect(low).toBeLessThanOrEqual(high);
          expect(bootstrapInterval(values, settings)).toEqual({ low, high });
        },
      ),
    );
    expect(bootstrapInterval([])).toBeNull();
    expect(bootstrapInterval([0.25], { samples: 1 })).toEqual({ low: 0.25, high: 0.25 });
  });
});

describe("Holm's adjustment", () => {
  it('agrees with statsmodels', () => {
    expect(golden.holm).toHaveLength(6);
    for (const { p, adjusted } of golden.holm)
      expect(holm(p)).toEqual(adjusted.map((value) => expect.closeTo(value, 12)));
  });

  it('never lowers a p, never exceeds 1, and keeps the order', () => {
    const p = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(p, (values) => {
        const adjusted = holm(values);
        const ordered = adjusted.toSorted((a, b) => a - b);
        expect(holm(values.toSorted((a, b) => a - b))).toEqual(ordered);
        for (const [i, one] of adjusted.entries()) {
          expect(one).toBeGreaterThanOrEqual(values[i]!);
          expect(one).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('random integers', () => {
  it('are the same for the same seed, on every machine', () => {
    const next = randomIntegers(1);
    expect([next(), next(), next(), next()]).toEqual([
      2_442_144_158, 3_238_099_751, 3_819_917_871, 2_104_621_829,
    ]);
    expect(randomIntegers(2)()).not.toBe(randomIntegers(1)());
    expect(randomIntegers(2 ** 32 + 1)()).toBe(randomIntegers(1)());
  });

  it('have every bit set half of the time', () => {
    const next = randomIntegers(42);
    const set = Array.from({ length: 32 }, () => 0);
    for (let i = 0; i < 20_000; i++) {
      const value = next();
      for (let bit = 0; bit < 32; bit++) set[bit]! += (value >>> bit) & 1;
    }
    for (const count of set) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });
});

function mixedSizes(count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin(i) + 0.1);
}

/** What the test comes to in steps, and how many there are. */
function inSteps(sizes: readonly number[]) {
  const steps = randomisationSteps(sizes);
  for (let taken = 0; ; taken++) {
    const { done, value } = steps.next();
    if (done) return { taken, value };
  }
}
