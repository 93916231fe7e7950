import { QuernError } from '../errors.ts';
import { isUsableText } from '../reason/usable-text.ts';
import type { RewardItem } from './reward.ts';

/**
 * Throws `BAD_INPUT`, at `where`, for an item of which no gain can be told: without a question, without positives or with an
 * empty list of their ids, or with one that holds no words. That is the fault of the data, not of the policy, and no reward
 * would say so.
 */
export function checkItem({ query, positives, positiveIds }: RewardItem, where: string): void {
  if (!isUsableText(query)) throw new QuernError('BAD_INPUT', 'the query holds no words', { where });
  if (positives.length === 0) {
    throw new QuernError('BAD_INPUT', 'there are no positives', {
      where,
      hint: 'Give each item the text of at least one document that answers its query',
    });
  }
  if (positiveIds?.length === 0) {
    throw new QuernError('BAD_INPUT', 'positiveIds is empty', {
      where,
      hint: 'Leave it out where the ids of the positives are not known',
    });
  }
  const empty = positives.findIndex((text) => !isUsableText(text));
  if (empty >= 0) throw new QuernError('BAD_INPUT', `positive ${empty + 1} holds no words`, { where });
}
