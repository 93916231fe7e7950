import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateTopic } from '../../test/gate-topics.ts';
import { ruleReasons, type GateRule, type LinearRule } from '../search/gate-rule.ts';
import { bestConstant, bestLinear, bestThreshold, type GateTopic } from './gate-fitting.ts';

/** Topics with a few facts; gains are eighths, so that sums are exact. */
const someTopics: fc.Arbitrary<GateTopic[]> = fc
  .array(
    fc.record({
      nqc: fc.integer({ min: 0, max: 6 }),
      words: fc.integer({ min: 0, max: 6 }),
      gain: fc.integer({ min: -8, max: 8 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((all) =>
    all.map(({ nqc, words, gain }, i) => ({ ...gateTopic(`t${i}`, { nqc, words }), gain: gain / 8 })),
  );

function totalWorth(rule: GateRule, topics: readonly GateTopic[], worth: number): number {
  return topics.reduce((sum, { facts, gain }) => sum + (ruleReasons(rule, facts) ? gain - worth : 0), 0);
}

describe('bestConstant', () => {
  it('reasons always where the mean gain is above what a call must bring, else never', () => {
    const topics = [0.25, 0.5].map((gain, i) => ({ ...gateTopic(`t${i}`), gain }));
    expect(bestConstant(topics, 0.25)).toEqual({ kind: 'always' });
    expect(bestConstant(topics, 0.375)).toEqual({ kind: 'never' });
    expect(bestConstant([], 0)).toEqual({ kind: 'never' });
  });
});

describe('bestThreshold', () => {
  const split = Array.from({ length: 20 }, (_, i) => ({
    ...gateTopic(`t${i}`, { nqc: i / 100, words: i % 3 }),
    gain: i < 8 ? 0.2 : -0.1,
  }));

  it('finds the side on which reasoning gains, at a round number between the neighbours', () => {
    expect(bestThreshold(split, 0)).toEqual({
      kind: 'threshold',
      fact: 'nqc',
      reasons: 'below',
      threshold: 0.08,
    });
    const turned = split.map((topic) => ({ ...topic, gain: -topic.gain }));
    expect(bestThreshold(turned, 0)).toMatchObject({ fact: 'nqc', reasons: 'from', threshold: 0.08 });
  });

  it('stays with always or never where a threshold is no better', () => {
    const alike = split.map((topic) => ({ ...topic, gain: 0.1 }));
    expect(bestThreshold(alike, 0)).toEqual({ kind: 'always' });
    expect(bestThreshold(alike, 0.1)).toEqual({ kind: 'never' });
    expect(bestThreshold(split, 0.5)).toEqual({ kind: 'never' });
  });

  it('leaves at least a tenth of the topics on either side', () => {
    const one = split.map((topic, i) => ({ ...topic, gain: i === 0 ? 0.5 : -0.5 }));
    expect(bestThreshold(one, 0)).toEqual({ kind: 'never' });
  });

  it('is the best of all thresholds that leave a tenth on either side', () => {
    fc.assert(
      fc.property(someTopics, fc.constantFrom(0, 0.125, 0.5), (topics, worth) => {
        const least = Math.max(1, Math.ceil(0.1 * topics.length));
        const rules: GateRule[] = [{ kind: 'never' }, { kind: 'always' }];
        for (const fact of ['nqc', 'words'] as const) {
          for (let threshold = 0.5; threshold < 6; threshold++) {
            const below = topics.filter(({ facts }) => facts[fact] < threshold).length;
            if (below < least || topics.length - below < least) continue;
            rules.push({ kind: 'threshold', fact, threshold, reasons: 'below' });
            rules.push({ kind: 'threshold', fact, threshold, reasons: 'from' });
          }
        }
        const best = Math.max(...rules.map((rule) => totalWorth(rule, topics, worth)));
        expect(totalWorth(bestThreshold(topics, worth), topics, worth)).toBeCloseTo(best, 9);
      }),
    );
  });
});

describe('bestLinear', () => {
  it('solves the normal equations of ridge regression', () => {
    fc.assert(
      fc.property(someTopics, (topics) => {
        const rule = bestLinear(topics, 0);
        const facts = rule.kind === 'linear' ? rule.facts : [];
        const columns = facts.map(({ fact, mean, deviation }) => {
          const values = topics.map((topic) =>
            Math.max(-3, Math.min(3, (topic.facts[fact] - mean) / deviation)),
          );
          const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
          return values.map((value) => value - middle);
        });
        const meanGain = topics.reduce((sum, { gain }) => sum + gain, 0) / topics.length;
        const rests = topics.map(({ gain }, i) =>
          facts.reduce((rest, { weight }, j) => rest - weight * columns[j][i], gain - meanGain),
        );
        // The gradient of the penalised squares is 0 in every weight.
        for (const [j, { weight }] of facts.entries()) {
          const slope = columns[j].reduce((sum, value, i) => sum + value * rests[i], 0) / topics.length;
          expect(slope).toBeCloseTo(0.3 * weight, 9);
        }
      }),
    );
  });

  it('foretells the mean gain for topics of mean facts, and weighs what goes with the gain', () => {
    const topics = Array.from({ length: 40 }, (_, i) => ({
      ...gateTopic(`t${i}`, { nqc: i, words: (i * 7) % 5 }),
      gain: (19.5 - i) / 40,
    }));
    const rule = bestLinear(topics, 0) as LinearRule;
    expect(rule.intercept).toBeCloseTo(0, 9);
    expect(rule.facts.find(({ fact }) => fact === 'nqc')!.weight).toBeLessThan(-0.1);
    expect(Math.abs(rule.facts.find(({ fact }) => fact === 'words')!.weight)).toBeLessThan(0.02);
  });

  it('is always or never where no fact varies', () => {
    const topics = [0.1, 0.2].map((gain, i) => ({ ...gateTopic(`t${i}`), gain }));
    expect(bestLinear(topics, 0)).toEqual({ kind: 'always' });
  });
});
