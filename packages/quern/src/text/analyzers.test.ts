import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nastyTexts } from '../../test/oracles/lucene/made-up-texts.mjs';
import { QuernError } from '../errors.ts';
import { analyzerNamed } from './analyzers.ts';

const names = ['english', 'english+english', 'whitespace', 'none', 'whitespace+english', 'none+english+none'];
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.nat().map((seed) => nastyTexts(seed, 4).join(' ')),
);

describe('analyzerNamed', () => {
  it.each(names)('gives %s its name', (name) => {
    expect(analyzerNamed(name).name).toBe(name);
  });

  it.each(names)('%s: spans are in order, inside the text, and have the terms', (name) => {
    const analyzer = analyzerNamed(name);
    fc.assert(
      fc.property(texts, (text) => {
        const spans = analyzer.spans(text);
        expect(spans.map(({ term }) => term)).toEqual(analyzer.terms(text));
        let last = 0;
        for (const { start, end } of spans) {
          expect(start >= last && end > start && end <= text.length).toBe(true);
          last = name.startsWith('none') ? 0 : start;
        }
      }),
    );
  });

  it('runs the second analyzer on the terms of the first, and keeps the places in the text', () => {
    expect(analyzerNamed('english').terms('the noes')).toEqual(['noe']);
    expect(analyzerNamed('english+english').spans('was generalizations nots')).toEqual([
      { term: 'gener', start: 4, end: 19 },
    ]);
    expect(analyzerNamed('whitespace+english').spans('x the-dogs')).toEqual([
      { term: 'x', start: 0, end: 1 },
      { term: 'dog', start: 2, end: 10 },
    ]);
  });

  it('whitespace splits on White_Space and on nothing else', () => {
    const spaces = '\t\n\v\f\r \u0085\u00A0\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000';
    expect(analyzerNamed('whitespace').terms(`${spaces}The${spaces}a's${spaces}`)).toEqual(['The', "a's"]);
    expect(analyzerNamed('whitespace').terms('a\u200Bb\uFEFFc\u180Ed')).toEqual(['a\u200Bb\uFEFFc\u180Ed']);
    const characters = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit));
    const dropped = characters.filter(
      (character) => analyzerNamed('whitespace').terms(character).length === 0,
    );
    expect(dropped).toEqual(characters.filter((character) => /\p{White_Space}/u.test(character)));
  });

  it('none gives the whole text as one term, and no term for an empty text', () => {
    expect(analyzerNamed('none').spans(' The dogs ')).toEqual([{ term: ' The dogs ', start: 0, end: 10 }]);
    expect(analyzerNamed('none').terms('')).toEqual([]);
  });

  it.each(['', 'german', 'english+', '+english', 'English', 'constructor', 'english + english'])(
    'rejects %j and says what there is',
    (name) => {
      expect(() => analyzerNamed(name)).toThrow(QuernError);
      expect(() => analyzerNamed(name)).toThrow(/unknown analyzer.*english, whitespace, none/);
    },
  );
});
