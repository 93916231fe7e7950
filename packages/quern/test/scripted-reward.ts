import type { Reward, RewardItem, RewardResult } from '../src/reward/reward.ts';

/** A reward that is the length of completions, and keeps the batches that it was given. `gate`: awaited before each. */
export function lengthReward(
  gate: (batch: readonly RewardItem[]) => Promise<unknown> = async () => undefined,
): Reward & { readonly batches: (readonly RewardItem[])[] } {
  const batches: (readonly RewardItem[])[] = [];
  return {
    id: 'length',
    batches,
    async score(batch) {
      batches.push(batch);
      await gate(batch);
      return batch.map(({ completion, query }): RewardResult =>
        completion === ''
          ? { reward: -1, parts: {}, failure: 'empty' }
          : { reward: completion.length, parts: { length: completion.length, query: query.length } },
      );
    },
    close: async () => undefined,
  };
}
