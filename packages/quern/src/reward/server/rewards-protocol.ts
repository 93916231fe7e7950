import * as z from 'zod';
import type { RewardItem } from '../reward.ts';
import { badRequest } from './openrlhf-protocol.ts';

const text = z.string().regex(/\S/u, 'must hold more than white space');

/** What is to be scored, as JSON. */
export const itemsSchema = z
  .array(
    // A name that is misspelt would be left out without a word.
    z.strictObject({
      query: text,
      completion: z.string(),
      positives: z.array(text).min(1, 'there are none'),
      positiveIds: z.array(z.string()).optional(),
      completionTokens: z.int().nonnegative().optional(),
      truncated: z.boolean().optional(),
    }),
  )
  .min(1, 'there are none');

const bodySchema = z.object({ items: itemsSchema });
const hint = 'The body is {"items": [{"query": "…", "completion": "…", "positives": ["…"]}, …]}';

/** The items of a request to `/v1/rewards`. Throws `BAD_INPUT` naming the item and the field. */
export function requestedItems(body: unknown): RewardItem[] {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success) throw badRequest(parsed.error, hint);
  return rewardItems(parsed.data.items);
}

/** Checked items as rewards take them. */
export function rewardItems(items: z.infer<typeof itemsSchema>): RewardItem[] {
  return items.map(({ positiveIds, completionTokens, truncated, ...item }) => ({
    ...item,
    ...(positiveIds && { positiveIds }),
    ...(completionTokens !== undefined && { completionTokens }),
    ...(truncated !== undefined && { truncated }),
  }));
}
