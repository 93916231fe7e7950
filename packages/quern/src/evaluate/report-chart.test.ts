import { describe, expect, it } from 'vitest';
import { barChart, intervalLine, intervalScale } from './report-chart.ts';

const words = { key: 'c', title: 'Gain', description: 'All of them.', differences: true };

function bars(count: number) {
  return Array.from({ length: count }, (_, i) => ({ topic: `t${i}`, value: 0.6 - i / count }));
}

describe('a bar chart', () => {
  it('names itself, and each bar with its topic and values', () => {
    const { source } = barChart(
      [
        { topic: 'a<b', value: 0.5, detail: '0.250 → 0.750' },
        { topic: 'c', value: -0.25 },
      ],
      words,
    );
    expect(source).toContain('role="img" aria-labelledby="c-title c-text"');
    expect(source).toContain('<title>\u2068a&lt;b\u2069: +0.500 (0.250 → 0.750)</title>');
    expect(source).toContain('<title>\u2068c\u2069: −0.250</title>');
    expect(source.match(/<g>/g)).toHaveLength(2);
    expect(source).toContain('class="zero"');
  });

  it('draws a bar as high as its value', () => {
    const { source } = barChart(
      [
        { topic: 'a', value: 1 },
        { topic: 'b', value: -0.5 },
        { topic: 'c', value: 0 },
      ],
      words,
    );
    // From +1 at 0 to -0.5 at 1000, zero at two thirds.
    expect(source).toContain('class="gain" d="M0 666.7V0h');
    expect(source).toMatch(/class="loss" d="M41\.7 666\.7V1000h/);
    expect(source.match(/class="(?:gain|loss)"/g)).toHaveLength(2);
  });

  it('of one value, of no difference, and of tiny differences has an axis', () => {
    for (const value of [0, 1, -1, 0.5, 1e-7, -3e-5]) {
      const { source } = barChart([{ topic: 't', value }], words);
      expect(source).not.toMatch(/NaN|Infinity|undefined/);
      expect(source).toContain('class="zero"');
    }
  });

  it('of thousands of topics is an outline with parts to point at, and stays small', () => {
    const { source } = barChart(bars(3000), words);
    expect(source).not.toContain('<g>');
    expect(source.match(/class="reach"/g)).toHaveLength(100);
    expect(source).toContain(
      '<title>1 to 30 of 3,000: +0.600 (\u2068t0\u2069) to +0.590 (\u2068t29\u2069)</title>',
    );
    expect(source.length).toBeLessThan(60_000);
  });
});

it('an interval is drawn on the common scale, coloured only if the difference is significant', () => {
  const scale = intervalScale([
    { difference: 0.5, interval: { low: 0, high: 1 } },
    { difference: -0.25, interval: null },
  ]);
  expect(scale).toEqual({ low: -0.25, high: 1 });
  const found = { difference: 0.5, interval: { low: 0.25, high: 1 } };
  expect(intervalLine(found, true, scale).source).toContain('class="gain span" d="M80.8 8H196"');
  expect(intervalLine(found, false, scale).source).toContain('class="even span"');
  expect(intervalLine({ difference: -0.25, interval: null }, true, scale).source).toContain(
    'class="loss span"',
  );
  expect(intervalLine({ difference: 0, interval: null }, false, { low: 0, high: 0 }).source).not.toContain(
    'NaN',
  );
});
