import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fittedText, quoted, shortened } from './quoted-text.ts';

const halfCharacter = /\p{Cs}/u;

describe('a text that is quoted', () => {
  it('is on one line, without what steers a terminal or is not seen', () => {
    expect(quoted('a\r\n\tb\u001b[31m c\u202e d\u{e0041}\u{e0042}e\u0000')).toBe('a b [31m c d e');
  });
  it('keeps what joins letters, and characters of two code units', () => {
    expect(quoted('می\u200cخواهم 👩\u200d🍳')).toBe('می\u200cخواهم 👩\u200d🍳');
  });
  it('has no half characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !halfCharacter.test(quoted(text))));
    expect(quoted('a\ud800b')).toBe('a b');
  });
});

describe('a text that is shortened', () => {
  it('stays as it is where it is short enough', () => {
    expect(shortened('yeast', 5)).toBe('yeast');
  });
  it('is never longer than it may, and says that there was more', () => {
    expect(shortened('yeast that is old', 10)).toBe('yeast tha…');
    expect(shortened('yeast that is old', 7)).toBe('yeast…');
    const texts = fc.string({ unit: 'grapheme', minLength: 9 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 8 }), (text, length) => {
        const short = shortened(text, length);
        expect(short.length).toBeLessThanOrEqual(length);
        expect(short.endsWith('…')).toBe(true);
      }),
    );
  });
  it('does not cut a character in two', () => {
    for (const length of [2, 3, 4, 5]) expect(shortened('🍞🍞🍞', length)).not.toMatch(halfCharacter);
  });
});

describe('a text that is fitted', () => {
  it('takes no more than its room as JSON, where much of it is escaped, too', () => {
    expect(fittedText('yeast', 7)).toBe('yeast');
    expect(fittedText('"'.repeat(100), 52)).toMatch(/^"{20,25}…$/);
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.integer({ min: 10, max: 100 }), (text, room) => {
        expect(JSON.stringify(fittedText(text, room)).length).toBeLessThanOrEqual(room);
      }),
    );
  });
});
