import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TermCache } from './term-cache.ts';

/** Keeps the first three units, drops tokens that begin with x, and counts its calls. */
function countingCache() {
  const calls = { count: 0 };
  const cache = new TermCache((units, length) => {
    calls.count++;
    return units[0] === 0x78 ? -1 : Math.min(length, 3);
  });
  return { cache, calls };
}

describe('TermCache', () => {
  it('analyses a token once, dropped ones too', () => {
    const { cache, calls } = countingCache();
    const text = 'abcd xyz abcd xyz';
    const places = [0, 4, 5, 8, 9, 13, 14, 17];
    const terms = [0, 2, 4, 6].map((i) => cache.termOf(text, places[i]!, places[i + 1]!));
    expect(terms).toEqual(['abc', undefined, 'abc', undefined]);
    expect(calls.count).toBe(2);
  });

  it('analyses long tokens each time, and gives them whole', () => {
    const cache = new TermCache((_, length) => length);
    const text = 'é'.repeat(5000);
    expect(cache.termOf(text, 0, 5000)).toBe(text);
    expect(cache.termOf(text, 0, 49)).toBe(text.slice(0, 49));
  });

  it('tells all tokens apart, however many there are', () => {
    const { cache, calls } = countingCache();
    const tokens = Array.from({ length: 100_000 }, (_, i) => i.toString(36));
    const expected = tokens.map((token) => (token.startsWith('x') ? undefined : token.slice(0, 3)));
    for (let round = 1; round <= 2; round++) {
      expect(tokens.map((token) => cache.termOf(`.${token}.`, 1, 1 + token.length))).toEqual(expected);
      expect(calls.count).toBe(tokens.length);
    }
  });

  it('gives what the filter gives, for any text', () => {
    const { cache } = countingCache();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 70 }), (text) => {
        for (const end of [text.length, 1 + (text.length >> 1)]) {
          expect(cache.termOf(text, 0, end)).toBe(
            text.startsWith('x') ? undefined : text.slice(0, Math.min(3, end)),
          );
        }
      }),
    );
  });
});
