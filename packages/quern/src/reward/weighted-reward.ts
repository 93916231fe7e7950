import { QuernError, throwIfAborted } from '../errors.ts';
import { checkItem } from './check-item.ts';
import { failureReward, reasonedQueryOf } from './completion.ts';
import type { ReadItem, RewardPart } from './reward-part.ts';
import type { Reward, RewardItem, RewardResult } from './reward.ts';

/** A part of a reward, and what it weighs in the sum. */
export interface WeightedPart {
  readonly part: RewardPart;
  /** Of a fault, below 0. */
  readonly weight: number;
}

/**
 * The weighted sum of gains and faults. A completion that no reasoned query can be read from has the reward -1, whatever its
 * faults are; with no gain in the sum, nothing is read, and none fails. Faults take a reward no lower than that -1, or than the
 * gains alone where these are lower: else a policy would learn to write nothing. Each part's own value is in the result's
 * parts. Throws `USAGE` for a weight that is no number other than 0, or is above 0 for a fault.
 */
export class WeightedReward implements Reward {
  readonly id: string;
  readonly partNames: readonly string[];
  readonly #members: readonly WeightedPart[];

  constructor(id: string, members: readonly WeightedPart[]) {
    for (const { part, weight } of members) {
      if (!Number.isFinite(weight) || weight === 0) {
        throw new QuernError('USAGE', `a weight is a number other than 0, not ${weight}`, { where: id });
      }
      if (part.kind === 'fault' && weight > 0) {
        const hint = `Give it a weight below 0, e.g. -${weight}`;
        throw new QuernError('USAGE', `${part.name} says how much of a fault there is`, { where: id, hint });
      }
    }
    const names = members.map(({ part }) => part.name);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) throw new QuernError('USAGE', `${twice} is in it twice`, { where: id });
    this.id = id;
    this.partNames = names;
    this.#members = members;
  }

  async score(batch: readonly RewardItem[], signal?: AbortSignal): Promise<RewardResult[]> {
    for (const [i, item] of batch.entries()) checkItem(item, `item ${i + 1} of ${batch.length}`);
    const parts = batch.map((): Record<string, number> => ({}));
    const failures: (string | undefined)[] = batch.map(() => undefined);
    const readable: { readonly item: ReadItem; readonly place: number }[] = [];
    if (this.#members.some(({ part }) => part.kind === 'gain')) {
      for (const [place, item] of batch.entries()) {
        const { text, failure } = reasonedQueryOf(item.completion);
        if (text === undefined) failures[place] = failure;
        else readable.push({ item: { ...item, reasoned: text }, place });
      }
    }
    const places = { gain: readable.map(({ place }) => place), fault: batch.map((_, place) => place) };
    const items = readable.map(({ item }) => item);
    for (const { part } of this.#members) {
      throwIfAborted(signal);
      const values = await (part.kind === 'gain' ? part.values(items, signal) : part.values(batch, signal));
      for (const [i, place] of places[part.kind].entries()) parts[place][part.name] = finite(values[i], part);
    }
    return batch.map((_, place): RewardResult => {
      const failure = failures[place];
      if (failure !== undefined) return { reward: failureReward, parts: parts[place], failure };
      return { reward: this.#reward(parts[place]), parts: parts[place] };
    });
  }

  forget(): void {
    for (const { part } of this.#members) part.forget?.();
  }

  async close(): Promise<void> {}

  #reward(parts: Readonly<Record<string, number>>): number {
    const sum = { gain: 0, fault: 0 };
    for (const { part, weight } of this.#members) sum[part.kind] += weight * parts[part.name];
    // Without gains nothing fails, and there is nothing to be better than.
    if (this.#members.every(({ part }) => part.kind === 'fault')) return sum.fault;
    return Math.max(sum.gain + sum.fault, Math.min(sum.gain, failureReward));
  }
}

/** `value`, where it is a number that a trainer can be given. Throws `BAD_REPLY`. */
function finite(value: number, { name }: RewardPart): number {
  if (Number.isFinite(value)) return value;
  throw new QuernError('BAD_REPLY', `a value came to ${value}`, { where: name });
}
