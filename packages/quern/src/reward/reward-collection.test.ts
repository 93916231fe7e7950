import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashedEmbedder } from '../../test/hashed-embedder.ts';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { WordEmbedder } from '../../test/word-embedder.ts';
import type { TextCorpus } from '../collections/corpus.ts';
import { compareHits } from '../collections/ranking-order.ts';
import { embedCorpus } from '../dense/embed-corpus.ts';
import { indexCorpus } from '../lexical/index-corpus.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { openRetriever, retrieverNamed } from '../search/retrievers.ts';
import { collectionOf } from './index-collection.ts';
import { cosine, KeptVectors } from './kept-vectors.ts';
import { lexicalCollection, ranksAmong, vectorCollection, withoutCopies } from './reward-collection.ts';

const folder = temporaryFolder();
let index: LexicalIndex;
beforeAll(async () => {
  index = await indexOf(folder, someTexts);
});
afterAll(() => index?.close());

const search = (text: string, positives: string[], positiveIds?: string[]) => ({
  text,
  isQuestion: true,
  positives,
  positiveIds,
});

// All in order: 6, our 5, 5, 4, our 3 twice, 3.
it('ranks by how many score more, and no two on one rank', () => {
  expect(ranksAmong([3, 5, -Infinity, 3], [6, 5, 4, 3], 10)).toEqual([5, 2, Infinity, 6]);
  expect(ranksAmong([3, 5], [6, 5, 4], 3)).toEqual([Infinity, 2]);
});

it('takes one document of the score of each own one for its copy', () => {
  expect(withoutCopies([3, 5, -Infinity], [6, 5, 5, 4, 3])).toEqual([6, 5, 4]);
});

it.each(['bm25', 'bm25q'] as const)('finds with %s the ranks of documents by their ids', async (scoring) => {
  const retriever = new LexicalRetriever(index, scoring);
  const hits = await retriever.search('fir elm', { k: 5 });
  const ids = [hits[3].id, hits[0].id];
  const [ranks] = await lexicalCollection(retriever).ranks([search('fir elm', ['x'], ids)], 5);
  expect(ranks).toEqual([4, 1]);
  await expect(lexicalCollection(retriever).ranks([search('fir', ['x'], ['none'])], 5)).rejects.toThrow(
    expect.objectContaining({ code: 'BAD_INPUT' }),
  );
});

it.each(['bm25', 'bm25q'] as const)(
  'ranks with %s a text that is in the index before all that score no more than it',
  async (scoring) => {
    const retriever = new LexicalRetriever(index, scoring);
    const hits = await retriever.search('fir elm ash', { k: 60 });
    expect(hits.length).toBeGreaterThan(30);
    const searches = hits.map(({ id }) => search('fir elm ash', [someTexts[id]]));
    const ranks = await lexicalCollection(retriever).ranks(searches, 60);
    const expected = hits.map(({ score }) => [1 + hits.filter((other) => other.score > score).length]);
    expect(ranks).toEqual(expected);
  },
);

it('gives positives that are in the index, by their texts, the ranks that they have in it', async () => {
  const retriever = new LexicalRetriever(index, 'bm25q');
  const hits = await retriever.search('fir elm', { k: 60 });
  const ids = [hits[0].id, hits[2].id, hits[5].id];
  const asked = search(
    'fir elm',
    ids.map((id) => someTexts[id]),
  );
  // Each before all of the same score but the positives above it.
  const expected = ids.map((id, i) => {
    const { score } = hits.find((hit) => hit.id === id)!;
    const above = hits.filter((hit) => hit.score > score && !ids.includes(hit.id)).length;
    return 1 + above + i;
  });
  expect(await lexicalCollection(retriever).ranks([asked], 60)).toEqual([expected]);
});

it('does not find what shares no term', async () => {
  const collection = lexicalCollection(new LexicalRetriever(index, 'bm25q'));
  expect(await collection.ranks([search('yew', ['fir']), search('fir', ['yew'])], 10)).toEqual([
    [Infinity],
    [Infinity],
  ]);
});

it('ranks among vectors by cosines, embedding all searches of a batch in one call', async () => {
  const embedder = new WordEmbedder();
  const documents = Object.entries(someTexts).map(([id, text]) => ({ id, vector: embedder.vectorOf(text) }));
  const nearest = (vector: Float32Array, k: number) =>
    documents
      .map((document) => ({ id: document.id, score: Math.fround(cosine(vector, document.vector)) }))
      .sort(compareHits)
      .slice(0, k)
      .map((hit, i) => ({ ...hit, rank: i + 1 }));
  const collection = vectorCollection(new KeptVectors(embedder), {
    id: 'dense:words',
    search: (vector, k) => Promise.resolve(nearest(vector, k)),
    has: (id) => id in someTexts,
  });
  const hits = nearest(embedder.vectorOf('fir elm'), 60);
  const searches = [
    ...hits.map(({ id }) => search('fir elm', [someTexts[id]])),
    search('fir elm', ['x'], [hits[8].id]),
  ];
  const ranks = await collection.ranks(searches, 60);
  const higher = hits.map(({ score }) => 1 + hits.filter((other) => other.score > score + 1e-6).length);
  expect(ranks).toEqual([...higher, 9].map((rank) => [rank]));
  expect(embedder.calls.map(({ as }) => as)).toEqual(['query', 'document']);
});

it('ranks among vectors a text that is in the index, cut into passages as it is, with the rank that it has there', async () => {
  const out = join(temporaryFolder(), 'index');
  const corpus: TextCorpus = {
    kind: 'text',
    async *documents() {
      for (const [id, text] of Object.entries(someTexts))
        yield { where: id, document: { id, title: '', text } };
    },
  };
  await indexCorpus(corpus, { out, analyzer: 'whitespace' });
  const embedder = hashedEmbedder();
  await embedCorpus(corpus, { folder: out, embedder, passages: { words: 3, stride: 2, aggregate: 'max' } });
  const made = await LexicalIndex.open(out);
  const { retriever, close } = await openRetriever(
    retrieverNamed('dense:words'),
    new Map([['words', embedder]]),
    {
      index: made,
      folder: out,
    },
  );
  const hits = await retriever.search('fir elm', { k: 60 });
  const searches = hits.map(({ id }) => search('fir elm', [someTexts[id]]));
  const expected = hits.map(({ score }) => [1 + hits.filter((hit) => hit.score > score + 1e-6).length]);
  expect(await collectionOf(retriever).ranks(searches, 60)).toEqual(expected);
  await close();
  await made.close();
});
