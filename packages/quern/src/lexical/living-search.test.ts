import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { Hit, TermWeights } from '../collections/records.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { scorings } from './bm25.ts';
import { IndexBuilder } from './index-builder.ts';
import { IndexWriter } from './index-writer.ts';
import { LexicalIndex } from './lexical-index.ts';

const folder = temporaryFolder();
let made = 0;

const words = ['ash', 'beech', 'cedar', 'elm', 'fir', 'oak', 'yew'];
const text = fc.array(fc.constantFrom(...words), { maxLength: 9 }).map((each) => each.join(' '));
const id = fc.constantFrom(...Array.from({ length: 12 }, (_, i) => `d${i}`));

type Step = { kind: 'add'; id: string; text: string } | { kind: 'delete'; id: string } | { kind: 'commit' };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), id, text }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
);

async function built(texts: ReadonlyMap<string, string>): Promise<string> {
  const out = join(folder, `index-${made++}`);
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace') });
  for (const [document, content] of texts)
    await builder.add({ id: document, title: '', text: content }, document);
  await builder.finish();
  return out;
}

async function withIndex<T>(path: string, use: (index: LexicalIndex) => Promise<T> | T): Promise<T> {
  const index = await LexicalIndex.open(path);
  try {
    return await use(index);
  } finally {
    await index.close();
  }
}

/** Everything that a reader can ask of an index about these queries. */
async function answers(path: string, queries: readonly string[], ids: readonly string[]) {
  return withIndex(path, async (index) => {
    const weights = queries.flatMap((query) =>
      scorings.map((scoring) => new Map(index.queryWeights(query.split(' '), scoring))),
    );
    const hits = weights.map((each) => [1, 3, 100].map((k) => index.search(each, { k, excluded: ['d3'] })));
    return {
      facts: index.facts,
      statistics: index.statistics,
      weights,
      hits,
      shares: weights.map((each) => ids.map((document) => index.contributions(each, document))),
      vectors: await Promise.all(ids.map((document) => index.vector(document))),
      gone: Array.from({ length: 12 }, (_, i) => index.has(`d${i}`)),
    };
  });
}

describe('searching an index that lives', () => {
  it('gives what a fresh build of the living documents gives, to the last bit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(id, text),
        fc.array(step, { maxLength: 25 }),
        fc.array(text, { minLength: 1, maxLength: 4 }),
        async (first, steps, queries) => {
          const pending = new Map(Object.entries(first));
          const path = await built(pending);
          let committed = new Map(pending);
          const writer = await IndexWriter.open(path);
          for (const each of steps) {
            if (each.kind === 'commit') {
              await writer.commit();
              committed = new Map(pending);
            } else if (each.kind === 'add') {
              await writer.add({ id: each.id, title: '', text: each.text }, each.id);
              pending.set(each.id, each.text);
            } else {
              await writer.delete(each.id);
              pending.delete(each.id);
            }
          }
          await writer.close();
          const ids = [...committed.keys()];
          expect(await answers(path, queries, ids)).toEqual(
            await answers(await built(committed), queries, ids),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stays as it was when it was opened', async () => {
    const path = await built(new Map([['a', 'oak elm'], ['b', 'oak']])); // prettier-ignore
    await withIndex(path, async (index) => {
      const before = index.search(new Map([['oak', 1]]), { k: 10 });
      const writer = await IndexWriter.open(path);
      await writer.delete('a');
      await writer.add({ id: 'c', title: '', text: 'oak oak' }, 'c');
      await writer.commit();
      await writer.close();
      expect(index.search(new Map([['oak', 1]]), { k: 10 })).toEqual(before);
      expect(await index.vector('a')).toEqual(new Map([['elm', 1], ['oak', 1]])); // prettier-ignore
    });
    await withIndex(path, (index) => expect(index.search(new Map([['oak', 1]]), { k: 10 }).map((hit) => hit.id).sort()).toEqual(['b', 'c'])); // prettier-ignore
  });

  it('finds nothing when everything is deleted', async () => {
    const path = await built(new Map([['a', 'oak elm']]));
    const writer = await IndexWriter.open(path);
    await writer.delete('a');
    await writer.commit();
    await writer.close();
    await withIndex(path, async (index) => {
      expect(index.facts).toMatchObject({ documents: 0, terms: 0, postings: 0, tokens: 0 });
      expect(index.search(new Map([['oak', 1]]), { k: 3 })).toEqual([]);
      expect(await index.searchAll([new Map([['oak', 1]])], { k: 3 })).toEqual([[]]);
    });
  });
});

describe('searching on threads', () => {
  it('gives what one thread gives, whatever the threads, in the order of the queries', async () => {
    const texts = new Map(
      Array.from({ length: 300 }, (_, i) => [`d${i}`, words.slice(i % 5, 2 + (i % 7)).join(' ')]),
    );
    const path = await built(texts);
    const writer = await IndexWriter.open(path);
    for (let i = 0; i < 40; i++)
      await writer.add({ id: `d${i * 3}`, title: '', text: 'yew elm yew' }, 'here');
    await writer.commit();
    await writer.close();
    await withIndex(path, async (index) => {
      const queries: TermWeights[] = Array.from({ length: 100 }, (_, i) =>
        index.queryWeights(
          words.filter((__, j) => (i >> (j % 6)) % 2 === 0),
          'bm25q',
        ),
      );
      const one: Hit[][] = queries.map((query) => index.search(query, { k: 7, excluded: ['d3'] }));
      const before = index.postingsRead;
      for (const threads of [1, 2, 3]) {
        expect(await index.searchAll(queries, { k: 7, excluded: ['d3'], threads })).toEqual(one);
      }
      expect(index.postingsRead).toBe(before * 4);
      // An iterable that gives its elements but once.
      const once = new Set(['d3']).values();
      expect(await index.searchAll(queries, { k: 7, excluded: once })).toEqual(one);
      const [some, others] = await Promise.all([
        index.searchAll(queries, { k: 7, excluded: ['d3'] }),
        index.searchAll(queries.slice(0, 3), { k: 7, excluded: ['d3'] }),
      ]);
      expect([some, others]).toEqual([one, one.slice(0, 3)]);
    });
  });

  it('refuses bad weights, k and threads, and stops when it is told to', async () => {
    const path = await built(new Map([['a', 'oak elm']]));
    await withIndex(path, async (index) => {
      const oak = new Map([['oak', 1]]);
      await expect(index.searchAll([new Map([['oak', Number.NaN]])], { k: 1 })).rejects.toMatchObject({
        code: 'BAD_INPUT',
      });
      await expect(index.searchAll([oak], { k: 0 })).rejects.toMatchObject({ code: 'USAGE' });
      await expect(index.searchAll([oak], { k: 1, threads: 0 })).rejects.toMatchObject({ code: 'USAGE' });
      await expect(index.searchAll([oak], { k: 1, signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'ABORTED',
      });
      expect(await index.searchAll([], { k: 1 })).toEqual([]);
      const wrong = 'fast' as 'pruned';
      expect(() => index.search(oak, { k: 1, path: wrong })).toThrow(/no such path: fast/);
      expect(() => index.search({ oak: 1 } as never, { k: 1 })).toThrow(/not a map/);
      expect(() => index.search(new Map([['oak', '1']]) as never, { k: 1 })).toThrow(/the weight of "oak"/);
      expect(() => index.queryWeights(['oak'], 'bm25q', { k1: -1, b: 0.4 })).toThrow(/k1 must be/);
      // What the caller does with the list of queries afterwards does not matter.
      const queries = Array.from({ length: 20 }, () => oak);
      const found = index.searchAll(queries, { k: 1, threads: 1000 });
      queries.length = 1;
      expect(await found).toHaveLength(20);
      expect((await index.searchAll([oak], { k: 1 }))[0]).toHaveLength(1);
    });
  });

  it('goes on after a batch that failed, and says why one ends early', async () => {
    const texts = new Map(Array.from({ length: 3000 }, (_, i) => [`d${i}`, words.join(' ')]));
    const path = await built(texts);
    const index = await LexicalIndex.open(path);
    const oak: TermWeights = new Map([['oak', 1]]);
    const many = Array.from({ length: 2000 }, () => oak);
    const withBad = many.with(1057, new Map([['oak', Number.NaN]]));
    await expect(index.searchAll(withBad, { k: 5 })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(await index.searchAll([oak], { k: 1 })).toEqual([index.search(oak, { k: 1 })]);
    const controller = new AbortController();
    const first = index.searchAll(many, { k: 5 });
    let firstIsDone = false;
    void first.then(() => (firstIsDone = true));
    const second = index.searchAll(many, { k: 5, signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' });
    expect(firstIsDone).toBe(false);
    expect(await first).toHaveLength(many.length);
    const unfinished = index.searchAll(many, { k: 5 });
    const closing = index.close();
    await expect(unfinished).rejects.toMatchObject({ code: 'USAGE', what: 'this index is closed' });
    await closing;
    await expect(index.searchAll(many, { k: 5 })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('gives one ranking after the other, and reads no further than it is asked to', async () => {
    const path = await built(new Map(Array.from({ length: 50 }, (_, i) => [`d${i}`, words.join(' ')])));
    await withIndex(path, async (index) => {
      const oak: TermWeights = new Map([['oak', 1]]);
      let read = 0;
      const queries = Array.from({ length: 5000 }, () => oak);
      const counted = new Proxy(queries, {
        get: (all, name) => {
          if (typeof name === 'string' && /^\d+$/.test(name)) read++;
          return Reflect.get(all, name) as unknown;
        },
      });
      const expected = index.search(oak, { k: 3 });
      let asked = 0;
      for await (const hits of index.searchEach(counted, { k: 3, threads: 2 })) {
        expect(hits).toEqual(expected);
        if (++asked === 10) break;
      }
      expect(read).toBeGreaterThanOrEqual(10);
      expect(read).toBeLessThanOrEqual(64 * 7);
      // What was begun for nobody does no harm.
      expect(await index.searchAll([oak], { k: 3 })).toEqual([expected]);
    });
  });
});
