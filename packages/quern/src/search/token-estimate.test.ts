import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { tokenEstimate } from './token-estimate.ts';

it('counts words, digits, runs of marks, and characters of scripts without spaces', () => {
  expect(tokenEstimate('')).toBe(0);
  expect(tokenEstimate(' \n ')).toBe(0);
  expect(tokenEstimate('Why, in 1984?!')).toBe(1 + 1 + 1 + 4 + 1);
  expect(tokenEstimate('山川 ab山c')).toBe(2 + 3);
});

it('of a text is that of its words', () => {
  const part = fc.oneof(
    fc.constantFrom('ash', 'elm,', '1984', '山川', 'x=y', ' ', '\n\n'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      const text = parts.join('');
      const ofWords = text.split(/\s+/u).map(tokenEstimate);
      expect(tokenEstimate(text)).toBe(ofWords.reduce((sum, count) => sum + count, 0));
    }),
  );
});
