import { describe, expect, it } from 'vitest';
import { chartPlans, validationTitle } from './chart-list.ts';
import { RunSeries } from './run-series.ts';
import { runStyle } from './run-style.ts';
import { smoothed } from './smoothing.ts';
import { timeLeft } from './time-left.ts';
import type { MetricsAnswer, MetricsLine } from '../../../../quern/src/train/watch/wire.ts';
import { durationText, hoursText, sampleText, signedText, valueText } from './words.ts';

function line(step: number, values: Record<string, number> = { reward: step }): MetricsLine {
  return { kind: 'train', step, time: step * 1000, values };
}

function answer(lines: readonly MetricsLine[], isStart = false): MetricsAnswer {
  return { after: 'place', isStart, more: false, stride: 1, unreadable: 0, lines };
}

describe('the curves of a run', () => {
  it('grow by what is new, and begin again with a new start', () => {
    const series = new RunSeries();
    series.add(answer([line(1), line(2)], true));
    expect(series.version).toBe(1);
    series.add(answer([]));
    expect(series.version).toBe(1);
    series.add(answer([line(3, { reward: 3, kl: 1 })]));
    expect(series.curve('train', 'reward')).toEqual({
      steps: [1, 2, 3],
      times: [1000, 2000, 3000],
      values: [1, 2, 3],
    });
    expect(series.curve('train', 'kl', 'reward').deviations).toEqual([3]);
    expect(series.names('train')).toEqual(['reward', 'kl']);
    series.add(answer([], true));
    expect(series.version).toBe(3);
    expect(series.curve('train', 'reward').values).toEqual([]);
  });

  it('forget the steps that are written anew', () => {
    const series = new RunSeries();
    series.add(answer([line(1), line(2), line(3), line(2, { reward: 9 })], true));
    expect(series.curve('train', 'reward').values).toEqual([1, 9]);
  });
});

it('smoothing starts at the first value, follows what comes, and leaves what is constant to the bit', () => {
  expect(smoothed([1, 1, 1, 1], 0.9)).toEqual([1, 1, 1, 1]);
  expect(smoothed([0, 1], 0.5)[1]).toBeCloseTo(0.5 / 0.75, 12);
  expect(smoothed([3, 5], 0)).toEqual([3, 5]);
});

it('the time left is that of the median step, whatever pause there was', () => {
  const lines = [1, 2, 3, 4].map((step) => line(step));
  expect(timeLeft(lines, 10)).toBe(6000);
  const resumed = [...lines, { ...line(5), time: 1e9 }, { ...line(6), time: 1e9 + 1000 }];
  expect(timeLeft(resumed, 10)).toBe(4000);
  expect(timeLeft(lines.slice(0, 2), 10)).toBeUndefined();
  expect(timeLeft(lines, 4)).toBe(0);
});

it('every metric has a chart or is the band of one, those that are known in their places', () => {
  const trained = new Set([
    'kl',
    'reward',
    'reward_std',
    'rewards/a b/mean',
    'rewards/a b/std',
    'new',
    'completions/min_length',
    'loss',
  ]);
  const validated = new Set([
    'eval/completions/clipped_ratio',
    'eval/completions/max_terminated_length',
    'eval/ndcg@10',
    'eval/ndcg@10/none',
    'eval/new',
    'eval/reward',
    'eval/reward_std',
  ]);
  const plans = chartPlans(trained, validated);
  expect(plans.map(({ section, title, deviation }) => [section, title, deviation])).toEqual([
    ['Reward', 'Reward', 'reward_std'],
    ['Reward', 'a b', 'rewards/a b/std'],
    ['Validation', 'Reward', 'eval/reward_std'],
    ['Validation', 'nDCG@10', undefined],
    ['Validation', 'nDCG@10 of the questions alone', undefined],
    ['Policy', 'KL from the reference policy', undefined],
    ['Optimisation', 'Loss', undefined],
    ['Other metrics', 'Shortest (tokens)', undefined],
    ['Other metrics', 'new', undefined],
    ['Other metrics', 'Validation: Cut at the limit', undefined],
    ['Other metrics', 'Validation: Longest that ended (tokens)', undefined],
    ['Other metrics', 'Validation: new', undefined],
  ]);
  expect(['eval/reward', 'eval/loss', 'eval/new'].map(validationTitle)).toEqual(['Reward', 'Loss', 'new']);
});

it('what training tells is smoothed, but for schedules and counts; what validation tells is not', () => {
  const trained = new Set(['reward', 'learning_rate', 'epoch', 'num_tokens', 'new']);
  const plans = chartPlans(trained, new Set(['eval/reward', 'eval/new']));
  const exact = plans.filter(({ isExact }) => isExact).map(({ name }) => name);
  expect(exact.sort()).toEqual(['epoch', 'eval/new', 'eval/reward', 'learning_rate', 'num_tokens']);
});

it('no two of eighteen runs look the same, and neighbours have different kinds of lines', () => {
  const styles = Array.from({ length: 18 }, (_, run) => runStyle(run));
  expect(new Set(styles.map(({ colour, line: kind }) => `${colour} ${kind}`)).size).toBe(18);
  expect(styles.slice(1).every(({ line: kind }, i) => kind !== styles[i]!.line)).toBe(true);
});

describe('numbers', () => {
  it.each([
    [0, 'number', '0'],
    [-0.51234, 'number', '−0.512'],
    [1e-6, 'number', '1e−6'],
    [0.0732, 'share', '7.32 %'],
    [12_345.6, 'number', '12346'],
    [1_790_000, 'number', '1.79e6'],
    [5_368_709_120, 'bytes', '5 GiB'],
    [41.23, 'seconds', '41.2 s'],
  ] as const)('%d as a %s is %s', (value, unit, text) => {
    expect(valueText(value, unit)).toBe(text);
  });

  it.each([
    [-2.78e-13, '0', '0'],
    [9.9e-10, '0', '0'],
    [1e-9, '1e−9', '+1e−9'],
    [-0.5, '−0.5', '−0.5'],
  ])('of samples are 0 where rounding left no more: %d is %s', (value, text, signed) => {
    expect([sampleText(value), signedText(value)]).toEqual([text, signed]);
  });

  it('on an axis have as many digits as tell them apart', () => {
    expect([0.9985, 0.999, 1].map((value) => valueText(value, 'number', 0.0005))).toEqual([
      '0.9985',
      '0.999',
      '1',
    ]);
    expect(valueText(1_015_000, 'number', 5000)).toBe('1.015e6');
  });

  it('of time are short', () => {
    expect([900, 90_000, 5_400_000, 180_000_000].map(durationText)).toEqual([
      '1 s',
      '2 min',
      '1 h 30 min',
      '2 d 2 h',
    ]);
    expect([hoursText(1.5, 0.5), hoursText(0.0025, 0)]).toEqual(['1:30', '0:00:09']);
  });
});
