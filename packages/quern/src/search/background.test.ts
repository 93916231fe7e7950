import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someQuery } from '../../test/small-index.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { Background, defaultBackgroundPower } from './background.ts';

const analyzer = analyzerNamed('whitespace');
const someTexts = fc.array(someQuery, { minLength: 1, maxLength: 12 });
const somePower = fc.double({ min: 0, max: 4, noNaN: true });

describe('the background of a reasoner', () => {
  it('counts texts that have a term, not its occurrences', () => {
    const background = Background.of(['step step problem', 'step', 'problem light'], analyzer, 1);
    expect(background.texts).toBe(3);
    expect(background.factor('step')).toBeCloseTo(Math.log(4 / 2.5) / Math.log(8), 12);
    expect(background.factor('light')).toBeCloseTo(Math.log(4 / 1.5) / Math.log(8), 12);
    expect(background.factor('never written')).toBe(1);
  });

  it('lowers a weight the more, the more texts have its term, and never to nothing', () => {
    fc.assert(
      fc.property(someTexts, somePower, (texts, power) => {
        const background = Background.of(texts, analyzer, power);
        const terms = [...new Set(texts.flatMap((text) => analyzer.terms(text)))];
        const countOf = (term: string): number =>
          texts.filter((text) => analyzer.terms(text).includes(term)).length;
        const byCount = terms.toSorted((a, b) => countOf(a) - countOf(b));
        const factors = byCount.map((term) => background.factor(term));
        for (const factor of factors) {
          expect(factor).toBeGreaterThan(0);
          expect(factor).toBeLessThanOrEqual(1);
        }
        expect(factors).toEqual(factors.toSorted((a, b) => b - a));
      }),
    );
  });

  it('multiplies each weight by its factor, and changes nothing with a power of 0', () => {
    const weights = new Map([
      ['step', 3],
      ['light', 2],
    ]);
    const background = Background.of(['step', 'step light'], analyzer);
    expect(background.power).toBe(defaultBackgroundPower);
    expect([...background.applied(weights)]).toEqual([
      ['step', 3 * background.factor('step')],
      ['light', 2 * background.factor('light')],
    ]);
    expect(Background.of(['step', 'step light'], analyzer, 0).applied(weights)).toEqual(weights);
  });

  it('is not learnt from nothing, nor with a power that is none', () => {
    expect(() => Background.of([], analyzer)).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT' }) as Error,
    );
    for (const power of [-1, NaN, Infinity]) {
      expect(() => Background.of(['step'], analyzer, power)).toThrow(
        expect.objectContaining({ code: 'USAGE' }) as Error,
      );
    }
  });
});
