import { expect, it } from 'vitest';
import { joinedReasoned } from './joined-reasoned.ts';
import type { ReasonedQuery } from './reasoner.ts';
import { reasoningTotals } from './reasoning-totals.ts';

const one: ReasonedQuery = {
  query: 'q',
  text: 't',
  reasoner: 'r',
  finish: 'stop',
  promptTokens: 10,
  completionTokens: 20,
  milliseconds: 5,
  cached: false,
};

it('sums what was spent now, and counts what failed, was cut, ended early, skipped by a gate or recorded', () => {
  const some = [
    { ...one, cost: { amount: 0.25, currency: 'USD' } },
    { ...one, finish: 'length' as const, cost: { amount: 0.5, currency: 'USD' } },
    { ...one, cached: true, cost: { amount: 0, currency: 'USD' } },
    { ...one, finish: 'failed' as const, promptTokens: 0, completionTokens: 0 },
    { ...one, finish: 'early' as const, cost: { amount: 1, currency: 'EUR' } },
    { ...one, finish: 'skipped' as const, skipped: 'nqc is 0.3', promptTokens: 0, completionTokens: 0 },
    { ...one, finish: 'skipped' as const, promptTokens: 0, completionTokens: 0 },
  ];
  expect(reasoningTotals(some)).toEqual({
    failed: 1,
    cached: 1,
    cut: 1,
    early: 1,
    skipped: 1,
    uncounted: 0,
    promptTokens: 30,
    completionTokens: 60,
    cost: [
      { amount: 0.75, currency: 'USD' },
      { amount: 1, currency: 'EUR' },
    ],
  });
  expect(reasoningTotals([])).toMatchObject({ failed: 0, cost: [] });
});

it('takes the tokens of several reasoners one by one, as some can be recorded', () => {
  const parts = [one, { ...one, cached: true }, { ...one, promptTokens: 1, completionTokens: 2 }];
  const joined = joinedReasoned('q', 'join:all', parts);
  expect(reasoningTotals([joined])).toMatchObject({ cached: 0, promptTokens: 11, completionTokens: 22 });
});

it('sums what several reasoners cost in each currency', () => {
  const parts = ['USD', 'EUR'].map((currency) => ({ ...one, cost: { amount: 0.5, currency } }));
  const { cost } = reasoningTotals([joinedReasoned('q', 'join:all', parts)]);
  expect(cost).toHaveLength(2);
});

it('takes the tokens of rounds one by one where it is told of them, as some can be recorded', () => {
  const rounds = [{ ...one, cached: true }, one];
  const { parts: _, ...joined } = joinedReasoned('q', 'r', rounds);
  expect(reasoningTotals([joined], rounds)).toMatchObject({ promptTokens: 10, completionTokens: 20 });
});

it('takes what several reasoners cost in each currency', () => {
  const costs = ['USD', 'EUR', 'USD'].map((currency) => ({ amount: 0.5, currency }));
  const joined = joinedReasoned(
    'q',
    'join:all',
    costs.map((cost) => ({ ...one, cost })),
  );
  expect(reasoningTotals([joined]).cost).toEqual([
    { amount: 1, currency: 'USD' },
    { amount: 0.5, currency: 'EUR' },
  ]);
});
