import { expect, it } from 'vitest';
import { indexOf } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { WordEmbedder } from '../../test/word-embedder.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { lexicalBatch, vectorBatch } from './batch-collection.ts';
import { KeptVectors } from './kept-vectors.ts';
import { lexicalCollection, type PositiveSearch } from './reward-collection.ts';

const folder = temporaryFolder();
const texts = { a: 'ash ash elm', b: 'elm fir fir oak', c: 'oak ash fir', d: 'larch' };
const questions = ['ash', 'elm fir', 'oak oak larch', 'ash fir elm oak', 'yew'];
const searches: PositiveSearch[] = questions.flatMap((text) =>
  Object.values(texts).map((positive) => ({ text, isQuestion: true, positives: [positive] })),
);

it('ranks as an index of the positives would', async () => {
  const index = await indexOf(folder, texts);
  const expected = await lexicalCollection(new LexicalRetriever(index, 'bm25q')).ranks(searches, 10);
  await index.close();
  expect(await lexicalBatch(analyzerNamed('whitespace')).ranks(searches, 10)).toEqual(expected);
  expect(expected.flat()).toContain(Infinity);
});

it('ranks several positives of a question on several ranks', async () => {
  const both = { text: 'ash', isQuestion: true, positives: [texts.a, texts.c] };
  const [ranks] = await lexicalBatch(analyzerNamed('whitespace')).ranks([both, ...searches], 10);
  expect(ranks).toEqual([1, 2]);
});

it('ranks by vectors, embedding each text once', async () => {
  const embedder = new WordEmbedder();
  const ranks = await vectorBatch(new KeptVectors(embedder)).ranks(searches.slice(0, 4), 10);
  expect(ranks).toEqual([[1], [3], [2], [3]]);
  expect(embedder.calls.map(({ texts: given }) => given.length)).toEqual([1, 4]);
});
