import { describe, expect, it } from 'vitest';
import type { Reranker } from '../dense/reranker.ts';
import { QuernError } from '../errors.ts';
import { NoReasoner } from '../reason/none.ts';
import { answer } from './pipeline.ts';
import { planName } from './plan-name.ts';
import { reranked, type Found } from './reranking.ts';
import type { Retriever } from './retriever.ts';

const texts: Readonly<Record<string, string>> = { a: 'one two', b: 'two three four', c: 'x', d: 'five' };

const retriever: Retriever = {
  id: 'fixed',
  search: async (_, { k }) =>
    ['a', 'b', 'c', 'd'].slice(0, k).map((id, i) => ({ id, score: 4 - i, rank: i + 1 })),
  document: async (id) => texts[id],
};

/** Four hits that are to be reranked. */
async function found(): Promise<Found> {
  return { query: 'q', hits: await retriever.search('q', { k: 4 }), retriever, milliseconds: 0 };
}

/** Likes long texts, and keeps what it read. */
function longest(): Reranker & { read: string[] } {
  const read: string[] = [];
  return {
    id: 'longest',
    read,
    async score(_, given) {
      read.push(...given);
      return Float32Array.from(given, ({ length }) => length);
    },
    close: async () => undefined,
  };
}

describe('reranking', () => {
  it('puts the best of a ranking in the order of the reranker, and keeps the rest below them', async () => {
    const reranker = longest();
    const hits = await retriever.search('q', { k: 4 });
    const { hits: again, reranking } = await reranked(
      { query: 'q', hits, retriever, milliseconds: 0 },
      { reranker, depth: 3 },
    );
    expect(again.map(({ id }) => id)).toEqual(['b', 'a', 'c', 'd']);
    expect(again.map(({ rank }) => rank)).toEqual([1, 2, 3, 4]);
    expect(again[3]!.score).toBeLessThan(again[2]!.score);
    expect(reranker.read).toEqual(['one two', 'two three four', 'x']);
    expect(reranking).toMatchObject({ reranker: 'longest', depth: 3 });
  });
  it('reads deeper than is asked for, and no more words of a document than it may', async () => {
    const reranker = longest();
    const rerank = { reranker, depth: 4, words: 2 };
    const pipeline = { retriever, reasoner: new NoReasoner(), combine: { kind: 'replace' } as const, rerank };
    const { hits } = await answer(pipeline, 'q', { k: 1 });
    expect(hits.map(({ id }) => id)).toEqual(['b']);
    expect(reranker.read).toEqual(['one two', 'two three', 'x', 'five']);
    expect(planName(pipeline)).toEqual(['rerank:longest,depth:4,words:2']);
  });
  it('leaves an empty ranking alone, and asks for texts', async () => {
    const reranker = longest();
    const nothing = { query: 'q', hits: [], retriever, milliseconds: 0 };
    expect((await reranked(nothing, { reranker })).hits).toEqual([]);
    expect(reranker.read).toEqual([]);
    const { document: _, ...bare } = retriever;
    const pipeline = { retriever: bare, reasoner: new NoReasoner(), combine: { kind: 'replace' } as const };
    await expect(answer({ ...pipeline, rerank: { reranker } }, 'q', { k: 1 })).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });
  describe('by a model that does not answer', () => {
    const hanging: Reranker = { ...longest(), score: () => new Promise(() => undefined) };
    const failing: Reranker = {
      ...longest(),
      score: () => Promise.reject(new QuernError('NETWORK', 'nobody answers')),
    };

    it.each([
      ['fails', failing, undefined, 'NETWORK'],
      ['is late', hanging, 20, 'TIMEOUT'],
    ])('leaves the ranking as it was, and says why, where it %s', async (_, reranker, deadline, code) => {
      const given = await found();
      const { hits, reranking } = await reranked(given, { reranker, deadline });
      expect(hits).toEqual(given.hits);
      expect(reranking).toMatchObject({ depth: 0, failure: { code } });
    });
    it('is not asked where the question has had all its time', async () => {
      const reranker = longest();
      const given = { ...(await found()), milliseconds: 30 };
      const { hits, reranking } = await reranked(given, { reranker, deadline: 20 });
      expect([hits, reranker.read]).toEqual([given.hits, []]);
      expect(reranking.failure).toMatchObject({ code: 'TIMEOUT' });
    });
    it('throws where it is to be strict, or the caller stops', async () => {
      await expect(reranked(await found(), { reranker: failing, strict: true })).rejects.toThrow(
        expect.objectContaining({ code: 'NETWORK' }),
      );
      const controller = new AbortController();
      const waiting = reranked(await found(), { reranker: hanging }, controller.signal);
      controller.abort();
      await expect(waiting).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }));
    });
  });
});
