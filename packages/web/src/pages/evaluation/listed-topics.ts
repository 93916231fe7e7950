import { compareBytes } from '../../../../quern/src/byte-order.ts';
import type { Choice } from './choice.ts';
import type { TopicPair } from './topic-values.ts';

/** Topics of a list at a time. */
export const topicsAPage = 50;

/** The topics that are chosen, in the chosen order; those that differ alike in the order of their ids. */
export function listedTopics(
  pairs: readonly TopicPair[],
  { order, only, find }: Pick<Choice, 'order' | 'only' | 'find'>,
): TopicPair[] {
  const wanted = find.trim().toLowerCase();
  const side = { all: undefined, wins: 1, ties: 0, losses: -1 }[only];
  const found = pairs.filter(
    ({ id, difference }) =>
      (side === undefined || Math.sign(difference) === side) &&
      (wanted === '' || id.toLowerCase().includes(wanted)),
  );
  const sign = { gain: -1, loss: 1, topic: 0 }[order];
  return found.sort((a, b) => sign * (a.difference - b.difference) || compareBytes(a.id, b.id));
}
