import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dataFolders, line, pieces } from '../../../test/data-folder.ts';
import { hashedEmbedder } from '../../../test/hashed-embedder.ts';
import type { Embedder } from '../../dense/embedder.ts';
import { openIndexVectors } from '../../dense/index-vectors.ts';
import { LexicalIndex } from '../../lexical/lexical-index.ts';
import type { Build } from './builds.ts';
import type { DataFolder } from './data-folder.ts';

const openedData = dataFolders();

function corpusOf(count: number, word = 'jet'): AsyncIterable<Uint8Array> {
  return pieces(Array.from({ length: count }, (_, i) => line(`d${i}`, `${word} number${i}`)).join(''));
}

/** The states that a build goes through, from now to its end. */
async function statesOf(data: DataFolder, { id }: Build): Promise<Build[]> {
  const all: Build[] = [];
  for await (const build of data.builds.watch(id)) all.push(build);
  return all;
}

async function ended(data: DataFolder, build: Build): Promise<Build> {
  return (await statesOf(data, build)).at(-1)!;
}

async function openedIndex(data: DataFolder, name: string): Promise<LexicalIndex> {
  const index = await data.indexes.open(name, (folder) => LexicalIndex.open(folder));
  onTestFinished(() => index.close());
  return index;
}

/** An embedder that does not answer before `release` is called, and says when it is first asked for documents of a corpus. */
function heldEmbedder(): { embedder: Embedder; asked: Promise<void>; release: () => void } {
  const words = hashedEmbedder();
  let release!: () => void;
  let ask!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const embedder: Embedder = {
    ...words,
    async embed(texts, as, signal, onEmbedded) {
      if (texts[0] !== 'quern') {
        ask();
        const stopped = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
        await Promise.race([held, stopped]);
      }
      return words.embed(texts, as, signal, onEmbedded);
    },
  };
  onTestFinished(() => release());
  return { embedder, asked, release };
}

describe('a build', () => {
  it('makes an index of a corpus that can be searched, and says what it is and what it was built from', async () => {
    const changes: string[] = [];
    const { data, path } = await openedData({ onIndexChange: (name) => changes.push(name) });
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(30));
    const build = await data.indexes.build({ index: 'all', corpus: 'notes', store: true });
    expect(build).toMatchObject({ index: 'all', corpus: 'notes' });
    const last = await ended(data, build);
    expect(last).toMatchObject({
      state: 'done',
      progress: { stage: 'indexing', totalBytes: expect.any(Number) },
      summary: { analyzer: 'english', documents: 30, stored: true, bytes: expect.any(Number) },
    });
    expect([last.requested, last.started, last.ended].map((at) => new Date(at!).toISOString())).toEqual([
      last.requested,
      last.started,
      last.ended,
    ]);
    expect(changes).toEqual(['all']);
    const index = await openedIndex(data, 'all');
    expect(index.search(new Map([['number7', 1]]), { k: 5 })).toMatchObject([{ id: 'd7' }]);
    expect(await index.document('d7')).toMatchObject({ title: 'Jets', text: 'jet number7' });
    const [info] = await data.indexes.list();
    expect(info).toEqual(await data.indexes.get('all'));
    expect(info).toEqual({
      name: 'all',
      documents: 30,
      analyzer: 'english',
      stored: true,
      bytes: last.summary!.bytes,
      generation: 1,
      vectors: [],
      builtFrom: { corpus: 'notes', built: expect.any(String), isCurrent: true },
    });
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(2));
    expect((await data.indexes.get('all')).builtFrom!.isCurrent).toBe(false);
    expect((await readdir(join(path, 'indexes/all'))).sort()).toEqual([
      'built.json',
      'manifest.json',
      'segment-1.quern',
    ]);
    expect(await readdir(join(path, 'indexes'))).toEqual(['all']);
  });

  it('embeds the documents too, and the vectors come with the index', async () => {
    const { data, path } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(600));
    const embedder = hashedEmbedder();
    const build = await data.indexes.build({ index: 'all', corpus: 'notes', dense: embedder });
    const states = await statesOf(data, build);
    expect(states.at(-1)).toMatchObject({
      state: 'done',
      progress: { stage: 'embedding', documents: 600 },
      summary: { vectors: { embedder: 'words', vectors: 600, dimensions: 24 } },
    });
    expect((await data.indexes.get('all')).vectors).toEqual([
      { embedder: 'words', vectors: 600, dimensions: 24 },
    ]);
    const index = await openedIndex(data, 'all');
    const vectors = await data.indexes.open('all', (folder) => openIndexVectors(embedder, { index, folder }));
    onTestFinished(() => vectors.vectors.close());
    expect(vectors.vectors.documents).toBe(600);
    // Built anew without, it has none: they would be of other texts.
    await ended(data, await data.indexes.build({ index: 'all', corpus: 'notes' }));
    expect((await data.indexes.get('all')).vectors).toEqual([]);
    expect(await readdir(join(path, 'indexes'))).toEqual(['all']);
  });

  it('leaves the old index to those who have it open, and in its place until the new one is whole', async () => {
    const { data } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(20, 'old'));
    await ended(data, await data.indexes.build({ index: 'all', corpus: 'notes', store: true }));
    const old = await openedIndex(data, 'all');
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(30, 'new'));
    const { embedder, asked, release } = heldEmbedder();
    const build = await data.indexes.build({ index: 'all', corpus: 'notes', store: true, dense: embedder });
    await asked;
    expect((await data.indexes.get('all')).documents).toBe(20);
    release();
    expect(await ended(data, build)).toMatchObject({ state: 'done' });
    expect(old.search(new Map([['old', 1]]), { k: 100 })).toHaveLength(20);
    expect(await old.document('d3')).toMatchObject({ text: 'old number3' });
    const fresh = await openedIndex(data, 'all');
    expect(fresh.search(new Map([['old', 1]]), { k: 100 })).toEqual([]);
    expect(await fresh.document('d3')).toMatchObject({ text: 'new number3' });
    expect(fresh.state).not.toEqual(old.state);
  });

  it('is of the corpus as it was when it began, whatever is received meanwhile', async () => {
    const { data } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(20, 'old'));
    const { embedder, asked, release } = heldEmbedder();
    const build = await data.indexes.build({ index: 'all', corpus: 'notes', dense: embedder });
    await asked;
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(3, 'new'));
    release();
    expect(await ended(data, build)).toMatchObject({ state: 'done', summary: { documents: 20 } });
    expect((await data.indexes.get('all')).builtFrom!.isCurrent).toBe(false);
  });

  it('that fails says why, names no path of this machine, and leaves the old index', async () => {
    const { data, path } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(3));
    await ended(data, await data.indexes.build({ index: 'all', corpus: 'notes' }));
    await data.corpora.receive('notes', 'corpus.jsonl', pieces(line('a') + line('b') + line('a')));
    const last = await ended(data, await data.indexes.build({ index: 'all', corpus: 'notes' }));
    expect(last).toMatchObject({ state: 'failed', error: { code: 'BAD_INPUT' } });
    expect((last.error as Error).message).toMatch(/^corpus\.jsonl:3: .*corpus\.jsonl:1/u);
    const broken: Embedder = { ...hashedEmbedder(), embed: () => Promise.reject(new Error('broken')) };
    await data.close();
    const ends: Build[] = [];
    const { data: again } = await openedData({ onBuildEnd: (each) => ends.push(each) }, path);
    const failed = await ended(
      again,
      await again.indexes.build({ index: 'all', corpus: 'notes', dense: broken }),
    );
    expect(failed).toMatchObject({ state: 'failed', error: { message: 'broken' } });
    expect(ends).toEqual([failed]);
    expect((await again.indexes.get('all')).documents).toBe(3);
    expect(await readdir(join(path, 'indexes'))).toEqual(['all']);
  });

  it('is refused at once for what cannot be built', async () => {
    const { data, path } = await openedData({ limits: { mostIndexes: 1 } });
    const building = (request: Partial<Parameters<typeof data.indexes.build>[0]>): Promise<Build> =>
      data.indexes.build({ index: 'all', corpus: 'notes', ...request });
    await expect(building({})).rejects.toMatchObject({ code: 'NOT_FOUND', what: 'there is no corpus notes' });
    await data.corpora.receive('notes', 'queries.jsonl', pieces(line('q')));
    await expect(building({})).rejects.toMatchObject({ code: 'NOT_FOUND', where: 'corpora/notes' });
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(1));
    await expect(building({ analyzer: 'x' })).rejects.toMatchObject({ code: 'USAGE' });
    await mkdir(join(path, 'indexes/photos'));
    await writeFile(join(path, 'indexes/photos/cat.jpg'), '');
    await expect(building({ index: 'photos' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(building({})).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(data.builds.list()).toEqual([]);
    expect(existsSync(join(path, 'indexes/photos/cat.jpg'))).toBe(true);
  });

  it('of an index for which there is no room fails, and leaves nothing', async () => {
    const { data, path } = await openedData({ limits: { mostTotalBytes: 8000 } });
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(100));
    const last = await ended(data, await data.indexes.build({ index: 'all', corpus: 'notes', store: true }));
    expect(last).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } });
    expect(await readdir(join(path, 'indexes'))).toEqual([]);
  });
});

describe('builds', () => {
  it('run one at a time, wait in their order, and are refused where too many wait', async () => {
    const { data } = await openedData({ limits: { mostWaiting: 2 } });
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(5));
    const { embedder, asked, release } = heldEmbedder();
    const first = await data.indexes.build({ index: 'a', corpus: 'notes', dense: embedder });
    await asked;
    const others = [
      await data.indexes.build({ index: 'b', corpus: 'notes' }),
      await data.indexes.build({ index: 'c', corpus: 'notes' }),
    ];
    await expect(data.indexes.build({ index: 'd', corpus: 'notes' })).rejects.toMatchObject({
      code: 'OVERLOADED',
    });
    expect(data.builds.list().map(({ index, state }) => `${index} ${state}`)).toEqual([
      'c waiting',
      'b waiting',
      'a running',
    ]);
    release();
    const ends = await Promise.all([first, ...others].map((each) => ended(data, each)));
    expect(ends.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    const [a, b, c] = ends;
    expect([a!.ended! <= b!.started!, b!.ended! <= c!.started!]).toEqual([true, true]);
  });

  it('can be cancelled, waiting or running, and leave nothing', async () => {
    const { data, path } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(5));
    const { embedder, asked } = heldEmbedder();
    const running = await data.indexes.build({ index: 'a', corpus: 'notes', dense: embedder });
    const waiting = await data.indexes.build({ index: 'b', corpus: 'notes' });
    await asked;
    expect(await data.builds.cancel(waiting.id)).toMatchObject({ state: 'cancelled' });
    const cancelled = await data.builds.cancel(running.id);
    expect(cancelled).toMatchObject({ state: 'cancelled', ended: expect.any(String) });
    expect(await data.builds.cancel(running.id)).toEqual(cancelled);
    expect(await readdir(join(path, 'indexes'))).toEqual([]);
    await expect(data.builds.cancel('x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // The next one runs.
    const next = await data.indexes.build({ index: 'a', corpus: 'notes' });
    expect(await ended(data, next)).toMatchObject({ state: 'done' });
  });

  it('hold what they read and what they make: neither can be deleted', async () => {
    const { data } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(5));
    await ended(data, await data.indexes.build({ index: 'a', corpus: 'notes' }));
    const { embedder, asked, release } = heldEmbedder();
    const build = await data.indexes.build({ index: 'a', corpus: 'notes', dense: embedder });
    await asked;
    await expect(data.corpora.delete('notes')).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(data.indexes.delete('a')).rejects.toMatchObject({ code: 'LOCKED' });
    release();
    await ended(data, build);
    await data.indexes.delete('a');
    await data.corpora.delete('notes');
    expect([await data.indexes.list(), await data.corpora.list(), data.bytes]).toEqual([[], [], 0]);
  });

  it('are watched until they end, or until nobody watches', async () => {
    const { data } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(5));
    const { embedder, asked, release } = heldEmbedder();
    const build = await data.indexes.build({ index: 'a', corpus: 'notes', dense: embedder });
    await asked;
    const leaving = new AbortController();
    const seen: string[] = [];
    for await (const { state } of data.builds.watch(build.id, leaving.signal)) {
      seen.push(state);
      leaving.abort();
    }
    expect(seen).toEqual(['running']);
    release();
    const states = await statesOf(data, build);
    expect(states.at(-1)!.state).toBe('done');
    expect(await statesOf(data, build)).toEqual([states.at(-1)]);
    expect(() => data.builds.watch('x')).toThrow('no such build');
  });

  it('are remembered, the last hundred', async () => {
    const { data } = await openedData({ limits: { mostWaiting: 200 } });
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(1));
    const builds: Build[] = [];
    for (let i = 0; i < 104; i++) {
      const build = await data.indexes.build({ index: 'a', corpus: 'notes' });
      await data.builds.cancel(build.id);
      builds.push(build);
    }
    expect(data.builds.list().map(({ id }) => id)).toEqual(
      builds
        .slice(-100)
        .map(({ id }) => id)
        .toReversed(),
    );
  });

  it('are stopped when the folder is closed', async () => {
    const { data, path } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', corpusOf(5));
    const { embedder, asked } = heldEmbedder();
    const build = await data.indexes.build({ index: 'a', corpus: 'notes', dense: embedder });
    await asked;
    await data.close();
    expect(data.builds.get(build.id).state).toBe('cancelled');
    expect(await readdir(join(path, 'indexes'))).toEqual([]);
    await expect(data.indexes.build({ index: 'a', corpus: 'notes' })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});
