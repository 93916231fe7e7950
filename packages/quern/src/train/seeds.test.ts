import { expect, it } from 'vitest';
import { nextOf, seedFor, shuffled } from './seeds.ts';

it.each([1, 2, 3, 7, 10, 25])('takes everything once an epoch, %d at a time', (size) => {
  const count = 10;
  const taken: number[] = [];
  while (taken.length < 5 * count) taken.push(...nextOf(count, size, taken.length, 42));
  const epochs = Array.from({ length: 5 }, (_, i) => taken.slice(i * count, (i + 1) * count));
  const all = Array.from({ length: count }, (_, i) => i);
  for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual(all);
  expect(new Set(epochs.map(String)).size).toBe(5);
  expect(taken.slice(0, 50)).toEqual(nextOf(count, 50, 0, 42));
});

it('takes in another order with another seed, and in the same with the same', () => {
  expect(nextOf(20, 20, 0, 1)).toEqual(nextOf(20, 20, 0, 1));
  expect(nextOf(20, 20, 0, 1)).not.toEqual(nextOf(20, 20, 0, 2));
});

it('has seeds that differ by seed, purpose and place', () => {
  const seeds = [
    seedFor(1, 'order'),
    seedFor(2, 'order'),
    seedFor(1, 'eval'),
    seedFor(1, 'order', 0),
    seedFor(1, 'order', 1),
    seedFor(1, 'order', 0, 0),
    seedFor(1, 'order', 1, 11),
    seedFor(1, 'order', 11, 1),
    seedFor(11, 'order', 1),
  ];
  expect(new Set(seeds).size).toBe(seeds.length);
  expect(seedFor(1, 'order', 1)).toBe(seeds[4]);
  for (const seed of seeds) {
    expect(Number.isSafeInteger(seed)).toBe(true);
    expect(seed).toBeLessThan(2 ** 48);
  }
});

it('shuffles each number into each place about as often', () => {
  const counts = new Map<string, number>();
  const draws = 6000;
  for (let i = 0; i < draws; i++) {
    const order = String(shuffled(3, seedFor(i, 'test')));
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - draws / 6)).toBeLessThan(150);
});
