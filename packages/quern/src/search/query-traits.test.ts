import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIdentifier, queryTraits } from './query-traits.ts';

function asks(text: string): number {
  return queryTraits(text).asks;
}

describe('queryTraits', () => {
  it('counts words and characters', () => {
    expect(queryTraits('  why does bread – at times – not rise? ')).toMatchObject({
      words: 7,
      characters: 37,
    });
    expect(queryTraits('naïve 🍞')).toMatchObject({ words: 1, characters: 7 });
  });

  it('takes capitals within a sentence for names, but neither its first word nor I', () => {
    expect(queryTraits('Who was Marie Curie? Did I miss that She met Pierre').names).toBe(4 / 11);
    expect(queryTraits('Bread. Rises, I think; I’m sure').names).toBe(0);
    expect(queryTraits('was “Guernica” painted in Paris').names).toBe(2 / 5);
  });

  it('counts quotations of any style', () => {
    expect(queryTraits('say "one two", “three”, «four», `five()` and it’s not "').quotations).toBe(4);
  });

  it('counts formulas', () => {
    expect(queryTraits('show that $x^2 \\ge 0$ and \\frac{a}{b} for $5').formulas).toBe(2);
  });

  it('knows a question by how its sentences begin', () => {
    expect(['Why bread?', 'I baked. How long', 'can it rise', '“What is it?”'].map(asks)).toEqual([
      1, 1, 1, 1,
    ]);
    expect(['bread rising', 'whatever it takes', 'tell me why', ''].map(asks)).toEqual([0, 0, 0, 0]);
  });

  it('gives the shares of letters outside of ASCII and of the Latin script', () => {
    expect(queryTraits('über 12')).toMatchObject({ nonAscii: 1 / 4, nonLatin: 0, numbers: 1 / 2 });
    expect(queryTraits('хлеб ab')).toMatchObject({ nonAscii: 4 / 6, nonLatin: 4 / 6 });
  });

  it('is 0 throughout for a text without words', () => {
    expect(Object.values(queryTraits(' \n\t')).every((value) => value === 0)).toBe(true);
  });

  it('gives finite numbers, and shares between 0 and 1, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const { words, characters, quotations, formulas, ...shares } = queryTraits(text);
        expect(Math.min(words, characters, quotations, formulas)).toBeGreaterThanOrEqual(0);
        for (const share of Object.values(shares)) {
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('isIdentifier', () => {
  it.each(
    'useState parseHTML snake_case MAX_LENGTH src/lib/x.ts https://example.org /etc/hosts ./run f(x) os.path std::vector p->next E1234 ORA-00942 0x80070057 v20.19.1 H2O ‘useState’,'.split(
      ' ',
    ),
  )('takes %s for one', (word) => {
    expect(isIdentifier(word)).toBe(true);
  });

  it.each(
    'bread Bread NASA e.g. U.S. Ph.D. 1st 1990s 42 3.14 and/or well-known it’s (sic) end. naïve хлеб'.split(
      ' ',
    ),
  )('does not take %s for one', (word) => {
    expect(isIdentifier(word)).toBe(false);
  });
});
