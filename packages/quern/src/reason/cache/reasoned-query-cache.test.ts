import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open as openDatabase } from 'lmdb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { reasonedQuery } from '../../../test/reasoned-query.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { Warnings } from '../../warnings.ts';
import { databasePlaces } from './database-opening.ts';
import { ReasonedQueryCache, type ReasonedQueryCacheOptions } from './reasoned-query-cache.ts';
import type { ReasonedQuery } from '../reasoner.ts';

const folder = temporaryFolder();
const day = 24 * 60 * 60 * 1000;
let folders = 0;
const open: ReasonedQueryCache[] = [];

function newFolder(): string {
  return join(folder, `cache ${folders++}`);
}

async function cacheIn(at: string, options?: ReasonedQueryCacheOptions): Promise<ReasonedQueryCache> {
  const cache = await ReasonedQueryCache.open(at, options);
  open.push(cache);
  return cache;
}

/** A folder with a cache of so many entries, `key 0` and on. */
async function filledFolder(entries: number, text = 'text '.repeat(600)): Promise<string> {
  const at = newFolder();
  const cache = await cacheIn(at);
  const putting = Array.from({ length: entries }, (_, i) =>
    cache.put(`key ${i}`, reasonedQuery(`query ${i}`, { text })),
  );
  expect(await Promise.all(putting)).not.toContain(false);
  await cache.close();
  return at;
}

type Places = ReturnType<typeof databasePlaces>;
type Damaging = (places: Places) => Promise<void>;

async function altered({ file }: Places, alter: (bytes: Buffer) => unknown): Promise<void> {
  const bytes = await readFile(file);
  alter(bytes);
  await writeFile(file, bytes);
}

function replacedByFolder(what: 'file' | 'lock'): Damaging {
  return async (places) => {
    await rm(places[what]);
    await mkdir(join(places[what], 'in it'), { recursive: true });
  };
}

async function replacedByFile(places: Places): Promise<void> {
  await rm(places.folder, { recursive: true });
  await writeFile(places.folder, 'no folder');
}

async function replacedStamp({ stamp }: Places): Promise<void> {
  await rm(stamp);
  await mkdir(stamp);
}

afterEach(async () => {
  vi.useRealTimers();
  for (const cache of open.splice(0)) await cache.close();
});

describe('the cache of reasoned queries', () => {
  it('has what was put into it, also when it is opened again', async () => {
    const at = newFolder();
    const cost = { amount: 0.01, currency: 'USD' };
    const reasoned = reasonedQuery('why', { seed: 7, finish: 'length', text: 'lone \ud800 é 漢', cost });
    const first = await cacheIn(at);
    const before = Date.now();
    expect(await first.get('key')).toBeUndefined();
    expect(await first.put('key', reasoned)).toBe(true);
    const { cost: _, cached: __, ...kept } = reasoned;
    const expected = { ...kept, currency: 'USD' };
    expect(await first.get('key')).toMatchObject(expected);
    await first.close();
    const again = await (await cacheIn(at)).get('key');
    expect(again).toMatchObject(expected);
    expect(again!.created).toBeGreaterThanOrEqual(before);
    expect(again!.used).toBe(again!.created);
  });

  it('keeps the last that is put under a key', async () => {
    const cache = await cacheIn(newFolder());
    await cache.put('key', reasonedQuery('why', { text: 'first' }));
    await cache.put('key', reasonedQuery('why', { text: 'second' }));
    expect(await cache.get('key')).toMatchObject({ text: 'second' });
    expect(await cache.stats()).toMatchObject({ entries: 1 });
  });

  it('has keys and queries of any length and content apart', async () => {
    const cache = await cacheIn(newFolder());
    const long = 'x'.repeat(3_000_000);
    const keys = ['', ' ', '\0', '\ud800', '\udbff', '\ufffd', long, `${long} `];
    for (const key of keys) await cache.put(key, reasonedQuery(key));
    for (const key of keys) expect((await cache.get(key))!.query).toBe(key);
    expect((await cache.stats()).entries).toBe(keys.length);
  });

  it.each<[string, Partial<ReasonedQuery>]>([
    ['failed', { finish: 'failed', failure: { code: 'NETWORK', message: 'no answer' } }],
    ['was skipped', { finish: 'skipped' }],
    ['is empty', { text: '' }],
    ['is blank', { text: ' \n' }],
    ['is a set of weights', { weights: new Map([['term', 1]]) }],
    ['has a number of tokens that is none', { completionTokens: Number.NaN }],
  ])('does not store what %s', async (_, changes) => {
    const cache = await cacheIn(newFolder());
    expect(await cache.put('key', reasonedQuery('why', changes))).toBe(false);
    expect(await cache.stats()).toMatchObject({ entries: 0 });
  });

  it('says what it holds', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    const cache = await cacheIn(newFolder());
    await cache.put('a', reasonedQuery('a', { text: 'é' }));
    vi.setSystemTime(2_000_000);
    await cache.put('b', reasonedQuery('b', { text: 'xyz' }));
    await cache.put('c', reasonedQuery('c', { text: 'z', reasoner: 'other', finish: 'early' }));
    const { bytesOnDisk, ...stats } = await cache.stats();
    expect(stats).toEqual({
      entries: 3,
      bytesOfText: 6,
      oldest: 1_000_000,
      newest: 2_000_000,
      reasoners: [
        { reasoner: 'test', entries: 2, promptTokens: 140, completionTokens: 60 },
        { reasoner: 'other', entries: 1, promptTokens: 70, completionTokens: 30 },
      ],
    });
    expect(bytesOnDisk).toBeGreaterThan(4096);
  });

  it('is there only where it was made, for who does not want to make one', async () => {
    const at = newFolder();
    expect(await ReasonedQueryCache.openExisting(at)).toBeUndefined();
    expect(existsSync(at)).toBe(false);
    await (await cacheIn(at)).close();
    const existing = await ReasonedQueryCache.openExisting(at);
    open.push(existing!);
    expect(await existing!.stats()).toMatchObject({ entries: 0, reasoners: [] });
  });

  it('clears away what a process that was killed left half-done', async () => {
    const at = await filledFolder(1);
    const { folder: inside, file } = databasePlaces(at);
    const before = await readdir(inside);
    await writeFile(`${file}.${randomUUID()}.tmp`, 'half a copy');
    await cacheIn(at);
    expect(await readdir(inside)).toEqual(before);
  });

  it('is for its owner only', async () => {
    const at = await filledFolder(1);
    const places = databasePlaces(at);
    const modes = [at, places.folder, places.file].map((path) => statSync(path).mode & 0o077);
    expect(modes).toEqual([0, 0, 0]);
  });

  it('may be open twice, and works until both are closed', async () => {
    const at = newFolder();
    const [first, second] = await Promise.all([cacheIn(at), cacheIn(at)]);
    await first.put('key', reasonedQuery('why'));
    await first.close();
    await first.close();
    expect(await second.get('key')).toMatchObject({ query: 'why' });
    await second.clear();
    await second.put('other', reasonedQuery('how'));
    await second.close();
    expect(await (await cacheIn(at)).get('other')).toMatchObject({ query: 'how' });
  });
});

describe('pruning', () => {
  it('removes what was neither made nor used for so long', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 100 * day });
    const cache = await cacheIn(newFolder());
    await cache.put('unused', reasonedQuery('unused'));
    await cache.put('used', reasonedQuery('used'));
    vi.setSystemTime(120 * day);
    await cache.put('new', reasonedQuery('new'));
    await cache.get('used');
    vi.setSystemTime(121 * day);
    expect(await cache.prune({ olderThan: 21 * day })).toBe(0);
    expect(await cache.prune({ olderThan: 20 * day })).toBe(1);
    expect(await cache.get('unused')).toBeUndefined();
    expect(await cache.get('used')).toMatchObject({ created: 100 * day, used: 120 * day });
    expect(await cache.get('new')).toBeDefined();
  });

  it('removes what is of a reasoner', async () => {
    const cache = await cacheIn(newFolder());
    await cache.put('a', reasonedQuery('a'));
    await cache.put('b', reasonedQuery('b', { reasoner: 'other' }));
    expect(await cache.prune({ reasoner: 'othe' })).toBe(0);
    expect(await cache.prune({ reasoner: 'other' })).toBe(1);
    expect((await cache.stats()).reasoners.map(({ reasoner }) => reasoner)).toEqual(['test']);
  });

  it('removes the longest unused until the rest is small enough, and gives the space back', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: day });
    const at = newFolder();
    const cache = await cacheIn(at);
    const text = 'x'.repeat(10_000);
    for (let i = 0; i < 40; i++) {
      vi.setSystemTime(day + i);
      await cache.put(`key ${i}`, reasonedQuery(`query ${i}`, { text }));
    }
    const removed = await cache.prune({ maxBytes: 200_000 });
    const { entries, bytesOnDisk } = await cache.stats();
    expect(entries).toBe(40 - removed);
    expect(entries).toBeGreaterThan(12);
    expect(bytesOnDisk).toBeLessThan(220_000);
    expect(await cache.get(`key ${removed - 1}`)).toBeUndefined();
    expect(await cache.get(`key ${removed}`)).toMatchObject({ text });
    expect(await cache.clear()).toBe(entries);
    expect((await cache.stats()).bytesOnDisk).toBeLessThan(20_000);
    expect(await cache.put('key', reasonedQuery('why'))).toBe(true);
    await cache.close();
    expect(await (await cacheIn(at)).get('key')).toMatchObject({ query: 'why' });
  });

  it('goes on by itself when there is more than it may hold', async () => {
    const cache = await cacheIn(newFolder(), { maxBytes: 200_000 });
    const text = 'x'.repeat(10_000);
    for (let i = 0; i < 60; i++) await cache.put(`key ${i}`, reasonedQuery('why', { text }));
    const { entries, bytesOnDisk } = await cache.stats();
    expect(entries).toBeGreaterThan(10);
    expect(entries).toBeLessThan(20);
    expect(bytesOnDisk).toBeLessThan(400_000);
    expect(await cache.get('key 59')).toBeDefined();
  });

  it('leaves the space where another part of the process has the cache open', async () => {
    const at = await filledFolder(20);
    const [cache, other] = await Promise.all([cacheIn(at), cacheIn(at)]);
    const { bytesOnDisk } = await cache.stats();
    expect(await cache.clear()).toBe(20);
    expect((await cache.stats()).bytesOnDisk).toBeGreaterThanOrEqual(bytesOnDisk);
    await other.put('key', reasonedQuery('why'));
    expect(await cache.get('key')).toBeDefined();
  });

  it('goes on while others read and write', async () => {
    const cache = await cacheIn(await filledFolder(50));
    const putting = Array.from({ length: 50 }, async (_, i) => {
      const [isStored] = await Promise.all([
        cache.put(`new ${i}`, reasonedQuery(`new ${i}`, { reasoner: 'new' })),
        cache.get(`key ${i}`),
        i % 10 === 0 ? cache.prune({ reasoner: 'test' }) : undefined,
      ]);
      return isStored;
    });
    expect(await Promise.all(putting)).not.toContain(false);
    expect(await cache.stats()).toMatchObject({ entries: 50 });
  });

  it.each([{ olderThan: -1 }, { olderThan: Number.NaN }, { maxBytes: -1 }, { maxBytes: Infinity }])(
    'refuses %o',
    async (options) => {
      const cache = await cacheIn(newFolder());
      await expect(cache.prune(options)).rejects.toMatchObject({ code: 'USAGE' });
    },
  );
});

describe('a damaged cache', () => {
  it('counts an entry whose bytes were altered as absent, removes it and says so', async () => {
    const at = await filledFolder(3, 'somewhere in the file');
    const { file } = databasePlaces(at);
    const bytes = await readFile(file);
    for (let i = bytes.indexOf('somewhere in'); i >= 0; i = bytes.indexOf('somewhere in', i + 1)) {
      bytes[i]++;
    }
    await writeFile(file, bytes);
    const warnings = new Warnings();
    const cache = await cacheIn(at, { warnings });
    expect(await cache.get('key 0')).toBeUndefined();
    expect(await cache.stats()).toMatchObject({ entries: 0 });
    const message = 'a damaged reasoned query was removed from the cache';
    expect(warnings.list()).toMatchObject([{ message, count: 3 }]);
    expect(await cache.put('key 0', reasonedQuery('query 0'))).toBe(true);
    expect(await cache.get('key 0')).toBeDefined();
    expect(warnings.list()).toHaveLength(1);
  });

  const damages: [string, Damaging][] = [
    ['was cut in half', async ({ file }) => truncate(file, Math.floor(statSync(file).size / 2))],
    ['was cut off within its first page', async ({ file }) => truncate(file, 100)],
    ['lost its last page', async ({ file }) => truncate(file, statSync(file).size - 4096)],
    ['has a head of garbage', (places) => altered(places, (bytes) => randomBytes(200).copy(bytes))],
    ['is of zeros', (places) => altered(places, (bytes) => bytes.fill(0))],
    ['is noise', (places) => altered(places, (bytes) => randomBytes(bytes.length).copy(bytes))],
    ['is of another format', (places) => altered(places, (bytes) => bytes.writeUInt32LE(1, 28))],
    ['is a text', async ({ file }) => writeFile(file, 'reasoned queries\n'.repeat(5000))],
    ['has zeros but for its first pages', (places) => altered(places, (bytes) => bytes.fill(0, 8192))],
    ['is a folder', replacedByFolder('file')],
    ['lies in a folder that is a file', replacedByFile],
    ['has a lock file that is a folder', replacedByFolder('lock')],
  ];

  it.each(damages)('that %s is set aside and begun anew', async (_, damage) => {
    const at = await filledFolder(30);
    await damage(databasePlaces(at));
    const warnings = new Warnings();
    const cache = await cacheIn(at, { warnings });
    expect(cache.unusable).toBeUndefined();
    expect(await cache.stats()).toMatchObject({ entries: 0 });
    expect(await cache.put('key', reasonedQuery('why'))).toBe(true);
    expect(await cache.get('key')).toMatchObject({ query: 'why' });
    const aside = (await readdir(at)).find((name) => /^reasoned\.corrupt-\d{8}T\d{9}Z$/.test(name));
    expect(warnings.list()).toMatchObject([{ count: 1, first: join(at, aside!) }]);
    await cache.close();
    expect(await (await cacheIn(at, { warnings })).get('key')).toBeDefined();
    expect(warnings.list()).toHaveLength(1);
  });

  const harmless: typeof damages = [
    ['has no lock file', async ({ lock }) => rm(lock)],
    ['has a lock file of noise', async ({ lock }) => writeFile(lock, randomBytes(5000))],
    ['has a lock file without content', async ({ lock }) => writeFile(lock, '')],
    ['has a stamp of noise', async ({ stamp }) => writeFile(stamp, randomBytes(50))],
    ['has a stamp that is a folder', replacedStamp],
  ];

  it.each(harmless)('that %s keeps its entries', async (_, damage) => {
    const at = await filledFolder(30);
    await damage(databasePlaces(at));
    const warnings = new Warnings();
    const cache = await cacheIn(at, { warnings });
    expect(await cache.stats()).toMatchObject({ entries: 30 });
    expect(await cache.put('key', reasonedQuery('why'))).toBe(true);
    expect(warnings.list()).toEqual([]);
  });

  it('is not taken for damaged where it has pages of another size', async () => {
    const at = newFolder();
    const { folder: inside, file } = databasePlaces(at);
    await mkdir(inside, { recursive: true });
    const options = { keyEncoding: 'binary', encoding: 'binary', noSubdir: true, pageSize: 16_384 } as const;
    const made = openDatabase<Buffer, Buffer>(file, { ...options, overlappingSync: false });
    for (let i = 0; i < 500; i++) void made.put(randomBytes(32), randomBytes(i * 50));
    await made.close();
    const warnings = new Warnings();
    const cache = await cacheIn(at, { warnings });
    expect(await cache.put('key', reasonedQuery('why'))).toBe(true);
    // Those of the test itself have no checksum.
    expect(await cache.stats()).toMatchObject({ entries: 1 });
    const message = 'a damaged reasoned query was removed from the cache';
    expect(warnings.list()).toMatchObject([{ message, count: 500 }]);
    expect(await readdir(at)).toEqual(['reasoned']);
  });

  it('is kept beside, the last three times', async () => {
    const at = newFolder();
    for (let i = 0; i < 5; i++) {
      await mkdir(databasePlaces(at).folder, { recursive: true });
      await writeFile(databasePlaces(at).file, `damaged ${i}`);
      await (await cacheIn(at)).close();
    }
    const names = (await readdir(at)).filter((name) => name !== 'reasoned').toSorted();
    const kept = names.map((name) => readFile(join(at, name, 'queries.mdb'), 'utf8'));
    expect(await Promise.all(kept)).toEqual(['damaged 2', 'damaged 3', 'damaged 4']);
  });
});

describe('a folder that cannot be used', () => {
  it('turns the cache off, with one warning', async () => {
    const file = join(folder, 'a file');
    await writeFile(file, '');
    const warnings = new Warnings();
    const cache = await cacheIn(join(file, 'cache'), { warnings });
    expect(cache.unusable).toMatchObject({ code: 'IO' });
    expect(await cache.put('key', reasonedQuery('why'))).toBe(false);
    expect(await cache.get('key')).toBeUndefined();
    await expect(cache.stats()).rejects.toBe(cache.unusable);
    await expect(cache.clear()).rejects.toBe(cache.unusable);
    expect(warnings.list()).toMatchObject([{ count: 1 }]);
    expect(warnings.list()[0].message).toMatch(/^the cache of reasoned queries is off/);
    await cache.close();
  });
});
