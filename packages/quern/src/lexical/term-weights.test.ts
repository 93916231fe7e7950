import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heaviestFirst, interpolated, meanWeights } from './term-weights.ts';

const weights = fc
  .dictionary(fc.constantFrom(...'abcdef'), fc.double({ min: 0.001, max: 100, noNaN: true }))
  .map((record) => new Map(Object.entries(record)));

describe('interpolated', () => {
  it('is the weighted mean of both sides, each brought to the sum 1', () => {
    const mixed = interpolated(new Map([['a', 3], ['b', 1]]), new Map([['b', 4]]), 0.4); // prettier-ignore
    expect(mixed.get('a')).toBeCloseTo(0.3, 12);
    expect(mixed.get('b')).toBeCloseTo(0.1 + 0.6, 12);
  });

  it('has the sum 1, and the terms of both', () => {
    fc.assert(
      fc.property(weights, weights, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, weight) => {
        fc.pre(a.size > 0 && b.size > 0);
        const mixed = interpolated(a, b, weight);
        expect(new Set(mixed.keys())).toEqual(new Set([...a.keys(), ...b.keys()]));
        expect([...mixed.values()].reduce((x, y) => x + y, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('leaves the other side alone where one is empty', () => {
    const some = new Map([['a', 3]]);
    expect(interpolated(some, new Map(), 0.4)).toEqual(some);
    expect(interpolated(new Map(), some, 0.4)).toEqual(some);
  });
});

describe('meanWeights', () => {
  it('has the sum 1, whatever the sums were, and the terms of all', () => {
    fc.assert(
      fc.property(fc.array(weights, { maxLength: 5 }), (all) => {
        const mean = meanWeights(all);
        expect(new Set(mean.keys())).toEqual(new Set(all.flatMap((each) => [...each.keys()])));
        const sum = [...mean.values()].reduce((x, y) => x + y, 0);
        expect(sum).toBeCloseTo(all.some(({ size }) => size > 0) ? 1 : 0, 9);
      }),
    );
  });

  it('of two is their interpolation by half, and of one the same weights to the sum 1', () => {
    fc.assert(
      fc.property(weights, weights, (a, b) => {
        fc.pre(a.size > 0 && b.size > 0);
        const half = interpolated(a, b, 0.5);
        const mean = meanWeights([a, b]);
        for (const [term, weight] of mean) expect(weight).toBeCloseTo(half.get(term)!, 12);
        for (const [term, weight] of meanWeights([a])) {
          const share = a.get(term)! / [...a.values()].reduce((x, y) => x + y, 0);
          expect(weight).toBeCloseTo(share, 12);
        }
      }),
    );
  });

  it('leaves out those that are empty or sum to 0, so that the others count in full', () => {
    const some = new Map([['a', 4]]);
    expect(meanWeights([some, new Map(), new Map([['b', 0]])])).toEqual(new Map([['a', 1]]));
    expect(meanWeights([])).toEqual(new Map());
  });
});

describe('heaviestFirst', () => {
  it('sorts by weight, ties by term', () => {
    const sorted = heaviestFirst(new Map([['b', 1], ['c', 2], ['a', 1]])); // prettier-ignore
    expect(sorted).toEqual([['c', 2], ['a', 1], ['b', 1]]); // prettier-ignore
  });
});
