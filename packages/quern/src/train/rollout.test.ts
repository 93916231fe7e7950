import { expect, it } from 'vitest';
import type { RewardItem, RewardResult } from '../reward/reward.ts';
import { groupOf, overlongPunishment, rewardedGroups, type DrawnCompletion } from './rollout.ts';

/** R_length(y) of arXiv 2503.14476, eq. 13, with L_max = 100 and L_cache = 20. */
function formula(length: number): number {
  if (length <= 80) return 0;
  return length <= 100 ? (80 - length) / 20 : -1;
}

it('punishes length as DAPO does', () => {
  for (const length of [0, 1, 79, 80, 81, 90, 99, 100, 101, 1000]) {
    expect(overlongPunishment(length, 100, 20)).toBeCloseTo(formula(length), 12);
  }
  expect(overlongPunishment(100, 100, 0)).toBe(0);
});

const completion = (length: number, finish: DrawnCompletion['finish']): DrawnCompletion => ({
  tokens: Array.from({ length }, (_, i) => i),
  drawnLogProbabilities: Array.from({ length }, () => -1),
  text: `${length} tokens`,
  finish,
});
const questions = ['a', 'b'].map((id) => ({ id, question: `${id}?`, positives: [id], prompt: [1, 2] }));
const drawn = [
  [completion(1, 'stop'), completion(4, 'length')],
  [completion(2, 'stop'), completion(3, 'early')],
];
const length = { most: 4, cache: 2, weight: 0.5 };

function rewardOf(score: (items: readonly RewardItem[]) => RewardResult[]) {
  return {
    id: 'test',
    score: (items: readonly RewardItem[]) => Promise.resolve(score(items)),
    close: () => Promise.resolve(),
  };
}

it('gives each completion its own reward, asked for in one batch', async () => {
  const batches: (readonly RewardItem[])[] = [];
  const reward = rewardOf((items) => {
    batches.push(items);
    return items.map(({ completionTokens = 0 }) => ({
      reward: completionTokens,
      parts: { own: completionTokens },
    }));
  });
  const groups = await rewardedGroups(reward, questions, drawn, length);
  expect(batches).toHaveLength(1);
  expect(batches[0].map(({ query, truncated }) => [query, truncated])).toEqual([
    ['a?', false],
    ['a?', true],
    ['b?', false],
    ['b?', false],
  ]);
  expect(groups.map(({ completions }) => completions.map((each) => each.reward))).toEqual([
    [1, 3.5],
    [2, 2.75],
  ]);
  expect(groups[0].completions[1].parts).toEqual({ own: 4, overlong: -1 });
  expect(groupOf(groups[0])).toMatchObject({
    prompt: [1, 2],
    completions: [
      { isTruncated: false, reward: 1 },
      { isTruncated: true, reward: 3.5 },
    ],
  });
});

it('makes a completion that could not be read worth no more than the worst that could', async () => {
  const given: RewardResult[] = [
    { reward: -1.5, parts: { own: -1.5 } },
    { reward: -1, parts: {}, failure: 'no words' },
    { reward: 0.5, parts: { own: 0.5 } },
    { reward: -1, parts: {}, failure: 'no words' },
  ];
  const groups = await rewardedGroups(
    rewardOf(() => given),
    questions,
    drawn,
    { ...length, cache: 0 },
  );
  expect(groups.map(({ completions }) => completions.map((each) => each.reward))).toEqual([
    [-1.5, -1.5],
    [0.5, -1],
  ]);
  const failing = rewardOf((items) => items.map(() => ({ reward: -1, parts: {}, failure: 'empty' })));
  const [{ completions }] = await rewardedGroups(failing, questions, drawn, { ...length, cache: 0 });
  expect(completions.map((each) => each.reward)).toEqual([-1, -1]);
});

it.each([NaN, Infinity, -Infinity])('refuses the reward %d', async (value) => {
  const reward = rewardOf((items) => items.map((_, i) => ({ reward: i === 2 ? value : 0, parts: {} })));
  await expect(rewardedGroups(reward, questions, drawn, length)).rejects.toMatchObject({
    code: 'BAD_REPLY',
    where: 'test',
  });
});
