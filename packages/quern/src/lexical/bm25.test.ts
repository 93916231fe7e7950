import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkParameters,
  defaultBm25Parameters,
  inverseDocumentFrequency,
  lengthNorm,
  queryWeights,
  saturation,
  type Scoring,
} from './bm25.ts';

const statistics = { documentsWithTerms: 10, averageLength: 20 };
const frequencyIn = (frequencies: Record<string, number>) => (term: string) =>
  Object.hasOwn(frequencies, term) ? frequencies[term] : 0;

describe('the formulas', () => {
  it('give what a hand gives: ln(11/3.5), 0.9 · (0.6 + 0.4 · 40/20), 2/(2 + 1.26)', () => {
    expect(inverseDocumentFrequency(10, 3)).toBeCloseTo(1.1451323, 7);
    expect(lengthNorm(40, 20, defaultBm25Parameters)).toBeCloseTo(1.26, 12);
    expect(saturation(2, 1.26)).toBeCloseTo(0.6134969, 7);
  });

  it("have Lucene's inverse document frequency, which is positive even for a term of every document", () => {
    const corpora = fc
      .nat(1e9)
      .chain((n) => fc.tuple(fc.constant(n + 1), fc.integer({ min: 1, max: n + 1 })));
    fc.assert(
      fc.property(corpora, ([n, df]) => {
        const lucene = Math.log(1 + (n - df + 0.5) / (df + 0.5));
        const ours = inverseDocumentFrequency(n, df);
        expect(ours).toBeGreaterThan(0);
        expect(Math.abs(ours - lucene)).toBeLessThanOrEqual(1e-12 + 1e-9 * lucene);
      }),
    );
  });

  it('do not look at the length when b is 0, nor at the frequency when k1 is 0', () => {
    expect(lengthNorm(1, 20, { k1: 0.9, b: 0 })).toBe(lengthNorm(1000, 20, { k1: 0.9, b: 0 }));
    expect(saturation(7, lengthNorm(40, 20, { k1: 0, b: 0.4 }))).toBe(1);
  });
});

describe('checkParameters', () => {
  it('allows k1 ≥ 0 and 0 ≤ b ≤ 1', () => {
    for (const parameters of [defaultBm25Parameters, { k1: 0, b: 0 }, { k1: 100, b: 1 }]) {
      expect(() => checkParameters(parameters)).not.toThrow();
    }
  });

  it.each([
    [{ k1: -0.1, b: 0.4 }, /k1/],
    [{ k1: Number.NaN, b: 0.4 }, /k1/],
    [{ k1: Infinity, b: 0.4 }, /k1/],
    [{ k1: 0.9, b: -0.1 }, /\bb\b/],
    [{ k1: 0.9, b: 1.1 }, /\bb\b/],
    [{ k1: 0.9, b: Number.NaN }, /\bb\b/],
  ])('refuses %o', (parameters, message) => {
    expect(() => checkParameters(parameters)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }),
    );
  });
});

describe('queryWeights', () => {
  const known = frequencyIn({ gas: 3, jet: 10 });

  it('are the frequencies of the terms that the index has, under bm25', () => {
    const weights = queryWeights(
      ['jet', 'gas', 'no', 'jet'],
      known,
      statistics,
      'bm25',
      defaultBm25Parameters,
    );
    expect([...weights]).toEqual([
      ['jet', 2],
      ['gas', 1],
    ]);
  });

  it('are idf times saturation under bm25q, where only terms of the index count in the length', () => {
    // |q| = 3: the norm is 0.9 · (0.6 + 0.4 · 3/20) = 0.594.
    const terms = ['jet', 'gas', 'constructor', 'jet', 'toString'];
    const weights = queryWeights(terms, known, statistics, 'bm25q', defaultBm25Parameters);
    expect([...weights.keys()]).toEqual(['jet', 'gas']);
    expect(weights.get('jet')).toBeCloseTo((Math.log(11 / 10.5) * 2) / 2.594, 12);
    expect(weights.get('gas')).toBeCloseTo(Math.log(11 / 3.5) / 1.594, 12);
  });

  it('of a query that shares no term with the index are none', () => {
    for (const scoring of ['bm25', 'bm25q'] as Scoring[]) {
      expect(queryWeights(['no'], known, statistics, scoring, defaultBm25Parameters).size).toBe(0);
      expect(queryWeights([], known, statistics, scoring, defaultBm25Parameters).size).toBe(0);
    }
  });

  it('equal a naive recomputation, and do not depend on the order of the terms', () => {
    const frequencies = fc.dictionary(fc.constantFrom(...'abcdefgh'), fc.integer({ min: 0, max: 10 }));
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'abcdefghijk'), { maxLength: 60 }),
        frequencies,
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (terms, frequency, k1, b) => {
          const df = frequencyIn(frequency);
          const weights = queryWeights(terms, df, statistics, 'bm25q', { k1, b });
          const inIndex = terms.filter((term) => df(term) > 0);
          const naive = new Map(
            inIndex.map((term) => {
              const tf = terms.filter((other) => other === term).length;
              const idf = Math.log((10 + 1) / (df(term) + 0.5));
              return [term, idf * (tf / (tf + k1 * (1 - b + (b * inIndex.length) / 20)))];
            }),
          );
          expect(weights).toEqual(naive);
          expect(queryWeights(terms.toReversed(), df, statistics, 'bm25q', { k1, b })).toEqual(naive);
        },
      ),
    );
  });
});
