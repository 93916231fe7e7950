import { expect, it } from 'vitest';
import { goldenFile } from '../../test/golden-file.ts';
import { WordEmbedder } from '../../test/word-embedder.ts';
import { rewardNamed } from './rewards.ts';
import type { RewardItem } from './reward.ts';

const item: RewardItem = {
  query: 'why does bread go stale',
  completion: '<think>hm</think> starch retrogradation makes bread stale',
  positives: ['starch retrogradation in bread', 'stale bread'],
};

async function opened(embedder: WordEmbedder, asQueries = false) {
  return rewardNamed('similarity:words', { embedders: () => Promise.resolve(embedder), asQueries });
}

it('is ten times the mean gain in cosine over the positives', async () => {
  const reward = await opened(new WordEmbedder(10_007));
  const [{ reward: value, parts }] = await reward.score([item]);
  // By hand: shared words over the roots of the numbers of words.
  const after = (3 / Math.sqrt(5 * 4) + 2 / Math.sqrt(5 * 2)) / 2;
  const before = (1 / Math.sqrt(5 * 4) + 2 / Math.sqrt(5 * 2)) / 2;
  expect(value).toBeCloseTo(10 * (after - before), 6);
  expect(parts).toEqual({ similarity: value });
});

it('agrees with an independent computation of the formula', async () => {
  const golden = goldenFile<(RewardItem & { reward: number })[]>('rewards/similarity.json');
  const results = await (await opened(new WordEmbedder())).score(golden);
  expect(golden.length).toBeGreaterThan(10);
  for (const [i, { reward }] of golden.entries()) expect(results[i].reward).toBeCloseTo(reward, 5);
});

it('embeds what comes again once, and all completions of a batch in one call', async () => {
  const embedder = new WordEmbedder();
  const reward = await opened(embedder);
  const group = Array.from({ length: 16 }, (_, i) => ({ ...item, completion: `starch ${i % 8}` }));
  await reward.score(group);
  expect(embedder.calls).toHaveLength(1);
  expect(embedder.calls[0].texts).toHaveLength(8 + 1 + 2);
  await reward.score(group);
  expect(embedder.calls[1].texts).toHaveLength(8);
});

it('embeds all as documents, or questions and reasoned queries as queries', async () => {
  const [plain, asked] = [new WordEmbedder(), new WordEmbedder()];
  await (await opened(plain)).score([item]);
  await (await opened(asked, true)).score([item]);
  expect(plain.calls.map(({ as }) => as)).toEqual(['document']);
  expect(asked.calls.map(({ as, texts }) => [as, texts.length])).toEqual([
    ['query', 2],
    ['document', 2],
  ]);
});

it('gives the same reward whatever else is in the batch', async () => {
  const reward = await opened(new WordEmbedder());
  const other = { ...item, query: 'another question', completion: 'bread' };
  const [alone] = await reward.score([item]);
  expect((await reward.score([other, item, other]))[1]).toEqual(alone);
});

it('closes its embedder', async () => {
  const embedder = new WordEmbedder();
  await (await opened(embedder)).close();
  expect(embedder.closed).toBe(1);
});

it('embeds nothing where no reasoned query can be read', async () => {
  const embedder = new WordEmbedder();
  const results = await (await opened(embedder)).score([{ ...item, completion: '<think>hm' }]);
  expect(results).toEqual([{ reward: -1, parts: {}, failure: 'no answer' }]);
  expect(embedder.calls).toEqual([]);
});
