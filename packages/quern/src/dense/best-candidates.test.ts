import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BestCandidates } from './best-candidates.ts';

it('keeps every document that can be among the k best, and of the others few', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -40, max: 40 }), { maxLength: 1500 }),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(0, 0.01, 0.05),
      (values, k, error) => {
        const scores = values.map((value) => value / 40);
        const candidates = new BestCandidates(k, error);
        for (const [document, score] of scores.entries()) {
          if (score >= candidates.bound) candidates.add(document, score);
        }
        const kth = [...scores].sort((a, b) => b - a)[k - 1] ?? -Infinity;
        const possible = scores.map((_, i) => i).filter((i) => scores[i] >= kth - 2 * error);
        const kept = candidates.documents();
        expect(kept.filter((i) => possible.includes(i))).toEqual(possible);
        expect(kept.every((i) => scores[i] >= kth - 2 * error - 1e-6)).toBe(true);
      },
    ),
  );
});
