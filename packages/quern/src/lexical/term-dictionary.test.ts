import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TermDictionary } from './term-dictionary.ts';

/** A dictionary of these terms, in the byte order of their UTF-8, and that order. */
function dictionaryOf(terms: Iterable<string>): { dictionary: TermDictionary; sorted: string[] } {
  const encoded = Array.from(new Set(terms), (term) => Buffer.from(term)).sort(Buffer.compare);
  const offsets = new Uint32Array(encoded.length + 1);
  encoded.forEach((bytes, i) => (offsets[i + 1] = offsets[i] + bytes.length));
  // Bytes that do not start their buffer, as sections may lie.
  const bytes = new Uint8Array(Buffer.concat([Buffer.from('xyz'), ...encoded])).subarray(3);
  return { dictionary: new TermDictionary(bytes, offsets), sorted: encoded.map((term) => term.toString()) };
}

const term = fc.string({ unit: 'binary', maxLength: 6 });

describe('TermDictionary', () => {
  it('gives each term its place in byte order, and the term back', () => {
    fc.assert(
      fc.property(fc.array(term), fc.array(term), (terms, others) => {
        const { dictionary, sorted } = dictionaryOf(terms);
        expect(dictionary.size).toBe(sorted.length);
        for (const text of [...sorted, ...others, ...sorted]) {
          expect(dictionary.numberOf(text)).toBe(sorted.indexOf(text));
        }
        expect(sorted.map((_, number) => dictionary.term(number))).toEqual(sorted);
      }),
    );
  });

  it('orders characters beyond U+FFFF after U+E000 to U+FFFF, as their bytes are', () => {
    const { dictionary } = dictionaryOf(['\u{1f600}', '\uffff', '\ue000', 'z']);
    expect(['z', '\ue000', '\uffff', '\u{1f600}'].map((text) => dictionary.numberOf(text))).toEqual([
      0, 1, 2, 3,
    ]);
  });

  it('does not take half a surrogate pair for U+FFFD', () => {
    const { dictionary } = dictionaryOf(['a\ufffd']);
    expect(dictionary.numberOf('a\ufffd')).toBe(0);
    expect(dictionary.numberOf('a\ud83d')).toBe(-1);
  });

  it('still knows its terms after more look-ups than it remembers', () => {
    const { dictionary } = dictionaryOf(['a', 'b']);
    for (let i = 0; i < 70_000; i++) dictionary.numberOf(`unknown ${i}`);
    expect([dictionary.numberOf('a'), dictionary.numberOf('b'), dictionary.numberOf('c')]).toEqual([
      0, 1, -1,
    ]);
  });

  it('of no terms knows none', () => {
    const { dictionary } = dictionaryOf([]);
    expect(dictionary.size).toBe(0);
    expect(dictionary.numberOf('')).toBe(-1);
  });
});
