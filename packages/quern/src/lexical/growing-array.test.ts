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

  it('counts up and down in place', () => {
    const array = new GrowingUint32Array();
    array.push(7);
    array.push(0);
    array.add(1, 1);
    array.add(0, -2);
    expect(Array.from(array.view())).toEqual([5, 1]);
  });
});
