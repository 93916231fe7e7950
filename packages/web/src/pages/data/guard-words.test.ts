import { expect, it } from 'vitest';
import { guardWords } from './guard-words.ts';

const stage = { stage: 'decontaminate', questionsIn: 1217, questionsOut: 1214, dropped: {}, counts: {} };

it('says what a set was held against, and what came of it', () => {
  const against = [
    { collection: 'bright:all', texts: 2133 },
    { collection: 'beir:mine', texts: 5 },
  ];
  expect(guardWords({ against, stages: [stage] })).toEqual({
    isGood: true,
    sentences: [
      'It was held against bright:all (2,133 texts), beir:mine (5 texts).',
      '3 of 1,217 questions shared 13 words in a row with one of these texts, or were like one, and were left out.',
    ],
  });
  const none = guardWords({ against, stages: [{ ...stage, questionsOut: 1217 }] });
  expect(none.sentences[1]).toBe(
    'None of 1,217 questions shared 13 words in a row with one of these texts, or was like one.',
  );
});

it('says that BRIGHT was missing', () => {
  const missing = 'BRIGHT was not at hand when this was made: check the set before you report results on it.';
  const other = guardWords({ against: [{ collection: 'beir:mine', texts: 5 }], stages: [stage] });
  expect([other.isGood, other.sentences.at(-1)]).toEqual([false, missing]);
  expect(guardWords({ against: [], stages: [] })).toEqual({
    isGood: false,
    sentences: ['It was held against no benchmark.', missing],
  });
});
