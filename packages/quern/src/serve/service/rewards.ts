import { QuernError } from '../../errors.ts';
import { openRewardCollection, type OpenRewardCollection } from '../../reward/index-collection.ts';
import type { RewardItem, RewardResult } from '../../reward/reward.ts';
import { rewardNamed } from '../../reward/rewards.ts';
import { RewardQueue } from '../../reward/server/reward-queue.ts';
import type { Reward } from '../../reward/reward.ts';
import type { Warnings } from '../../warnings.ts';
import { Declared } from '../configuration/names.ts';
import type { DeclaredIndex, DeclaredReward } from '../configuration/service-config.ts';

/** What rewards rank in and are computed with. */
export interface RewardsSettings {
  readonly indexes: ReadonlyMap<string, DeclaredIndex>;
  readonly retrievers: ReadonlyMap<string, string>;
  readonly cacheFolder?: string;
  readonly warnings: Warnings;
}

/** A reward that is open, with the queue that gathers calls into batches. */
interface OpenReward {
  readonly reward: Reward;
  readonly queue: RewardQueue;
  readonly collection?: OpenRewardCollection;
}

/** The rewards of a service by their names, each opened when it is first asked for. */
export class Rewards {
  readonly #declared: Declared<DeclaredReward>;
  readonly #settings: RewardsSettings;
  readonly #opened = new Map<string, Promise<OpenReward>>();
  #waiting = 0;

  constructor(declared: ReadonlyMap<string, DeclaredReward>, settings: RewardsSettings) {
    this.#declared = new Declared('reward', declared);
    this.#settings = settings;
  }

  get names(): string[] {
    return this.#declared.names;
  }

  /** Items that wait or are being scored. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Throws as {@link Declared.named} does. */
  check(name: string, where: string): void {
    this.#declared.named(name, where);
  }

  /** A result for each item. Throws as {@link Declared.named} does, `UNAVAILABLE` where it cannot be opened, and what scoring throws. */
  async score(name: string, items: readonly RewardItem[], signal?: AbortSignal): Promise<RewardResult[]> {
    const { queue } = await this.#open(name);
    this.#waiting += items.length;
    try {
      return await queue.score(items, signal);
    } finally {
      this.#waiting -= items.length;
    }
  }

  /** Opens one before it is asked. Throws as {@link score} does. */
  async open(name: string): Promise<void> {
    await this.#open(name);
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.values()) {
      const open = await opened.catch(() => undefined);
      if (!open) continue;
      open.queue.stop();
      await open.queue.drained();
      await open.reward.close().catch(() => undefined);
      await open.collection?.close().catch(() => undefined);
    }
  }

  #open(name: string): Promise<OpenReward> {
    const declared = this.#declared.named(name, 'reward');
    let opened = this.#opened.get(name);
    if (opened === undefined) {
      opened = this.#opening(declared);
      this.#opened.set(name, opened);
      opened.catch(() => this.#opened.delete(name));
    }
    return opened.catch((cause: unknown) => {
      throw new QuernError('UNAVAILABLE', `the reward ${name} cannot be opened`, { cause });
    });
  }

  async #opening({ reward: named, index }: DeclaredReward): Promise<OpenReward> {
    const { indexes, retrievers, cacheFolder, warnings } = this.#settings;
    const embedding = { cacheFolder, warnings };
    const found = index === undefined ? undefined : indexes.get(index)!;
    const collection =
      found &&
      (await openRewardCollection({
        folder: found.index,
        retriever: retrievers.get(found.retriever)!,
        ...(found.parameters && { parameters: found.parameters }),
        embedding,
        warnings,
      }));
    try {
      const reward = await rewardNamed(named, {
        embedding,
        ...(collection && { collection: collection.collection, analyzer: collection.analyzer }),
      });
      return { reward, queue: new RewardQueue(reward), ...(collection && { collection }) };
    } catch (error) {
      await collection?.close();
      throw error;
    }
  }
}
