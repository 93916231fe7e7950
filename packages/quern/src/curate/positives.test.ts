import { expect, it } from 'vitest';
import { positivesOf, type PositiveSettings } from './positives.ts';
import type { TextAnswer } from './question.ts';

const settings: PositiveSettings = { most: 5, leastScore: 1, leastCharacters: 3 };

function answer(id: string, facts: Partial<TextAnswer> = {}): TextAnswer {
  return { id, text: `answer ${id}`, isAccepted: false, ...facts };
}

function chosen(answers: readonly TextAnswer[], given: Partial<PositiveSettings> = {}): string[] {
  return positivesOf(answers, { ...settings, ...given }).answers.map(({ id }) => id);
}

const scored = [
  answer('low', { preference: 0, score: 0 }),
  answer('good', { preference: 2, score: 3 }),
  answer('better', { preference: 2, score: 4 }),
  answer('accepted', { preference: 1, score: 0, isAccepted: true }),
  answer('best', { preference: 5, score: 40 }),
];

it('the accepted answer is first, then the score decides, then the votes, then the order', () => {
  expect(chosen(scored)).toEqual(['accepted', 'best', 'better', 'good']);
  expect(chosen(scored, { most: 2 })).toEqual(['accepted', 'best']);
  expect(chosen([answer('b', { preference: 1 }), answer('a', { preference: 1 })])).toEqual(['b', 'a']);
});

it('scores below the least one and below the gap do not count', () => {
  expect(chosen(scored, { leastScore: 3 })).toEqual(['accepted', 'best']);
  expect(chosen(scored, { scoreGap: 3 })).toEqual(['accepted', 'best', 'better', 'good']);
  expect(chosen(scored, { scoreGap: 2 })).toEqual(['accepted', 'best']);
  expect(chosen(scored, { leastScore: -1 })).toContain('low');
});

it('an answer without a score passes, an accepted one with negative votes does not', () => {
  expect(chosen([answer('plain')])).toEqual(['plain']);
  expect(chosen([answer('bad', { isAccepted: true, preference: -1 })])).toEqual([]);
});

it('what is deleted, short, wordless or there already does not count', () => {
  const answers = [
    answer('deleted', { isDeleted: true, preference: 3 }),
    answer('short', { text: 'ab', preference: 3 }),
    answer('wordless', { text: '--- !!! ---', preference: 3 }),
    answer('one', { text: 'the same', preference: 3 }),
    answer('two', { text: 'the same', preference: 2 }),
  ];
  expect(chosen(answers)).toEqual(['one']);
});

it('says why there is none', () => {
  expect(positivesOf([], settings).none).toBe('no answer');
  expect(positivesOf([answer('low', { preference: 0 })], settings).none).toBe(
    'no answer that is good enough',
  );
});

it('a question may have any number of answers', () => {
  const answers = Array.from({ length: 300_000 }, (_, i) => answer(String(i), { preference: i % 7 }));
  expect(chosen(answers, { most: 2 })).toEqual(['6', '13']);
});
