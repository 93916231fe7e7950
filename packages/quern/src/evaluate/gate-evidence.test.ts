import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chanceP, gateEvidence } from './gate-evidence.ts';

const plain = [0.5, 0.5, 0.2, 0.2];
const reasoned = [0.9, 0.3, 0.4, 0.2];

describe('gateEvidence', () => {
  it('puts the gate beside never, always, chance and an oracle', () => {
    const evidence = gateEvidence([true, false, true, true], plain, reasoned);
    expect(evidence.gated).toBeCloseTo((0.9 + 0.5 + 0.4 + 0.2) / 4, 12);
    expect(evidence.never).toBeCloseTo(0.35, 12);
    expect(evidence.always).toBeCloseTo(0.45, 12);
    expect(evidence.oracle).toBeCloseTo(0.5, 12);
    expect(evidence.oracleShare).toBe(0.5);
    expect(evidence.share).toBe(0.75);
    expect(evidence.sameCost).toBeCloseTo(0.35 + 0.75 * 0.1, 12);
    expect(evidence.reasoned).toEqual({ gain: 2, even: 1, lose: 0 });
    expect(evidence.aside).toEqual({ gain: 0, even: 0, lose: 1 });
    expect(evidence.against.sameCost.difference).toBeCloseTo(0.5 - 0.425, 12);
    expect(evidence.against.always.difference).toBeCloseTo(0.05, 12);
    expect(evidence.against.never.difference).toBeCloseTo(0.15, 12);
  });

  it('has an oracle that reasons where a call brings what it must', () => {
    const { oracle, oracleShare } = gateEvidence([true, true, true, true], plain, reasoned, { worth: 0.25 });
    expect(oracle).toBeCloseTo((0.9 + 0.5 + 0.2 + 0.2) / 4, 12);
    expect(oracleShare).toBe(0.25);
  });

  it('gives the difference from chance in the middle of its interval', () => {
    const { difference, interval } = gateEvidence([true, false, true, true], plain, reasoned).against
      .sameCost;
    expect((interval!.low + interval!.high) / 2).toBeCloseTo(difference, 12);
    expect(interval!.high).toBeGreaterThan(difference);
  });

  it('finds no difference from chance in a gate that always or never reasons', () => {
    for (const reasons of [true, false]) {
      const { gated, sameCost, share, against } = gateEvidence(
        plain.map(() => reasons),
        plain,
        reasoned,
      );
      expect(gated).toBeCloseTo(sameCost, 12);
      expect(share).toBe(reasons ? 1 : 0);
      expect(against.sameCost.p).toBe(1);
    }
  });

  it('lies between the worst and the oracle, whatever is decided', () => {
    const value = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), value, value), { minLength: 1, maxLength: 30 }), (all) => {
        const [reasons, without, withIt] = [
          all.map(([is]) => is),
          all.map(([, a]) => a),
          all.map(([, , b]) => b),
        ];
        const { gated, oracle, reasoned: there, aside } = gateEvidence(reasons, without, withIt);
        expect(gated).toBeLessThanOrEqual(oracle + 1e-12);
        expect([there, aside].flatMap(Object.values).reduce((a, b) => a + b, 0)).toBe(all.length);
      }),
      { numRuns: 20 },
    );
  });
});

describe('chanceP', () => {
  it('estimates the share of all draws that differ at least as much', () => {
    // One of ten is drawn, and only one gains: 1 in 10.
    const gains = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(
      chanceP(
        gains.map((gain) => gain > 0),
        gains,
      ),
    ).toBeCloseTo(0.1, 1);
    // All but that one are drawn: the same question.
    expect(
      chanceP(
        gains.map((gain) => gain === 0),
        gains,
      ),
    ).toBeCloseTo(0.1, 1);
    // Every draw differs as much as one that leaves it out, or more.
    expect(chanceP([false, true, ...gains.slice(2).map(() => false)], gains)).toBe(1);
  });

  it('is small where exactly those are chosen that gain, and the same again with the same seed', () => {
    const gains = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 0.1 : -0.1));
    const reasons = gains.map((gain) => gain > 0);
    expect(chanceP(reasons, gains)).toBe(1 / 10_001);
    expect(chanceP(reasons.toSorted(), gains, 5)).toBe(chanceP(reasons.toSorted(), gains, 5));
    expect(chanceP(reasons.toSorted(), gains)).toBeGreaterThan(0.5);
  });

  it('takes nothing for a choice that is the same for all of a fold', () => {
    const bare = [0.1, 0.2, 0.3, 0.4];
    const gained = [0.9, 0.8, 0.1, 0.2];
    const folds = [
      [0, 1],
      [2, 3],
    ];
    const decisions = [true, true, false, false];
    const within = gateEvidence(decisions, bare, gained, { folds }).against.sameCost;
    expect(within).toMatchObject({ p: 1 });
    expect(within.difference).toBeCloseTo(0, 12);
    expect(gateEvidence(decisions, bare, gained).against.sameCost.difference).toBeGreaterThan(0.2);
  });
});
