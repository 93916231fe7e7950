import { expect, it } from 'vitest';
import { randomNumbers } from '../../test/random-numbers.ts';
import { TimeHistogram } from './time-histogram.ts';

it('cuts where the share of the counts lies before, and some after', () => {
  const times = new TimeHistogram();
  for (const [time, count] of [
    [500, 1],
    [100, 6],
    [300, 2],
    [200, 1],
  ]) {
    times.add(time, count);
  }
  expect(times.cut(0.5)).toBe(200);
  expect(times.cut(0.7)).toBe(300);
  expect(times.cut(0.8)).toBe(500);
  expect(times.cut(1)).toBe(500);
});

it('has no cut where all lie at one time, or there is none', () => {
  const times = new TimeHistogram();
  expect(times.cut(0.8)).toBeUndefined();
  times.add(5, 100);
  expect(times.cut(0.8)).toBeUndefined();
});

it('cuts within a thousandth of the exact place where there are more times than buckets, in any order', () => {
  const { uniform } = randomNumbers(1);
  const drawn = Array.from({ length: 200_000 }, () => Math.floor(1.7e12 + uniform() ** 2 * 3e9));
  const sorted = [...drawn].sort((a, b) => a - b);
  const cuts = [drawn, sorted].map((order) => {
    const times = new TimeHistogram();
    for (const time of order) times.add(time, 1);
    return times.cut(0.8)!;
  });
  expect(cuts[0]).toBe(cuts[1]);
  const before = sorted.filter((time) => time < cuts[0]).length / sorted.length;
  expect(before).toBeGreaterThanOrEqual(0.8);
  expect(before).toBeLessThan(0.801);
});
