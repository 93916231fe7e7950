import { expect, it } from 'vitest';
import { rankMeasureNamed } from './rank-measure.ts';
import { RetrievalGain } from './retrieval-gain.ts';
import type { PositiveSearch } from './reward-collection.ts';

/** A collection in which a text's rank is its number. */
function numbered() {
  const seen: PositiveSearch[] = [];
  return {
    id: 'numbered',
    seen,
    ranks: (searches: readonly PositiveSearch[]) => {
      seen.push(...searches);
      return Promise.resolve(searches.map(({ text }) => [Number(text)]));
    },
  };
}

const item = { completion: '', query: '10', reasoned: '1', positives: ['a'] };

it('is what the measure gains when the reasoned query replaces the question', async () => {
  const gain = new RetrievalGain(rankMeasureNamed('rank'), numbered());
  expect(gain.name).toBe('retrieval:rank');
  expect(await gain.values([item, { ...item, query: '1', reasoned: '100' }])).toEqual([1, -2]);
  expect(await new RetrievalGain(rankMeasureNamed('mrr'), numbered()).values([item])).toEqual([0.9]);
});

it('does each search of a batch once', async () => {
  const collection = numbered();
  const gain = new RetrievalGain(rankMeasureNamed('rank'), collection);
  const group = ['1', '2', '2', '10'].map((reasoned) => ({ ...item, reasoned }));
  await gain.values([...group, { ...item, positives: ['b'] }]);
  expect(collection.seen.map(({ text, positives }) => text + positives[0])).toEqual([
    '10a',
    '1a',
    '2a',
    '10b',
    '1b',
  ]);
});
