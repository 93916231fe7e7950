import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clarity,
  normalizedQueryCommitment,
  preRetrieval,
  scoreCoverage,
  scoreGap,
  scoreLead,
  scoreMagnitudeAndVariance,
  scoreOfCorpus,
  weightedInformationGain,
} from './performance-predictors.ts';

const parameters = { k1: 0.9, b: 0.4 };
const statistics = { documentsWithTerms: 9, averageLength: 4 };
const frequencies = new Map([
  ['oak', 1],
  ['elm', 4],
]);

function frequencyOf(term: string): number {
  return frequencies.get(term) ?? 0;
}

/** Scores of a ranking, best first. */
const rankings = fc
  .array(fc.double({ min: 0.01, max: 50, noNaN: true }), { minLength: 1, maxLength: 100 })
  .map((scores) => scores.toSorted((a, b) => b - a));

describe('predictors of scores', () => {
  it('are what their formulas say', () => {
    expect(normalizedQueryCommitment([5, 3, 1], 2)).toBeCloseTo(Math.sqrt(8 / 3) / 2, 12);
    expect(scoreMagnitudeAndVariance([4, 2], 2)).toBeCloseTo(
      (4 * Math.log(4 / 3) + 2 * Math.log(3 / 2)) / 4,
      12,
    );
    expect(weightedInformationGain([5, 3], 1, 4)).toBe(1.5);
    expect(scoreGap([4, 3, 1])).toBe(0.25);
    expect(scoreLead([4, 3, 2])).toBe(0.25);
    const bound = Math.log(10 / 1.5) + 2 * Math.log(10 / 4.5);
    const weights = new Map([
      ['oak', 1],
      ['elm', 2],
      ['yew', 3],
    ]);
    expect(scoreCoverage([1.5], weights, frequencyOf, statistics)).toBeCloseTo(1.5 / bound, 12);
    const norm = 0.9 * (0.6 + 0.4 * 9);
    expect(scoreOfCorpus(weights, frequencyOf, statistics, parameters)).toBeCloseTo(
      Math.log(10 / 1.5) / (1 + norm) + (2 * Math.log(10 / 4.5) * 4) / (4 + norm),
      12,
    );
  });

  it('do not change, those that are ratios, when all scores grow in proportion', () => {
    fc.assert(
      fc.property(rankings, fc.double({ min: 0.1, max: 10, noNaN: true }), (scores, factor) => {
        const grown = scores.map((score) => score * factor);
        expect(normalizedQueryCommitment(grown, 3 * factor)).toBeCloseTo(
          normalizedQueryCommitment(scores, 3),
          9,
        );
        expect(scoreMagnitudeAndVariance(grown, 3 * factor)).toBeCloseTo(
          scoreMagnitudeAndVariance(scores, 3),
          9,
        );
        expect(scoreGap(grown)).toBeCloseTo(scoreGap(scores), 9);
        expect(scoreLead(grown)).toBeCloseTo(scoreLead(scores), 9);
      }),
    );
  });

  it('are 0 for scores that are all alike, and where there is nothing to compute from', () => {
    expect(normalizedQueryCommitment([2, 2, 2], 1)).toBe(0);
    expect(scoreMagnitudeAndVariance([2, 2, 2], 1)).toBe(0);
    expect([scoreGap([2, 2]), scoreLead([2, 2])]).toEqual([0, 0]);
    const nothing = [
      normalizedQueryCommitment([], 1),
      normalizedQueryCommitment([1, 2], 0),
      scoreMagnitudeAndVariance([], 1),
      weightedInformationGain([], 1, 2),
      weightedInformationGain([1], 1, 0),
      scoreGap([]),
      scoreLead([]),
      scoreCoverage([], new Map(), frequencyOf, statistics),
      scoreOfCorpus(new Map([['yew', 1]]), frequencyOf, statistics, parameters),
      clarity([], frequencyOf, 5),
    ];
    expect(nothing).toEqual(nothing.map(() => 0));
  });

  it('gives a single document the whole gap', () => {
    expect(scoreGap([3])).toBe(1);
  });
});

describe('clarity', () => {
  it('is 0 for a ranking whose language is the corpus’s', () => {
    const vector = new Map([
      ['oak', 1],
      ['elm', 4],
    ]);
    expect(clarity([{ score: 1, vector }], frequencyOf, 5)).toBeCloseTo(0, 12);
  });

  it('is positive for any other, and greater the rarer the ranking’s words', () => {
    const [oak, elm] = ['oak', 'elm'].map((term) =>
      clarity([{ score: 2, vector: new Map([[term, 3]]) }], frequencyOf, 5),
    );
    expect(oak).toBeGreaterThan(elm);
    expect(elm).toBeGreaterThan(0);
  });

  it('does not depend on the unit of the scores', () => {
    const [small, large] = [1, 7].map((unit) =>
      clarity(
        [
          { score: 2 * unit, vector: new Map([['oak', 3]]) },
          { score: unit, vector: new Map([['elm', 1]]) },
        ],
        frequencyOf,
        5,
      ),
    );
    expect(large).toBeCloseTo(small, 12);
  });
});

describe('preRetrieval', () => {
  it('looks at the distinct terms that the index knows', () => {
    const oak = Math.log(10 / 1.5);
    const elm = Math.log(10 / 4.5);
    const found = preRetrieval(['oak', 'elm', 'oak', 'yew'], frequencyOf, statistics);
    expect(found.averageIdf).toBeCloseTo((oak + elm) / 2, 12);
    expect(found.maxIdf).toBeCloseTo(oak, 12);
    expect(found.averageScq).toBeCloseTo((Math.log(10) + (1 + Math.log(4)) * Math.log(1 + 9 / 4)) / 2, 12);
    expect(found.maxScq).toBeCloseTo((1 + Math.log(4)) * Math.log(1 + 9 / 4), 12);
    expect(found.knownTerms).toBeCloseTo(2 / 3, 12);
  });

  it('is 0 throughout for no terms, and for none that is known', () => {
    for (const terms of [[], ['yew']]) {
      expect(Object.values(preRetrieval(terms, frequencyOf, statistics)).every((each) => each === 0)).toBe(
        true,
      );
    }
  });
});
