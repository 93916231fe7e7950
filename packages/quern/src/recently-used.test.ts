import { expect, it } from 'vitest';
import { RecentlyUsed } from './recently-used.ts';

it('of more values than it keeps, the one that was not asked for the longest goes', () => {
  const kept = new RecentlyUsed<string, number>(2);
  kept.set('a', 1);
  kept.set('b', 2);
  expect(kept.get('a')).toBe(1);
  kept.set('c', 3);
  expect([kept.get('a'), kept.get('b'), kept.get('c')]).toEqual([1, undefined, 3]);
  kept.set('a', 4);
  expect([kept.get('a'), kept.size]).toEqual([4, 2]);
  kept.delete('a');
  expect([kept.get('a'), kept.get('c')]).toEqual([undefined, 3]);
});
