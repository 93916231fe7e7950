import { expect, it } from 'vitest';
import { Components } from './components.ts';
import { NumbersByHash } from './numbers-by-hash.ts';

it('what is the same as the same is the same', () => {
  const same = new Components();
  for (const [a, b] of ['2 1', '3 1', '6 1', '6 5', '9 7'].map((pair) => pair.split(' '))) same.join(a, b);
  const of = (...names: string[]): number => new Set(names.map((name) => same.of(name))).size;
  expect(of('1', '2', '3', '5', '6')).toBe(1);
  expect(of('7', '9')).toBe(1);
  expect(of('1', '7', '8')).toBe(3);
  expect(same.has('8')).toBe(false);
});

it('numbers are found by their hashes, those that share a place among them', () => {
  const table = new NumbersByHash(6);
  const hashes = [0, 8, 16, 24, 2 ** 48 - 1, 7];
  for (const [number, hash] of hashes.entries()) table.set(hash, number);
  table.set(16, 40);
  expect(hashes.map((hash) => table.get(hash))).toEqual([0, 1, 40, 3, 4, 5]);
  expect(table.get(32)).toBeUndefined();
});
