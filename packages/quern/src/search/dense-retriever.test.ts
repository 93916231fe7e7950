import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { hashedEmbedder } from '../../test/hashed-embedder.ts';
import type { TextCorpus } from '../collections/corpus.ts';
import { embedCorpus } from '../dense/embed-corpus.ts';
import { indexCorpus } from '../lexical/index-corpus.ts';
import { IndexWriter } from '../lexical/index-writer.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import type { DenseRetriever } from './dense-retriever.ts';
import { openRetriever, retrieverNamed, type OpenRetriever } from './retrievers.ts';

const folder = join(temporaryFolder(), 'index');
const embedder = hashedEmbedder();
const passages = { words: 4, stride: 3, aggregate: 'max' } as const;
let index: LexicalIndex;

const texts: Readonly<Record<string, string>> = {
  trees: 'oak beech larch fir cedar hazel maple elm',
  rivers: 'rhine danube elbe oder',
  towns: 'bonn ulm köln oak',
};

const corpus: TextCorpus = {
  kind: 'text',
  async *documents() {
    for (const [id, text] of Object.entries(texts)) yield { where: id, document: { id, title: '', text } };
  },
};

function opened(by = embedder): Promise<OpenRetriever> {
  const plan = retrieverNamed('dense:words');
  return openRetriever(plan, new Map([['words', by]]), { index, folder });
}

beforeAll(async () => {
  await indexCorpus(corpus, { out: folder, analyzer: 'whitespace', store: true });
  await embedCorpus(corpus, { folder, embedder, passages });
  index = await LexicalIndex.open(folder);
});
afterAll(() => index?.close());

describe('dense retrieval', () => {
  it('ranks documents by their best passage', async () => {
    const { retriever, close } = await opened();
    const hits = await retriever.search('maple elm', { k: 2 });
    expect(hits[0]).toMatchObject({ id: 'trees', rank: 1 });
    expect(hits).toHaveLength(2);
    expect(hits[0]!.score).toBeLessThanOrEqual(1);
    const [exact] = await retriever.search('rhine danube elbe oder', { k: 1 });
    expect(exact).toEqual({ id: 'rivers', score: expect.closeTo(1, 6), rank: 1 });
    await close();
  });
  it('leaves out what is excluded, embeds a query once, and shows texts', async () => {
    const { retriever, close } = await opened();
    const before = embedder.embedded.length;
    const all = await retriever.search('oak', { k: 3 });
    const some = await retriever.search('oak', { k: 3, excluded: [all[0]!.id] });
    expect(some.map(({ id }) => id)).toEqual(all.slice(1).map(({ id }) => id));
    expect(embedder.embedded.length).toBe(before + 1);
    expect(await retriever.document!('towns')).toBe(texts['towns']);
    await close();
  });
  it('finds nothing for a text without words, and refuses term weights', async () => {
    const { retriever, close } = await opened();
    expect(await retriever.search(' \n', { k: 3 })).toEqual([]);
    await expect(retriever.search(new Map([['oak', 1]]), { k: 3 })).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
    await close();
  });
  it('refuses vectors of an embedder that has changed, and those of another', async () => {
    await expect(opened(hashedEmbedder('words', 25))).rejects.toThrow(
      expect.objectContaining({ code: 'EMBEDDER_MISMATCH' }),
    );
    await expect(opened(hashedEmbedder('others'))).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', what: expect.stringContaining('only those of words') }),
    );
  });
  it('does not find documents that were deleted since', async () => {
    const other = join(temporaryFolder(), 'index');
    await indexCorpus(corpus, { out: other, analyzer: 'whitespace' });
    await embedCorpus(corpus, { folder: other, embedder, passages });
    const writer = await IndexWriter.open(other);
    await writer.delete('rivers');
    await writer.commit();
    await writer.close();
    const smaller = await LexicalIndex.open(other);
    const plan = retrieverNamed('dense:words');
    const { retriever, close } = await openRetriever(plan, new Map([['words', embedder]]), {
      index: smaller,
      folder: other,
    });
    const hits = await retriever.search('rhine danube', { k: 5 });
    expect(hits.map(({ id }) => id).toSorted()).toEqual(['towns', 'trees']);
    expect((retriever as DenseRetriever).passages).toEqual(passages);
    await close();
    await smaller.close();
  });
});

describe('names of retrievers', () => {
  it('say what they need', () => {
    expect(retrieverNamed('bm25q')).toMatchObject({ scoring: 'bm25q', embedders: [] });
    expect(retrieverNamed('hybrid:bm25+dense:onnx:x+dense:onnx:x')).toMatchObject({
      scoring: 'bm25',
      embedders: ['onnx:x'],
      fusion: 'rrf',
    });
    expect(retrieverNamed('dense:onnx:x').scoring).toBeUndefined();
  });
  it.each(['', 'bm26', 'dense:', 'dense', 'hybrid:bm25'])('%j is refused', (name) => {
    expect(() => retrieverNamed(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
