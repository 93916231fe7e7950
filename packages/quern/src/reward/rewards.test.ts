import { expect, it } from 'vitest';
import { WordEmbedder } from '../../test/word-embedder.ts';
import { KeptVectors } from './kept-vectors.ts';
import { vectorCollection } from './reward-collection.ts';
import { ranksInBatch, ranksInCollection, rewardNamed } from './rewards.ts';
import type { RewardItem } from './reward.ts';

const items: RewardItem[] = [
  {
    query: 'why does bread go stale',
    completion: 'starch retrogradation makes bread stale, starch retrogradation makes bread stale',
    positives: ['starch retrogradation in stored bread'],
    completionTokens: 500,
  },
  { query: 'how do wings lift', completion: 'air pressure', positives: ['pressure of air under wings'] },
];

const newEmbedder = () => Promise.resolve(new WordEmbedder());

it('mixes parts by their weights, each with its own value, and opens an embedder once', async () => {
  const opened: WordEmbedder[] = [];
  const embedders = () => {
    opened.push(new WordEmbedder());
    return Promise.resolve(opened[0]);
  };
  const name =
    'mix:1*similarity:words,2*lexical,0.5*retrieval:rank,1*retrieval:mrr:words,-0.1*length:400,-1*repetition,' +
    '-1*copying,-1*truncation,-1*language,-1*format';
  const reward = await rewardNamed(name, { embedders });
  expect(reward.id).toBe(name);
  const results = await reward.score(items);
  const { parts } = results[0];
  expect(Object.keys(parts)).toEqual([
    'similarity',
    'lexical',
    'retrieval:rank',
    'retrieval:recip_rank',
    'length',
    'repetition',
    'copying',
    'truncation',
    'language',
    'format',
  ]);
  const sum =
    parts['similarity'] +
    2 * parts['lexical'] +
    0.5 * parts['retrieval:rank'] +
    parts['retrieval:recip_rank'] -
    0.1 * 0.25 -
    parts['repetition'] -
    1;
  expect(parts['length']).toBe(0.25);
  expect(parts['repetition']).toBeGreaterThan(0);
  expect(parts['format']).toBe(1);
  expect(results[0].reward).toBeCloseTo(sum, 12);
  await reward.close();
  expect([opened.length, opened[0].closed]).toEqual([1, 1]);
});

it('names the similarities of several embedders apart', async () => {
  const reward = await rewardNamed('mix:1*similarity:a,1*similarity:b', { embedders: newEmbedder });
  const [{ parts }] = await reward.score(items);
  expect(Object.keys(parts)).toEqual(['similarity:a', 'similarity:b']);
});

it('ranks in the collection that is given', async () => {
  const collection = {
    id: 'x',
    ranks: (searches: readonly unknown[]) => Promise.resolve(searches.map(() => [1])),
  };
  const reward = await rewardNamed('retrieval:rank', { collection });
  expect((await reward.score(items)).map((each) => each.reward)).toEqual([0, 0]);
});

it.each(['similarity:words', 'retrieval:mrr:words', 'mix:1*retrieval:rank,-1*format'])(
  'gives the embedder of %s the same work again once it has forgotten',
  async (name) => {
    const [embedder, ranking] = [new WordEmbedder(), new WordEmbedder()];
    const corpus = { id: 'none', search: () => Promise.resolve([]), has: () => false };
    const collection = vectorCollection(new KeptVectors(ranking), corpus);
    const reward = await rewardNamed(name, { embedders: () => Promise.resolve(embedder), collection });
    const work = async (): Promise<unknown> => {
      await reward.score(items);
      return [...embedder.calls.splice(0), ...ranking.calls.splice(0)];
    };
    const first = await work();
    expect(await work()).not.toEqual(first);
    reward.forget!();
    expect(await work()).toEqual(first);
  },
);

it.each([
  'similarity',
  'similarity:',
  'nonsense',
  'retrieval',
  'retrieval:nonsense',
  'length:0',
  'length:1.5',
  'length:400',
  'copying',
  'mix:1*copying',
  'mix:0*lexical',
  'mix:1*lexical,copying',
  'mix:1*lexical,1*lexical',
  'mix:1*mix:1*lexical',
  'mix:',
])('refuses %j', async (name) => {
  await expect(rewardNamed(name)).rejects.toThrow(expect.objectContaining({ code: 'USAGE' }));
});

it.each([
  ['similarity', /needs an embedder/],
  ['retrieval', /needs a measure/],
  ['length', /needs a budget/],
  ['retrieval:rnk', /or rank/],
  ['mix:1*lexical,-0.1*lenght:400', /"-0\.1\*lenght:400" is no part/],
])('says what %j lacks', async (name, message) => {
  await expect(rewardNamed(name)).rejects.toThrow(message);
});

it('knows what is ranked in a collection, and what in the batch', () => {
  const names = ['lexical', 'retrieval:rank', 'retrieval:rank:words', 'mix:1*lexical,2*retrieval:ndcg@10'];
  expect(names.map(ranksInCollection)).toEqual([false, true, false, true]);
  expect(names.map(ranksInBatch)).toEqual([false, false, true, false]);
});

it('closes the embedders that it opened where a later part is wrong', async () => {
  const embedder = new WordEmbedder();
  const embedders = () => Promise.resolve(embedder);
  await expect(rewardNamed('mix:1*similarity:words,1*format', { embedders })).rejects.toThrow('below 0');
  expect(embedder.closed).toBe(1);
});
