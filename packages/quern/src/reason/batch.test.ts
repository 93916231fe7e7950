import { existsSync, writeFileSync, appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answer, beside, counting, endingAt, queries, records } from '../../test/batch-reasoners.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { QuernError } from '../errors.ts';
import { reasonBatch } from './batch.ts';
import { readBatchQueries } from './batch/batch-queries.ts';
import { BoundedReasoner } from './bounded.ts';
import { ReasonedQueryCache } from './cache/reasoned-query-cache.ts';
import { CachedReasoner } from './cached-reasoner.ts';
import type { Reasoner } from './reasoner.ts';

const folder = temporaryFolder();
let files = 0;

function fresh(): string {
  return join(folder, `batch-${files++}.jsonl`);
}

describe('a batch', () => {
  it('is written in the order of its queries, several at once, and leaves nothing beside', async () => {
    const out = fresh();
    const summary = await reasonBatch(counting({}, 3), queries, { out });
    expect(records(out).map(({ id, query, text }) => [id, query, text])).toEqual(
      queries.map(({ id, query }) => [id, query, `${query} because 0`]),
    );
    expect(summary).toMatchObject({ queries: 4, resumed: 0, failed: 0, completionTokens: 8 });
    expect(existsSync(`${out}.partial`)).toBe(false);
  });

  it('has as many samples of each query as it is asked for', async () => {
    const out = fresh();
    await reasonBatch(counting(), queries.slice(0, 2), { out, samples: 2 });
    expect(records(out).map(({ query, sample, text }) => [query, sample, text])).toEqual([
      ['a', 0, 'a because 0'],
      ['a', 1, 'a because 1'],
      ['b', 0, 'b because 0'],
      ['b', 1, 'b because 1'],
    ]);
  });

  it('goes on where it was ended, though its last line was cut short', async () => {
    const out = fresh();
    await expect(reasonBatch(endingAt('c'), queries, { out })).rejects.toMatchObject({ code: 'NETWORK' });
    expect(existsSync(out)).toBe(false);
    appendFileSync(`${out}.partial`, '{"position":2,"sample":0,"reas');
    const mended = counting();
    const summary = await reasonBatch(mended, queries, { out });
    expect(mended.asked).toEqual(['c/0', 'd/0']);
    expect(summary).toMatchObject({ queries: 4, resumed: 2, completionTokens: 4 });
    expect(records(out).map(({ text }) => text)).toEqual(queries.map(({ query }) => `${query} because 0`));
  });

  it('asks again for what failed before', async () => {
    const out = fresh();
    const upset = counting({
      b: () => answer('b', '', 'failed'),
      d: () => {
        throw new QuernError('NETWORK', 'gone');
      },
    });
    await expect(reasonBatch(upset, queries, { out })).rejects.toThrow('gone');
    const mended = counting();
    await reasonBatch(mended, queries, { out });
    expect(mended.asked).toEqual(['b/0', 'd/0']);
    expect(records(out)[1]).toMatchObject({ finish: 'stop', text: 'b because 0' });
  });

  it('is not mixed with another one', async () => {
    const out = fresh();
    await expect(reasonBatch(endingAt('d'), queries, { out })).rejects.toThrow('gone');
    for (const other of [
      () => reasonBatch(counting(), queries.slice(1), { out }),
      () => reasonBatch(counting(), queries, { out, samples: 2 }),
      () => reasonBatch({ ...counting(), cacheKey: async () => 'another model' }, queries, { out }),
    ]) {
      await expect(other()).rejects.toMatchObject({ code: 'ALREADY_EXISTS', where: `${out}.partial` });
    }
    expect(await reasonBatch(counting(), queries, { out })).toMatchObject({ resumed: 3 });
  });

  it.each([
    ['a file of somebody else', 'my notes\n'],
    ['one without a line end', 'my notes'],
  ])('does not overwrite %s beside its own', async (_, content) => {
    const out = fresh();
    writeFileSync(`${out}.partial`, content);
    await expect(reasonBatch(counting(), queries, { out })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(readFileSync(`${out}.partial`, 'utf8')).toBe(content);
  });

  it('goes through its queries anew each time, and ends where they are others than before', async () => {
    const out = fresh();
    let passes = 0;
    const changing = {
      *[Symbol.iterator]() {
        passes++;
        yield* passes < 3 ? queries : queries.with(2, { id: 'id2', query: 'another' });
      },
    };
    const reasoner = counting();
    await expect(reasonBatch(reasoner, changing, { out })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(beside(out)).toEqual(['.partial']);
    expect(await reasonBatch(reasoner, queries, { out })).toMatchObject({ resumed: 4 });
    expect(reasoner.asked).toHaveLength(4);
  });

  it('ends where no server is left, though its reasoner fails open, and asks for nothing more', async () => {
    const out = fresh();
    const failure = { code: 'UNAVAILABLE', message: 'no server is left to ask' } as const;
    const reasoner = counting({ c: () => ({ ...answer('c', '', 'failed'), failure }) });
    await expect(reasonBatch(reasoner, queries, { out })).rejects.toMatchObject(failure);
    expect(reasoner.asked).toEqual(['a/0', 'b/0', 'c/0']);
    expect(await reasonBatch(counting(), queries, { out })).toMatchObject({ resumed: 2 });
  });

  it('tells how far it is, from where it was', async () => {
    const out = fresh();
    await expect(reasonBatch(endingAt('c'), queries, { out })).rejects.toThrow('gone');
    const told: number[][] = [];
    await reasonBatch(counting(), queries, {
      out,
      onBegin: (total, resumed) => told.push([resumed, total]),
      onDone: (done, total) => told.push([done, total]),
    });
    expect(told).toEqual([
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
  });

  it('keeps term weights', async () => {
    const out = fresh();
    const weighing: Reasoner = {
      ...counting(),
      reason: async (query) => ({ ...answer(query, ''), weights: new Map([['term', 0.5]]) }),
    };
    await reasonBatch(weighing, queries.slice(0, 1), { out });
    expect(records(out)[0]).toMatchObject({ weights: { term: 0.5 } });
  });

  it('ends when it is told to, and loses nothing', async () => {
    const out = fresh();
    const controller = new AbortController();
    const upset: Reasoner = {
      ...counting(),
      async reason(query, { signal } = {}) {
        if (query === 'c') controller.abort();
        if (signal?.aborted) throw new QuernError('ABORTED', 'stopped on request');
        return answer(query, query);
      },
    };
    await expect(reasonBatch(upset, queries, { out, signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(await reasonBatch(counting(), queries, { out })).toMatchObject({ resumed: 2 });
  });
});

describe('two runs of a batch at once', () => {
  it('are one: the other is told who is at it, and spoils nothing', async () => {
    const out = fresh();
    let second: Promise<unknown> | undefined;
    const slow: Reasoner = {
      ...counting(),
      async reason(query) {
        second ??= reasonBatch(counting(), queries, { out }).catch((error: unknown) => error);
        await second;
        return answer(query, query);
      },
    };
    await reasonBatch(slow, queries, { out });
    expect(await second).toMatchObject({
      code: 'LOCKED',
      where: out,
      message: expect.stringContaining('is being written by this process'),
    });
    expect(records(out).map(({ text }) => text)).toEqual(['a', 'b', 'c', 'd']);
    expect(beside(out)).toEqual([]);
  });

  it('leave no lock where one fails, and no journal where nothing was done', async () => {
    const out = fresh();
    await expect(reasonBatch(endingAt('a'), queries, { out })).rejects.toThrow('gone');
    expect(beside(out)).toEqual([]);
    await expect(reasonBatch(endingAt('b'), queries, { out })).rejects.toThrow('gone');
    expect(beside(out)).toEqual(['.partial']);
  });
});

describe('a batch of a reasoner within bounds, behind a cache', () => {
  it('is another one with another seed', async () => {
    const out = fresh();
    const cache = await ReasonedQueryCache.open(join(folder, 'cache'));
    const controller = new AbortController();
    const seeded = (seed: number): Reasoner => {
      const model: Reasoner = {
        ...counting(),
        async reason(query) {
          if (query === 'c') controller.abort();
          return answer(query, `${query} with ${seed}`);
        },
        cacheKey: async (query) => JSON.stringify([query, seed]),
      };
      return new BoundedReasoner(new CachedReasoner(model, cache));
    };
    await expect(reasonBatch(seeded(1), queries, { out, signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(reasonBatch(seeded(2), queries, { out })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      where: `${out}.partial`,
    });
    expect(await reasonBatch(seeded(1), queries, { out })).toMatchObject({ resumed: 2 });
    expect(records(out).map(({ text }) => text)).toEqual(queries.map(({ query }) => `${query} with 1`));
    await expect(reasonBatch(seeded(2), queries, { out })).rejects.toMatchObject({ where: out });
    await cache.close();
  });
});

describe('the queries of a batch', () => {
  it('are records with a query or a text, with an id or without, plain or gzipped', async () => {
    const lines = '{"_id": "1", "text": "a"}\n\n{"query": "b"}\n{"id": 3, "query": "c", "text": "ignored"}\n';
    const expected = [{ id: '1', query: 'a' }, { query: 'b' }, { id: '3', query: 'c' }];
    writeFileSync(join(folder, 'plain.jsonl'), lines);
    writeFileSync(join(folder, 'packed.jsonl.gz'), gzipSync(lines));
    expect(await readBatchQueries(join(folder, 'plain.jsonl'))).toEqual(expected);
    expect(await readBatchQueries(join(folder, 'packed.jsonl.gz'))).toEqual(expected);
  });

  it.each([
    ['{"id": "1"}', 1],
    ['{"query": "a"}\n{"query": " "}', 2],
    ['{"query": 3}', 1],
    ['{"query": "a"}\nnot JSON', 2],
  ])('are refused at the line that has none: %j', async (content, line) => {
    const path = join(folder, 'refused.jsonl');
    writeFileSync(path, content);
    await expect(readBatchQueries(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      where: `${path}:${line}`,
    });
  });

  it('are at least one', async () => {
    writeFileSync(join(folder, 'empty.jsonl'), '\n');
    await expect(readBatchQueries(join(folder, 'empty.jsonl'))).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
