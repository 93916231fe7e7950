import { expect, it } from 'vitest';
import type { SearchAnswer } from '../../service/answers.ts';
import { afterEvent, nothingYet, paceOf, placesOf, shownAt, type Watched } from './frames.ts';

const hit = { id: 'a', score: 2, rank: 1 };
const answer = { reasoned: { text: 'one two' }, hits: [hit] } as unknown as SearchAnswer;

function after(events: readonly (readonly [string, unknown])[]): Watched {
  return events.reduce((watched, [name, data]) => afterEvent(watched, name, data), nothingYet);
}

const look = (lengths: number[], title?: string) =>
  ['ranking', { lengths, tokens: 3, milliseconds: 1, hits: [title ? { ...hit, title } : hit] }] as const;

it('a text grows by pieces, each look has what was written up to it, and titles stay', () => {
  const watched = after([
    ['piece', { text: 'one ', part: 0 }],
    ['piece', { text: 'two', part: 0 }],
    look([3], 'A'),
    look([7]),
  ]);
  expect(watched.texts).toEqual(['one two']);
  expect(watched.frames.map(({ texts }) => texts)).toEqual([['one'], ['one two']]);
  expect([...watched.titles]).toEqual([['a', 'A']]);
  expect(shownAt(watched, 0)).toMatchObject({ texts: ['one'], hits: [hit], isAnswer: false, tokens: 3 });
});

it('texts of several reasoners grow beside each other, and one that begins anew is replaced', () => {
  const watched = after([
    ['piece', { text: 'b', part: 1 }],
    look([0, 1]),
    ['piece', { text: 'new', part: 1, isStart: true }],
    ['piece', { text: '!', part: 1 }],
    ['reasoned', {}],
    ['unknown', {}],
  ]);
  expect(watched.texts).toEqual(['', 'new!']);
  expect(watched.frames[0]!.texts).toEqual(['', 'b']);
});

it('the answer stands after all looks', () => {
  const watched = after([['piece', { text: 'one two', part: 0 }], look([3]), ['done', answer]]);
  expect(placesOf(watched)).toBe(2);
  expect(shownAt(watched, 1)).toEqual({ texts: ['one two'], hits: [hit], isAnswer: true });
  expect(shownAt(watched, -1)).toBeUndefined();
  expect(shownAt(nothingYet, 0)).toBeUndefined();
});

it('a replay takes four seconds at most', () => {
  expect(paceOf(0)).toBe(100);
  expect(paceOf(10)).toBe(100);
  expect(60 * paceOf(60)).toBeCloseTo(4000);
});
