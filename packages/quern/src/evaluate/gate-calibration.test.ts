import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateTopic } from '../../test/gate-topics.ts';
import { randomNumbers } from '../../test/random-numbers.ts';
import { foldsOf } from './cross-validation.ts';
import type { GateTopic } from './gate-fitting.ts';
import { gateCalibration, calibratedRule, type PlainTopic } from './gate-calibration.ts';

/** Sixty topics on which reasoning gains where nqc is below 0.3, and loses elsewhere; words say nothing. */
const random = randomNumbers(5);
const topics = Array.from({ length: 60 }, (_, i) =>
  gateTopic(`t${i}`, { nqc: random.uniform(), words: Math.floor(20 * random.uniform()) }),
);
const reasoned = topics.map(({ facts, plain }) => plain + (facts.nqc < 0.3 ? 0.3 : -0.2));

/** A hundred topics that gain a little more the higher nqc is. */
function gained(base: number): GateTopic[] {
  return Array.from({ length: 100 }, (_, i) => {
    const nqc = ((i * 37) % 100) / 100;
    return { ...gateTopic(`t${i}`, { nqc }), gain: base + 0.01 * nqc };
  });
}

describe('calibratedRule', () => {
  it('finds a threshold where there is one', () => {
    const rule = calibratedRule(topics.map((topic, i) => ({ ...topic, gain: reasoned[i] - topic.plain })));
    expect(rule).toMatchObject({ kind: 'threshold', fact: 'nqc', reasons: 'below' });
  });

  it('finds that facts together tell what none tells alone', () => {
    const many = Array.from({ length: 200 }, (_, i) => {
      const facts = {
        nqc: random.normal(),
        wig: random.normal(),
        gap: random.normal(),
        lead: random.normal(),
      };
      const gain = 0.1 * (facts.nqc + facts.wig - facts.gap - facts.lead);
      return { ...gateTopic(`t${i}`, facts), gain };
    });
    expect(calibratedRule(many).kind).toBe('linear');
  });

  it('finds always or never where a model of the gains says the same for all', () => {
    expect(calibratedRule(gained(0.5))).toEqual({ kind: 'always' });
    expect(calibratedRule(gained(-0.5))).toEqual({ kind: 'never' });
  });

  it('learns nothing from gains that are all alike, and nothing of a few topics', () => {
    const alike = topics.map((topic) => ({ ...topic, gain: 0.1 }));
    expect(calibratedRule(alike)).toEqual({ kind: 'always' });
    expect(calibratedRule(alike, { worth: 0.1 })).toEqual({ kind: 'never' });
    const few = topics.slice(0, 9).map((topic, i) => ({ ...topic, gain: reasoned[i] - topic.plain }));
    expect(calibratedRule(few).kind).toMatch(/^(always|never)$/);
  });
});

describe('gateCalibration', () => {
  it('beats chance on topics that it was not calibrated on, where there is something to know', () => {
    const { evidence, rule, rules } = gateCalibration(topics, reasoned);
    expect(evidence.gated).toBeGreaterThan(evidence.always);
    expect(evidence.against.sameCost.p).toBeLessThan(0.001);
    expect(rules).toHaveLength(5);
    expect(rule).toMatchObject({ fact: 'nqc' });
  });

  it('decides on no topic with its own gain in mind', () => {
    fc.assert(
      fc.property(fc.nat(59), fc.double({ min: -1, max: 1, noNaN: true }), (topic, value) => {
        const changed = reasoned.with(topic, value);
        const before = gateCalibration(topics, reasoned);
        const after = gateCalibration(topics, changed);
        expect(after.decisions[topic]).toBe(before.decisions[topic]);
      }),
      { numRuns: 8 },
    );
  });

  it('does not depend on the order of the topics', () => {
    const order = topics.map((_, i) => (i * 7) % topics.length);
    const given = gateCalibration(topics, reasoned);
    const other = gateCalibration(
      order.map((i): PlainTopic => topics[i]),
      order.map((i) => reasoned[i]),
    );
    expect(other.rule).toEqual(given.rule);
    expect(other.rules).toEqual(given.rules);
    expect(other.decisions).toEqual(order.map((i) => given.decisions[i]));
  });

  it('trains and tests within a fold on the values that count there', () => {
    const folds = foldsOf(topics.map(({ id }) => id));
    const worse = topics.map(({ plain }) => plain - 0.1);
    const { decisions, evidence } = gateCalibration(topics, reasoned, {}, (fold) =>
      fold === 0 ? worse : reasoned,
    );
    expect(folds[0].some((topic) => decisions[topic])).toBe(false);
    expect(decisions.some((is) => is)).toBe(true);
    const held = topics.map((_, i) => (folds[0].includes(i) ? worse[i] : reasoned[i]));
    expect(evidence.always).toBeCloseTo(held.reduce((sum, value) => sum + value, 0) / 60, 12);
  });
});
