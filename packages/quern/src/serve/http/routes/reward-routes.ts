import * as z from 'zod';
import { QuernError } from '../../../errors.ts';
import { checkItem } from '../../../reward/check-item.ts';
import { itemsSchema, rewardItems } from '../../../reward/server/rewards-protocol.ts';
import type { Service } from '../../service/service.ts';
import { publicError } from '../../service/public-error.ts';
import { rewardsAnswer } from '../answers.ts';
import { route, type Route } from '../route.ts';

/** Positives of a request, for each completion that it may hold: ranking takes as long as the two multiplied. */
const positivesForEach = 16;

/** Rewards of completions. */
export function rewardRoutes(service: Service): Route[] {
  const { items: most } = service.config.limits;
  const mostPositives = positivesForEach * most;
  const names = service.rewards.names;
  return [
    route({
      method: 'POST',
      path: '/v1/rewards',
      scope: 'read',
      tag: 'Training',
      summary: 'Rewards of completions.',
      description:
        'Requests that come at about the same time are scored together. The reward need not be named where one alone is declared.',
      body: z.strictObject({
        reward: z.string().optional().describe('The name of a reward.'),
        items: itemsSchema
          .max(most, `there are more than ${most}`)
          .refine(
            (items) => items.reduce((sum, { positives }) => sum + positives.length, 0) <= mostPositives,
            `they have more than ${mostPositives} positives together`,
          ),
      }),
      examples: {
        one: {
          reward: 'overlap',
          items: [{ query: 'why', completion: 'because of yeast', positives: ['Yeast needs warmth.'] }],
        },
      },
      answers: {
        200: {
          description: 'A result for each item, in their order.',
          schema: rewardsAnswer,
          example: { rewards: [{ reward: 0.42, parts: { lexical: 0.42 } }] },
        },
      },
      handle: async ({ body, signal }) => {
        const name = body.reward ?? onlyOne(names);
        service.rewards.check(name, 'reward');
        const items = rewardItems(body.items);
        for (const [i, item] of items.entries()) checkItem(item, `items[${i}]`);
        if (service.rewards.waiting > 0 && service.rewards.waiting + body.items.length > 4 * most) {
          throw new QuernError('OVERLOADED', `${service.rewards.waiting} completions wait already`);
        }
        const started = performance.now();
        const rewards = await service.rewards.score(name, items, signal).catch((error: unknown) => {
          throw publicError(error, { what: `the reward ${name}`, field: 'items' });
        });
        service.observer.stage('reward', (performance.now() - started) / 1000);
        return { rewards };
      },
    }),
  ];
}

function onlyOne(names: readonly string[]): string {
  if (names.length === 1) return names[0]!;
  throw new QuernError('BAD_INPUT', 'is missing', {
    where: 'reward',
    hint: names.length === 0 ? 'No reward is declared' : `There are ${names.join(', ')}`,
  });
}
