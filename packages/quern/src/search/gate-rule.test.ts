import { describe, expect, it } from 'vitest';
import {
  foretoldGain,
  heaviestFacts,
  ruleFacts,
  ruleReason,
  ruleReasons,
  ruleText,
  type LinearRule,
  type ThresholdRule,
} from './gate-rule.ts';

const below: ThresholdRule = { kind: 'threshold', fact: 'nqc', reasons: 'below', threshold: 0.21 };
const from: ThresholdRule = { ...below, reasons: 'from' };
const linear: LinearRule = {
  kind: 'linear',
  worth: 0.02,
  intercept: 0.05,
  facts: [
    { fact: 'clarity', mean: 2, deviation: 0.5, weight: 0.01 },
    { fact: 'words', mean: 10, deviation: 5, weight: -0.04 },
  ],
};

describe('a gate’s rule', () => {
  it('reasons below a threshold, or from it on', () => {
    expect([0.2, 0.21, 0.3].map((nqc) => ruleReasons(below, { nqc }))).toEqual([true, false, false]);
    expect([0.2, 0.21, 0.3].map((nqc) => ruleReasons(from, { nqc }))).toEqual([false, true, true]);
  });

  it('reasons where the foretold gain is above what a call must bring', () => {
    expect(foretoldGain(linear, { clarity: 2.5, words: 15 })).toBeCloseTo(0.05 + 0.01 - 0.04, 12);
    expect(ruleReasons(linear, { clarity: 2.5, words: 14 })).toBe(true);
    expect(ruleReasons(linear, { clarity: 2, words: 15 })).toBe(false);
  });

  it('takes each place that a fact has in it', () => {
    const [clarity] = linear.facts;
    const twice = { ...linear, facts: [clarity, { ...clarity, weight: 0.03 }] };
    expect(foretoldGain(twice, { clarity: 2.5 })).toBeCloseTo(0.05 + 0.01 + 0.03, 12);
  });

  it('takes values that are far out for no more than three deviations', () => {
    const at = [25, 250, 1e9].map((words) => foretoldGain(linear, { clarity: 2, words }));
    expect(at).toEqual([at[0], at[0], at[0]]);
  });

  it('says what it looks at, the cheapest first, and what has most say', () => {
    expect(ruleFacts({ kind: 'always' })).toEqual([]);
    expect(ruleFacts(below)).toEqual(['nqc']);
    expect(ruleFacts(linear)).toEqual(['words', 'clarity']);
    expect(heaviestFacts(linear)).toEqual(['words', 'clarity']);
    expect(heaviestFacts(from)).toEqual(['nqc']);
  });

  it('reads as a sentence, and so do its reasons', () => {
    expect(
      [{ kind: 'always' } as const, { kind: 'never' } as const, below, from, linear].map(ruleText),
    ).toEqual([
      'always reason',
      'never reason',
      'reason where nqc < 0.21',
      'reason where nqc ≥ 0.21',
      'reason where 2 facts (most of all low words, high clarity) foretell a gain above 0.02',
    ]);
    expect(ruleReason(below, { nqc: 0.18312 })).toBe('nqc is 0.1831, below 0.21');
    expect(ruleReason(from, { nqc: 0.3 })).toBe('nqc is 0.3, not below 0.21');
    expect(ruleReason(linear, { clarity: 2, words: 10 })).toBe('the foretold gain is 0.05, above 0.02');
    expect(ruleReason({ kind: 'always' }, {})).toMatch(/gained, on average/);
    expect(ruleReason({ kind: 'never' }, {})).toMatch(/not worth it/);
  });
});
