import { describe, expect, it } from 'vitest';
import { gateTopic } from '../../test/gate-topics.ts';
import { randomNumbers } from '../../test/random-numbers.ts';
import { tuned } from './tuning.ts';

const random = randomNumbers(11);
/** Reasoning gains by 0.2 where nqc is below a half, and joined by twice that; elsewhere it loses. */
const topics = Array.from({ length: 50 }, (_, i) => gateTopic(`t${i}`, { nqc: random.uniform() }, 0.4));
const gains = topics.map(({ facts }) => (facts.nqc < 0.5 ? 0.2 : -0.1));
const candidates = [
  { name: 'replace', values: gains.map((gain) => 0.4 + gain) },
  { name: 'concat:1', values: gains.map((gain) => 0.4 + 2 * Math.max(gain, -0.05)) },
  { name: 'rrf', values: gains.map(() => 0.3) },
];

describe('tuned', () => {
  it('chooses the combination that is best, and says how sure that is', () => {
    const { combination } = tuned({ topics, candidates });
    expect(combination.chosen).toBe('concat:1');
    expect(combination.candidates.map(({ timesChosen }) => timesChosen)).toEqual([0, 5, 0]);
    expect(combination.outOfFold.mean).toBeCloseTo(combination.candidates[1].mean, 12);
    expect(combination.plain.mean).toBeCloseTo(0.4, 12);
    const { first, plain } = combination.against;
    expect(first.difference).toBeCloseTo(combination.candidates[1].mean - combination.candidates[0].mean, 12);
    expect(plain.difference).toBeCloseTo(combination.outOfFold.mean - 0.4, 12);
    const raw = [first, plain].map(({ randomisation }) => randomisation.p);
    expect(Math.max(first.adjustedP, plain.adjustedP)).toBeGreaterThanOrEqual(Math.max(...raw));
    expect(combination.repeated.timesChosen).toEqual([0, 50, 0]);
  });

  it('calibrates the gate for that combination', () => {
    const { gate } = tuned({ topics, candidates });
    expect(gate.rule).toMatchObject({ kind: 'threshold', fact: 'nqc', reasons: 'below' });
    expect(gate.evidence.always).toBeCloseTo(candidates[1].values.reduce((a, b) => a + b, 0) / 50, 12);
    expect(gate.evidence.gated).toBeGreaterThan(gate.evidence.always);
    expect(gate.evidence.against.sameCost.p).toBeLessThan(0.01);
  });

  it('is the same twice, and deals by its seed', () => {
    expect(tuned({ topics, candidates })).toEqual(tuned({ topics, candidates }));
    const other = tuned({ topics, candidates }, { seed: 2, folds: 3 });
    expect(other.combination.crossValidation.folds).toHaveLength(3);
  });

  it('refuses fewer than ten topics', () => {
    const few = candidates.map(({ name, values }) => ({ name, values: values.slice(0, 9) }));
    expect(() => tuned({ topics: topics.slice(0, 9), candidates: few })).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT' }),
    );
  });
});
