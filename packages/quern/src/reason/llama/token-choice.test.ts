import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomIntegers } from '../../random.ts';
import { chosenToken } from './token-choice.ts';

const candidates = new Map([
  [7, 0.5],
  [3, 0.3],
  [9, 0.15],
  [1, 0.05],
]);

/** How often each token is chosen in `draws` draws. */
function shares(sampling: { temperature: number; topP: number }, draws = 40_000): Record<number, number> {
  const random = randomIntegers(5);
  const counts: Record<number, number> = {};
  for (let i = 0; i < draws; i++) {
    const token = chosenToken(candidates, sampling, random());
    counts[token] = (counts[token] ?? 0) + 1 / draws;
  }
  return counts;
}

describe('a token is chosen', () => {
  it('with its probability, at temperature 1', () => {
    const found = shares({ temperature: 1, topP: 1 });
    for (const [token, probability] of candidates) expect(found[token]).toBeCloseTo(probability, 2);
  });

  it('with its tempered probability', () => {
    const found = shares({ temperature: 0.5, topP: 1 });
    const total = 0.25 + 0.09 + 0.0225 + 0.0025;
    expect(found[7]).toBeCloseTo(0.25 / total, 2);
    expect(found[3]).toBeCloseTo(0.09 / total, 2);
  });

  it('from the nucleus of the tempered probabilities, as vLLM and transformers cut it', () => {
    // Untempered, 0.5 + 0.3 reach 0.8; tempered by 0.5 the first two have 0.93, the first alone 0.685.
    expect(Object.keys(shares({ temperature: 1, topP: 0.81 })).length).toBe(3);
    expect(Object.keys(shares({ temperature: 0.5, topP: 0.81 })).length).toBe(2);
    expect(Object.keys(shares({ temperature: 0.5, topP: 0.68 })).length).toBe(1);
  });

  it('as the likeliest at temperature 0, and however it is drawn', () => {
    for (const random of [0, 2 ** 31, 2 ** 32 - 1]) {
      expect(chosenToken(candidates, { temperature: 0, topP: 1 }, random)).toBe(7);
    }
  });

  it('among the candidates, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(2 ** 32 - 1),
        (probabilities, temperature, topP, random) => {
          const some = new Map(probabilities.toSorted((a, b) => b - a).map((p, i) => [i, p]));
          expect(some.has(chosenToken(some, { temperature, topP }, random))).toBe(true);
        },
      ),
    );
  });

  it('from one candidate at the least', () => {
    expect(() => chosenToken(new Map(), { temperature: 1, topP: 1 }, 0)).toThrow(RangeError);
  });
});
