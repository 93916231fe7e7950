import { expect, it } from 'vitest';
import { bytes, count, duration, money } from './figures.ts';

it.each([
  [0.04, '0.0 ms'],
  [1.26, '1.3 ms'],
  [412.4, '412 ms'],
  [1250, '1.25 s'],
  [59_940, '59.9 s'],
  [119_700, '2 min 0 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms are %s', (milliseconds, words) => expect(duration(milliseconds)).toBe(words));

it.each([
  [0, 'USD 0'],
  [0.000_123, 'USD 0.00012'],
  [0.5, 'USD 0.50'],
  [12, 'USD 12.00'],
])('an amount of %d is %s', (amount, words) => expect(money({ amount, currency: 'USD' })).toBe(words));

it('counts and sizes are readable', () => {
  expect([count(23_839), bytes(512), bytes(3440), bytes(1_204_000)]).toEqual([
    '23,839',
    '512 B',
    '3.4 kB',
    '1.2 MB',
  ]);
});
