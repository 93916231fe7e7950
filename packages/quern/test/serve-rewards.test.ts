/** `POST /v1/rewards` of the service, held against the rewards of the library. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCorpus } from '../src/collections/open-corpus.ts';
import { indexCorpus } from '../src/lexical/index-corpus.ts';
import { openRewardCollection } from '../src/reward/index-collection.ts';
import type { Reward, RewardItem } from '../src/reward/reward.ts';
import { rewardNamed } from '../src/reward/rewards.ts';
import { sampleFolder } from './beir-collection.ts';
import { failing, FakeOpenAiServer, json } from './fake-openai-server.ts';
import { startService, type Answered, type ServiceUnderTest } from './running-service.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Told {
  readonly rewards?: readonly { readonly reward: number; readonly parts: Readonly<Record<string, number>> }[];
  readonly error?: Readonly<Record<string, unknown>>;
}

const folder = temporaryFolder();
const index = join(folder, 'notes.index');
const items: RewardItem[] = [
  {
    query: 'why is the loaf flat',
    completion: 'Yeast needs warmth and time, so a cold dough rises slowly.',
    positives: ['Dough that is kept cold rises slowly, as yeast works less.'],
  },
  { query: 'what is rust', completion: '', positives: ['Iron and oxygen make rust where there is water.'] },
];

let embedders: FakeOpenAiServer;
let service: ServiceUnderTest;

beforeAll(async () => {
  embedders = await FakeOpenAiServer.start();
  embedders.routes.set('POST /v1/embeddings', json(200, { data: [{ index: 0, embedding: [1, 2] }] }));
  await indexCorpus(await openCorpus(join(sampleFolder, 'corpus.jsonl')), { out: index, store: true });
  service = await startService(folder, {
    indexes: { notes: './notes.index' },
    rewards: {
      overlap: 'lexical',
      ranks: { reward: 'retrieval:rank', index: 'notes' },
      near: `similarity:openai:words@${embedders.url}`,
    },
    limits: { items: 3 },
  });
}, 60_000);
afterAll(async () => {
  await service?.close();
  await embedders?.stop();
});

function scored(body: Readonly<Record<string, unknown>>): Promise<Answered<Told>> {
  return service.ask<Told>('/v1/rewards', { items, ...body });
}

/** The results of the library. */
async function byLibrary(reward: Promise<Reward>): Promise<unknown> {
  const opened = await reward;
  const results = await opened.score(items);
  await opened.close();
  return JSON.parse(JSON.stringify(results));
}

describe('rewards of completions', () => {
  it('are those of the library, in the order of the items', async () => {
    const { status, body } = await scored({ reward: 'overlap' });
    expect([status, body.rewards]).toEqual([200, await byLibrary(rewardNamed('lexical', {}))]);
    expect(body.rewards).toHaveLength(2);
    expect(body.rewards![0]!.reward).toBeGreaterThan(0);
  });

  it('rank in the index that is declared for them', async () => {
    const opened = await openRewardCollection({ folder: index, retriever: 'bm25', embedding: {} });
    const { collection, analyzer } = opened;
    const expected = await byLibrary(rewardNamed('retrieval:rank', { collection, analyzer }));
    await opened.close();
    expect((await scored({ reward: 'ranks' })).body.rewards).toEqual(expected);
  });

  it('that are asked for at the same time are each those of their own items', async () => {
    const alone = (await scored({ reward: 'overlap' })).body.rewards!;
    const together = await Promise.all(
      Array.from({ length: 8 }, (_, i) => scored({ reward: 'overlap', items: [items[i % 2]] })),
    );
    expect(together.map(({ body }) => body.rewards![0])).toEqual(together.map((_, i) => alone[i % 2]));
  });

  it.each([
    ['no reward, of several', {}, 400, 'reward', 'reward is missing'],
    ['a reward that is none', { reward: 'other' }, 404, 'reward', 'there is no reward other'],
    ['a reward by its string', { reward: 'similarity:openai:x' }, 400, 'reward', /is no name/],
    ['no items', { reward: 'overlap', items: [] }, 400, 'items', 'there are none'],
    [
      'too many items',
      { reward: 'overlap', items: [0, 1, 0, 1].map((i) => items[i]) },
      400,
      'items',
      /more than 3/,
    ],
    [
      'an item without positives',
      { reward: 'overlap', items: [items[0], { ...items[1], positives: [] }] },
      400,
      'items[1].positives',
      'there are none',
    ],
    [
      'a question without a word',
      { reward: 'overlap', items: [items[0], { ...items[1], query: '?!' }] },
      400,
      'items[1]',
      'the query holds no words',
    ],
  ])('for %s are refused, saying where and why', async (_, body, status, where, message) => {
    const { status: answered, body: told } = await scored(body);
    expect([answered, told.error!['where']]).toEqual([status, where]);
    expect(told.error!['message']).toMatch(message);
  });

  it('are not available where the embedder is not, and where that is stays untold', async () => {
    embedders.routes.set('POST /v1/embeddings', failing(401, { message: `not at ${embedders.url}` }));
    const { status, body, text, headers } = await scored({ reward: 'near' });
    expect([status, body.error]).toEqual([
      503,
      {
        code: 'UNAVAILABLE',
        message: 'the reward near is not available',
        type: 'server_error',
        param: null,
      },
    ]);
    expect(headers.has('retry-after')).toBe(true);
    expect(text).not.toContain('127.0.0.1');
    expect(JSON.stringify(service.logged.filter(({ level }) => level === 50))).toContain('127.0.0.1');
  });
});
