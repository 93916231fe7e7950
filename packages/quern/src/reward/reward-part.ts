import type { RewardItem } from './reward.ts';

/** An item whose completion a reasoned query can be read from. */
export interface ReadItem extends RewardItem {
  /** The reasoned query, as `reasonedQueryOf` reads it. */
  readonly reasoned: string;
}

/** Says by how much reasoned queries serve better than their questions: what rewards are made of. */
export interface Gain {
  readonly kind: 'gain';
  /** The name of its numbers in logs, e.g. `similarity`. */
  readonly name: string;
  /** The gain of each item, in their order; more is better. */
  values(items: readonly ReadItem[], signal?: AbortSignal): Promise<number[]>;
  /** Forgets what it kept of earlier batches. */
  forget?(): void;
}

/** Says how much of a fault completions have: what shapes a reward, with a weight below 0. */
export interface Fault {
  readonly kind: 'fault';
  /** The name of its numbers in logs, e.g. `length`. */
  readonly name: string;
  /** The amount of the fault in each item, in their order, 0 where there is none. */
  values(items: readonly RewardItem[], signal?: AbortSignal): Promise<number[]>;
  /** Forgets what it kept of earlier batches. */
  forget?(): void;
}

/** What the sum of a reward is made of. */
export type RewardPart = Gain | Fault;
