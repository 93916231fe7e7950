import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ascendingOrder } from './ascending-order.ts';

it('gives the places of any 32-bit keys in ascending order, equal keys in order of places', () => {
  const keys = fc.array(fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 32 - 1 })), { maxLength: 2000 });
  fc.assert(
    fc.property(keys, (each) => {
      const expected = [...each.keys()].sort((a, b) => each[a] - each[b] || a - b);
      expect([...ascendingOrder(each)]).toEqual(expected);
      expect([...ascendingOrder([...each, 0], each.length)]).toEqual(expected);
    }),
  );
});
