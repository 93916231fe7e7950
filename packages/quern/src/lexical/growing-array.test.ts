import { describe, expect, it } from 'vitest';
import { GrowingUint32Array } from './growing-array.ts';

describe('GrowingUint32Array', () => {
  it('keeps every number while it grows', () => {
    const array = new GrowingUint32Array();
    const numbers = Array.from({ length: 5000 }, (_, i) => (i * 2654435761) % 2 ** 32);
    for (const number of numbers) array.push(number);
    expect(array.length).toBe(5000);
    expect(Array.from(array.view())).toEqual(numbers);
    expect(array.get(4999)).toBe(numbers[4999]);
  });

  it('counts up in place', () => {
    const array = new GrowingUint32Array();
    array.push(7);
    array.push(0);
    array.increment(1);
    expect(Array.from(array.view())).toEqual([7, 1]);
  });
});
