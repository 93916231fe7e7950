import { expect, it } from 'vitest';
import type { RewardPart } from './reward-part.ts';
import type { RewardItem } from './reward.ts';
import { WeightedReward } from './weighted-reward.ts';

const item: RewardItem = { query: 'why', completion: 'because', positives: ['it is so'] };

/** A part that says `value` of each item. */
function part(kind: 'gain' | 'fault', name: string, value: number): RewardPart {
  return { kind, name, values: (items: readonly RewardItem[]) => Promise.resolve(items.map(() => value)) };
}

it('is the weighted sum of its parts, and says what each was', async () => {
  const reward = new WeightedReward('mix', [
    { part: part('gain', 'a', 2), weight: 1 },
    { part: part('gain', 'b', 4), weight: 0.5 },
    { part: part('fault', 'c', 3), weight: -0.1 },
  ]);
  const [{ reward: value, parts }] = await reward.score([item]);
  expect(value).toBeCloseTo(3.7, 12);
  expect(parts).toEqual({ a: 2, b: 4, c: 3 });
});

it('is -1 where no reasoned query can be read, whatever the faults, which are still told', async () => {
  const reward = new WeightedReward('mix', [
    { part: part('gain', 'a', 2), weight: 1 },
    { part: part('fault', 'c', 3), weight: -5 },
  ]);
  const results = await reward.score([{ ...item, completion: '' }, item]);
  expect(results).toEqual([
    { reward: -1, parts: { c: 3 }, failure: 'empty' },
    { reward: -1, parts: { a: 2, c: 3 } },
  ]);
});

it.each([
  [{ query: ' ' }, 'item 2 of 2: the query holds no words'],
  [{ positives: [] }, 'item 2 of 2: there are no positives'],
  [{ positiveIds: [] }, 'item 2 of 2: positiveIds is empty'],
  [{ positives: ['a', '…'] }, 'item 2 of 2: positive 2 holds no words'],
])('refuses %j, naming the item', async (fault, message) => {
  const reward = new WeightedReward('a', [{ part: part('gain', 'a', 1), weight: 1 }]);
  await expect(reward.score([item, { ...item, ...fault }])).rejects.toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining(message) }),
  );
});

it.each([
  [2, -1, -1],
  [2, -0.5, 0.5],
  [-0.5, -0.1, -0.8],
  [-0.5, -10, -1],
  [-3, -0.1, -3],
])('with a gain of %d and a fault of 3 at %d is %d: no lower than failing', async (gain, weight, reward) => {
  const members = [
    { part: part('gain', 'a', gain), weight: 1 },
    { part: part('fault', 'c', 3), weight },
  ];
  const [result] = await new WeightedReward('mix', members).score([item]);
  expect(result.reward).toBeCloseTo(reward, 12);
});

it('throws instead of handing on what is not finite', async () => {
  const reward = new WeightedReward('a', [{ part: part('gain', 'a', NaN), weight: 1 }]);
  await expect(reward.score([item])).rejects.toThrow(expect.objectContaining({ code: 'BAD_REPLY' }));
});

it('refuses weights of 0, faults that would be rewarded, and a part twice', () => {
  const [gain, fault] = [part('gain', 'a', 1), part('fault', 'c', 1)];
  expect(() => new WeightedReward('x', [{ part: gain, weight: 0 }])).toThrow('other than 0');
  expect(() => new WeightedReward('x', [{ part: fault, weight: 1 }])).toThrow('below 0');
  const twice = [
    { part: gain, weight: 1 },
    { part: gain, weight: 2 },
  ];
  expect(() => new WeightedReward('x', twice)).toThrow('twice');
});
