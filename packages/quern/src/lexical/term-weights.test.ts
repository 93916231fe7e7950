import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heaviestFirst, interpolated } from './term-weights.ts';

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

describe('heaviestFirst', () => {
  it('sorts by weight, ties by term', () => {
    const sorted = heaviestFirst(new Map([['b', 1], ['c', 2], ['a', 1]])); // prettier-ignore
    expect(sorted).toEqual([['c', 2], ['a', 1], ['b', 1]]); // prettier-ignore
  });
});
