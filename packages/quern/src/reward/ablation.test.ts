import { expect, it } from 'vitest';
import { ablation } from './ablation.ts';

const groups = ['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c'];
const gains = [0, 0.5, 1, 0.25, 0, 0, 0.5, 0.5];
const results = (rewards: number[]) => rewards.map((reward) => ({ reward, parts: {} }));

it('tells what correlates within groups from what does so overall', () => {
  // Within groups as the gains, and turned round overall by what each group begins at.
  const same = ablation({
    groups,
    gains,
    rewards: [{ reward: 'r', results: results([-20, -19, -18, 11, 10, 10, 0, 1]) }],
  });
  const [{ within, overall, best, picked }] = same.rewards;
  expect([within.kendall.value, within.spearman.value, best]).toEqual([1, 1, 1]);
  expect(overall.kendall.value).toBeLessThan(0.1);
  expect(picked).toBeCloseTo((1 + 0.25 + 0.5) / 3, 12);
  expect(within.kendall.interval).toEqual({ low: 1, high: 1 });
  expect(same).toMatchObject({ completions: 8, groups: 3, differingGroups: 2, bestByChance: 1 / 3 });
  expect(same.gain.best).toBeCloseTo(1.75 / 3, 12);
});

it('takes a reward that is all the same for one that says nothing', () => {
  const { rewards } = ablation({
    groups,
    gains,
    rewards: [{ reward: 'r', results: results(gains.map(() => 1)) }],
  });
  expect(rewards[0]).toMatchObject({
    within: { kendall: { value: 0 } },
    overall: { kendall: { value: null, interval: null } },
    best: 1 / 3,
  });
  expect(rewards[0].picked).toBeCloseTo((0.5 + 0.25 / 3 + 0.5) / 3, 12);
});

it('counts failures by their reasons', () => {
  const failed = gains.map((_, i) => ({ reward: -1, parts: {}, failure: i < 5 ? 'empty' : 'no words' }));
  const { rewards } = ablation({ groups, gains, rewards: [{ reward: 'r', results: failed }] });
  expect(rewards[0]).toMatchObject({ mean: -1, failures: { empty: 5, 'no words': 3 } });
});

it('says the same again, and has no value within groups that do not differ', () => {
  const input = { groups, gains: gains.map(() => 0), rewards: [{ reward: 'r', results: results(gains) }] };
  expect(ablation(input)).toEqual(ablation(input));
  expect(ablation(input).rewards[0].within.kendall).toEqual({ value: null, interval: null });
});
