import { expect, it } from 'vitest';
import { analyzerNamed } from '../text/analyzers.ts';
import { Background } from './background.ts';
import { combineNamed } from './combine.ts';
import { defaultEarlyStop } from './early-stop.ts';
import { planName } from './plan-name.ts';
import type { ReasoningPlan } from './reasoning-plan.ts';

function named(plan: Partial<ReasoningPlan>): string {
  return planName({ combine: combineNamed('replace'), ...plan }).join(' ');
}

it('a plan of asking once and searching the text has no name', () => {
  expect(named({})).toBe('');
  expect(named({ join: 'concat', keyTerms: 0, rounds: { count: 1, keep: 'last' } })).toBe('');
});

it('a plan is named by what differs from that, each by its option', () => {
  const background = Background.of(['a'], analyzerNamed('whitespace'), 0.7);
  expect(
    named({
      combine: combineNamed('concat:2'),
      join: 'rrf',
      keyTerms: 0.2,
      background,
      earlyStop: { ...defaultEarlyStop, every: 40 },
      rounds: { count: 3 },
      gate: { decide: async () => ({ reasons: true, why: 'always', facts: {} }) },
    }),
  ).toBe(
    'concat:2 join:rrf key-terms:0.2 background:0.7 early-stop:every=40,depth=10,overlap=0.8,checks=3 rounds:3 gate',
  );
});

it('rounds that keep the last, or end after other tokens, have another name than those that do not', () => {
  expect(named({ rounds: { count: 2, keep: 'all', tokens: 8000 } })).toBe('rounds:2');
  expect(named({ rounds: { count: 2, keep: 'last', tokens: 500 } })).toBe(
    'rounds:2 rounds-keep:last rounds-tokens:500',
  );
});
