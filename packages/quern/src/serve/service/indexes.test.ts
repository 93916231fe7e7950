import { readdirSync, readlinkSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { builtIndex } from '../../../test/service-of.ts';
import { hashedEmbedder } from '../../../test/hashed-embedder.ts';
import { quern } from '../../../test/run-quern.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { embedCorpus } from '../../dense/embed-corpus.ts';
import type { TextCorpus } from '../../collections/corpus.ts';
import { appendCorpus } from '../../lexical/append-corpus.ts';
import { indexCorpus } from '../../lexical/index-corpus.ts';
import { Warnings } from '../../warnings.ts';
import { Indexes } from './indexes.ts';

const folder = temporaryFolder();
let made = 0;
const open: Indexes[] = [];
const failures: string[] = [];
afterEach(async () => {
  for (const indexes of open.splice(0)) await indexes.close();
});

const none = {
  names: [],
  named: () => undefined,
  open: <T>(_: string, opened: () => Promise<T>) => opened(),
};

function indexesOf(index: string, built: ConstructorParameters<typeof Indexes>[1] = none): Indexes {
  const declared = index === '' ? [] : ([['trees', { index, retriever: 'bm25' }]] as const);
  failures.length = 0;
  const indexes = new Indexes(new Map(declared), built, {
    warnings: new Warnings(),
    failed: (what, code) => void failures.push(`${what}: ${code}`),
  });
  open.push(indexes);
  return indexes;
}

function corpusOf(texts: Readonly<Record<string, string>>): TextCorpus {
  return {
    kind: 'text',
    async *documents() {
      for (const [id, text] of Object.entries(texts)) yield { where: id, document: { id, title: '', text } };
    },
  };
}

function newFolder(): string {
  return join(folder, `index-${made++}`);
}

/** The ids that a search for a word finds, and the texts that are stored of them. */
async function found(indexes: Indexes, word: string, name = 'trees'): Promise<string[]> {
  return indexes.use(name, 'index', async (each) => {
    const retriever = await each.retriever('bm25', new Map());
    const hits = await retriever.search(word, { k: 10 });
    await later(1);
    if (!('document' in each.index)) return hits.map(({ id }) => id);
    return Promise.all(hits.map(async ({ id }) => `${id}: ${(await each.index.document(id))!.text}`));
  });
}

/** Searches without a pause until told to stop; all that was found and all that went wrong. */
function searching(
  indexes: Indexes,
  word: string,
): { stop(): Promise<{ found: Set<string>; failed: unknown[] }> } {
  const stopping = new AbortController();
  const seen = new Set<string>();
  const failed: unknown[] = [];
  const one = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        seen.add((await found(indexes, word)).join('; '));
      } catch (error) {
        failed.push(error);
      }
    }
  };
  const all = Array.from({ length: 8 }, one);
  return {
    async stop() {
      stopping.abort();
      await Promise.all(all);
      return { found: seen, failed };
    },
  };
}

/** Files below a folder that this process has open. */
function openFiles(below: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${name}`);
      return file.startsWith(`${below}/`) ? [file] : [];
    } catch {
      return [];
    }
  });
}

const soon = { timeout: 20_000, interval: 50 };

describe('an index that changes on disk while it is searched', () => {
  it('is searched in its new state after quern index --append and delete, no search fails, and no file stays open', async () => {
    const index = await builtIndex(newFolder(), { a: 'ash elm' });
    const more = join(folder, 'more.jsonl');
    writeFileSync(more, '{"_id": "b", "text": "ash ash"}\n');
    const indexes = indexesOf(index);
    const searches = searching(indexes, 'ash');
    expect(await found(indexes, 'ash')).toEqual(['a: ash elm']);
    const appended = await quern(['index', more, '--append', '--out', index, '--format', 'jsonl']);
    expect([appended.code, appended.stderr.includes('error')]).toEqual([0, false]);
    await expect.poll(() => found(indexes, 'ash'), soon).toEqual(['b: ash ash', 'a: ash elm']);
    expect((await quern(['index', 'delete', index, 'a'])).code).toBe(0);
    await expect.poll(() => found(indexes, 'ash'), soon).toEqual(['b: ash ash']);
    const { found: seen, failed } = await searches.stop();
    expect(failed).toEqual([]);
    expect([...seen]).toEqual(['a: ash elm', 'b: ash ash; a: ash elm', 'b: ash ash']);
    const files = openFiles(index);
    expect(new Set(files).size).toBe(files.length);
    await indexes.close();
    expect(openFiles(index)).toEqual([]);
  });
  it('is searched in its new state after another took its place, many times over', async () => {
    const index = await builtIndex(newFolder(), { v0: 'ash' });
    const indexes = indexesOf(index);
    const searches = searching(indexes, 'ash');
    for (let version = 1; version <= 3; version++) {
      const next = await builtIndex(newFolder(), { [`v${version}`]: 'ash' });
      renameSync(index, `${index}-${version}`);
      // In this moment there is none.
      await later(20);
      renameSync(next, index);
      await expect.poll(() => found(indexes, 'ash'), soon).toEqual([`v${version}: ash`]);
    }
    const { found: seen, failed } = await searches.stop();
    expect(failed).toEqual([]);
    expect([...seen]).toEqual(['v0: ash', 'v1: ash', 'v2: ash', 'v3: ash']);
    for (let version = 1; version <= 3; version++) expect(openFiles(`${index}-${version}`)).toEqual([]);
  });
  it('is searched as it was where it is removed, or what is there now is damaged', async () => {
    const index = await builtIndex(newFolder(), { a: 'ash' });
    const indexes = indexesOf(index);
    expect(await found(indexes, 'ash')).toEqual(['a: ash']);
    rmSync(index, { recursive: true });
    await later(1100);
    expect(await found(indexes, 'ash')).toEqual(['a: ash']);
    const broken = await builtIndex(newFolder(), { b: 'ash' });
    const segment = (await readdir(broken)).find((name) => name.startsWith('segment-'))!;
    truncateSync(join(broken, segment), 100);
    renameSync(broken, index);
    await later(1100);
    expect(await found(indexes, 'ash')).toEqual(['a: ash']);
    expect(openFiles(index).filter((file) => !file.endsWith(' (deleted)'))).toEqual([]);
    await later(1100);
    expect(await found(indexes, 'ash')).toEqual(['a: ash']);
    // Told once.
    expect(failures).toEqual(['index trees: CORRUPT_FILE']);
    rmSync(index, { recursive: true });
    renameSync(await builtIndex(newFolder(), { c: 'ash' }), index);
    await expect.poll(() => found(indexes, 'ash'), soon).toEqual(['c: ash']);
  });
  it('is not taken before its vectors are there, which were searched before', async () => {
    const embedder = hashedEmbedder();
    const index = newFolder();
    await indexCorpus(corpusOf({ a: 'ash elm' }), { out: index, analyzer: 'whitespace' });
    await embedCorpus(corpusOf({ a: 'ash elm' }), { folder: index, embedder });
    const indexes = indexesOf(index);
    const dense = (): Promise<string[]> =>
      indexes.use('trees', 'index', async (each) => {
        const retriever = await each.retriever('dense:words', new Map([['words', embedder]]));
        return (await retriever.search('ash', { k: 10 })).map(({ id }) => id);
      });
    expect(await dense()).toEqual(['a']);
    await appendCorpus(corpusOf({ b: 'ash' }), { out: index });
    await later(1100);
    expect(await dense()).toEqual(['a']);
    await embedCorpus(corpusOf({ b: 'ash' }), { folder: index, embedder, append: true });
    await expect.poll(dense, soon).toEqual(['b', 'a']);
    // Vectors that were made anew, of the same documents.
    const before = openFiles(index);
    await embedCorpus(corpusOf({ a: 'ash elm', b: 'ash' }), { folder: index, embedder, precision: 'i8' });
    await expect
      .poll(async () => {
        await dense();
        return openFiles(index).some((file) => before.includes(file) && file.includes('dense-'));
      }, soon)
      .toBe(false);
  });
});

describe('an index that was built', () => {
  it('is gone, or another, as soon as it is forgotten', async () => {
    let index: string | undefined = await builtIndex(newFolder(), { a: 'ash' });
    const built = {
      get names() {
        return index === undefined ? [] : ['made'];
      },
      named: (name: string) =>
        name === 'made' && index !== undefined ? { index, retriever: 'bm25' } : undefined,
      open: <T>(_: string, opened: () => Promise<T>) => opened(),
    };
    const indexes = indexesOf('', built);
    expect(await found(indexes, 'ash', 'made')).toEqual(['a: ash']);
    const first = index;
    index = await builtIndex(newFolder(), { b: 'ash' });
    await indexes.forget('made');
    expect(openFiles(first)).toEqual([]);
    expect(await found(indexes, 'ash', 'made')).toEqual(['b: ash']);
    index = undefined;
    await indexes.forget('made');
    await expect(found(indexes, 'ash', 'made')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an index that cannot be opened', () => {
  it('is unavailable, which says nothing of where it lies, and is tried again by the next search', async () => {
    const index = newFolder();
    const indexes = indexesOf(index);
    const error = await found(indexes, 'ash').catch((each: unknown) => each as Error);
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: 'the index trees cannot be opened' });
    expect((error as Error).cause).toMatchObject({ code: 'NOT_FOUND' });
    await builtIndex(index, { a: 'ash' });
    expect(await found(indexes, 'ash')).toEqual(['a: ash']);
  });
});

it('hands out no index that was let go, whenever that is', async () => {
  const index = await builtIndex(newFolder(), { a: 'oak' });
  const indexes = indexesOf('', {
    names: ['trees'],
    named: () => ({ index, retriever: 'bm25' }),
    open: (_, opened) => opened(),
  });
  for (const isOpen of [false, true]) {
    for (let turns = 0; turns < 12; turns++) {
      if (isOpen) await indexes.use('trees', 'index', async () => undefined);
      const hits = indexes.use('trees', 'index', async (each) => {
        await Promise.resolve();
        return 'search' in each.index && each.index.search(new Map([['oak', 1]]), { k: 5 });
      });
      for (let i = 0; i < turns; i++) await Promise.resolve();
      await indexes.forget('trees');
      expect(await hits).toMatchObject([{ id: 'a' }]);
    }
  }
});
