import { expect, it } from 'vitest';
import { licenceWords } from './licence-words.ts';

it('says how many posts are under which licence, and what CC BY-SA asks', () => {
  const words = licenceWords({
    licence: { 'CC BY-SA 3.0': 3797, 'not stated': 1 },
    options: { positives: 'answers' },
  });
  expect(words[0]).toBe('CC BY-SA 3.0: 3,797 posts; not stated: one post.');
  expect(words[1]).toContain('share alike');
  expect(words).toHaveLength(2);
});

it('says where no licence is stated, and whose positives a model wrote', () => {
  expect(
    licenceWords({ licence: { 'not stated': 5 }, options: { positives: 'both', reasoner: 'openai:qwq' } }),
  ).toEqual([
    'The sources state no licence.',
    'Positives were written by a language model (openai:qwq): its own terms hold for these.',
  ]);
  expect(licenceWords({ licence: { MIT: 2 }, options: {} })[1]).not.toContain('share alike');
});
