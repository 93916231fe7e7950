import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clickLevels, clickWeight, defaultClickRules } from './click-levels.ts';

const clicked = (weights: Readonly<Record<string, number>>, clicks = 1) =>
  new Map(Object.entries(weights).map(([id, weight]) => [id, { clicks, weight }]));

function weigh(clicks: number, position: number) {
  return { clicks, weight: clicks * clickWeight(position, defaultClickRules) };
}

describe('levels of clicked documents', () => {
  it('are thirds of what was clicked most, and none below a sixth of it', () => {
    const levels = clickLevels(
      clicked({ a: 60, b: 50, c: 49, d: 30, e: 29, f: 10, g: 9 }),
      defaultClickRules,
    );
    expect(Object.fromEntries(levels)).toEqual({ a: 3, b: 3, c: 2, d: 2, e: 1, f: 1 });
  });

  it('are not given for fewer clicks than the rule asks for', () => {
    const documents = new Map([
      ['often', { clicks: 3, weight: 3 }],
      ['once, far down', { clicks: 1, weight: 10 }],
    ]);
    expect(clickLevels(documents, { ...defaultClickRules, leastClicks: 2 })).toEqual(new Map([['often', 3]]));
    expect(clickLevels(new Map(), defaultClickRules)).toEqual(new Map());
  });

  it('are from 1 to 3, 3 for the greatest, and in the order of weights', () => {
    const weights = fc.dictionary(fc.string(), fc.double({ min: 1e-3, max: 1e9, noNaN: true }), {
      minKeys: 1,
    });
    fc.assert(
      fc.property(weights, (given) => {
        const levels = clickLevels(clicked(given), defaultClickRules);
        const sorted = Object.entries(given).sort(([, a], [, b]) => b - a);
        const values = sorted.map(([id]) => levels.get(id) ?? 0);
        expect(values[0]).toBe(3);
        expect(values).toEqual([...values].sort((a, b) => b - a));
      }),
    );
  });
});

it('a click weighs the inverse of how likely its position is looked at, down to the deepest one', () => {
  const weights = [1, 2, 10, 11, 1000].map((position) => clickWeight(position, defaultClickRules));
  expect(weights).toEqual([1, 2, 10, 10, 10]);
  expect(clickWeight(undefined, defaultClickRules)).toBe(1);
  expect(clickWeight(9, { ...defaultClickRules, eta: 0.5 })).toBe(3);
  expect(clickWeight(9, { ...defaultClickRules, eta: 0 })).toBe(1);
});

it('weighing by position finds the order of relevance that positions had turned round', () => {
  // Looked at with 1 / position: of 1,000 searches each, the better document at the fifth place is clicked less often.
  const [better, worse] = [1000 * (1 / 5) * 0.9, 1000 * 0.3];
  const documents = new Map([
    ['worse', weigh(worse, 1)],
    ['better', weigh(better, 5)],
  ]);
  expect(Object.fromEntries(clickLevels(documents, defaultClickRules))).toEqual({ better: 3, worse: 1 });
});
