/** The reward that a configuration names: computed here, or by a server. */
import { openRewardCollection } from '../reward/index-collection.ts';
import { remoteReward } from '../reward/remote-reward.ts';
import type { Reward } from '../reward/reward.ts';
import { ranksInCollection, rewardNamed } from '../reward/rewards.ts';
import type { OnWork } from '../work.ts';
import { isRewardAddress } from './configuration/together.ts';
import type { TrainConfig } from './configuration/train-config.ts';

/** Who is told of what opening and scoring take, and stops it. */
export interface RewardListeners {
  readonly onNote?: (text: string) => void;
  readonly onWork?: OnWork;
  readonly signal?: AbortSignal;
}

/** Opens it, with its index where it ranks in one. Throws what opening them throws. */
export async function openReward(
  { reward: name = '', reward_index: index, reward_retries: retries }: TrainConfig,
  { onNote, onWork, signal }: RewardListeners = {},
): Promise<Reward> {
  if (isRewardAddress(name)) {
    return remoteReward(name, {
      retries,
      signal,
      onRetry: (failure, attempt) =>
        onNote?.(`the reward's server fails (${failure}); try ${attempt} of ${retries}`),
    });
  }
  const embedding = { onWork };
  if (index === undefined && ranksInCollection(name)) {
    onNote?.(`${name} ranks the positives of a batch among each other, as no reward_index is named`);
  }
  const opened = index === undefined ? undefined : await openRewardCollection({ folder: index, embedding });
  try {
    const reward = await rewardNamed(name, {
      embedding,
      ...(opened && { collection: opened.collection, analyzer: opened.analyzer }),
    });
    return {
      ...reward,
      close: async () => {
        await reward.close();
        await opened?.close();
      },
    };
  } catch (error) {
    await opened?.close();
    throw error;
  }
}
