import { expect, it } from 'vitest';
import { movement, movementWords, ranksOf } from './movement.ts';

it.each([
  [1, 4, { kind: 'up', by: 3 }, 'up 3 against the ranking without reasoning'],
  [4, 1, { kind: 'down', by: 3 }, 'down 3 against the ranking without reasoning'],
  [2, 2, { kind: 'same' }, 'the same rank as without reasoning'],
  [2, undefined, { kind: 'new' }, 'new: not among these without reasoning'],
] as const)('rank %j after %j is %j', (rank, before, expected, words) => {
  const moved = movement(rank, before);
  expect(moved).toEqual(expected);
  expect(movementWords(moved)).toBe(words);
});

it('ranks go by ids', () => {
  expect([...ranksOf([{ id: 'a', rank: 1 }])]).toEqual([['a', 1]]);
});
