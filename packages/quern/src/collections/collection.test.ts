import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { BRIGHT_LONG_SUBSETS, BRIGHT_SUBSETS } from './bright-subsets.ts';
import { BRIGHT_PRO } from './bright-pro.ts';
import { collectionNames, openCollection } from './collection.ts';
import { hubCacheFolder } from './environment.ts';
import { R2MED } from './r2med.ts';
import { RAR_B } from './rar-b.ts';

const data = mkdtempSync(join(tmpdir(), 'quern-collection-'));
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(data, { recursive: true }));

function write(name: string, content: string): void {
  const path = join(data, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
}

write('tiny/corpus.jsonl', '{"_id":"d","text":"x"}\n');
write('tiny/queries.jsonl', '{"_id":"q","text":"why"}\n{"_id":"r","text":"how"}\n');
write('tiny/qrels/test.tsv', 'q\td\t1\n');
write('tiny/qrels/dev.tsv', 'r\td\t1\n');
write(
  'bright/topics/topics.bright-earth-science-original.jsonl',
  '{"id":"0","query":"why","excluded_ids":["N/A"],"gold_ids":["d"]}\n',
);

describe('the names of collections', () => {
  it('bright:all stands for the 12 subsets, in the order of the paper', () => {
    expect(collectionNames('bright:all')).toEqual(BRIGHT_SUBSETS.map((subset) => `bright:${subset}`));
    expect(collectionNames('bright:all')).toHaveLength(12);
    expect(collectionNames('bright:all:long')).toEqual(BRIGHT_LONG_SUBSETS.map((s) => `bright:${s}:long`));
  });

  it('all of a benchmark stands for its subsets, in the order of its authors', () => {
    for (const { prefix, subsets } of [BRIGHT_PRO, R2MED, RAR_B]) {
      expect(collectionNames(`${prefix}:all`)).toEqual(subsets.map((subset) => `${prefix}:${subset}`));
      expect(collectionNames(`${prefix}:All`)).toHaveLength(subsets.length);
    }
    expect(BRIGHT_PRO.subsets).toEqual(BRIGHT_SUBSETS.slice(0, 7));
    expect(R2MED.subsets).toHaveLength(8);
  });

  it('others stand for themselves, in one spelling', () => {
    expect(collectionNames('bright-pro:Earth-Science')).toEqual(['bright-pro:earth_science']);
    expect(collectionNames('r2med:medqa_diag')).toEqual(['r2med:MedQA-Diag']);
    expect(collectionNames('rar-b:tempreason-L1')).toEqual(['rar-b:TempReason-l1']);
    expect(collectionNames('bright:earth-science')).toEqual(['bright:earth_science']);
    expect(collectionNames('beir:some/folder')).toEqual(['beir:some/folder']);
  });

  it.each([
    '',
    'bright',
    'bright:',
    'beir:',
    'trec:x',
    'bright:nothing',
    'bright:leetcode:long',
    'bright-pro:leetcode',
    'bright-pro:',
    'bright-pro:all:long',
    'r2med',
    'r2med:nothing',
    'rar-b:nothing',
    'rarb:piqa',
  ])('%j is none', async (name) => {
    expect(() => collectionNames(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    await expect(openCollection(name, { data })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('are listed where a name is none', () => {
    for (const part of ['bright:SUBSET', 'bright-pro:SUBSET', 'r2med:all', 'rar-b:all', 'beir:FOLDER']) {
      expect(() => collectionNames('trec:x')).toThrow(part);
    }
  });
});

describe('a BEIR collection', () => {
  it('is found from here or in the data folder, with the split test where none is named', async () => {
    for (const name of [`beir:${data}/tiny`, 'beir:tiny']) {
      const collection = await openCollection(name, { data });
      expect(collection).toMatchObject({ name, defaultScoring: 'bm25' });
      expect(collection.topics.map(({ id }) => id)).toEqual(['q']);
      expect((await collection.corpus()).kind).toBe('text');
    }
    const dev = await openCollection('beir:tiny', { data, split: 'dev' });
    expect(dev.qrels).toEqual(new Map([['r', new Map([['d', 1]])]]));
  });

  it('is found in QUERN_DATA', async () => {
    await expect(openCollection('beir:tiny', { data: join(data, 'tiny') })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    vi.stubEnv('QUERN_DATA', data);
    expect((await openCollection('beir:tiny')).topics).toHaveLength(1);
  });

  it('that is nowhere is an error that says where it was looked for', async () => {
    await expect(openCollection('beir:nowhere', { data })).rejects.toThrow(`nowhere, ${data}/nowhere`);
  });
});

describe('a BRIGHT collection', () => {
  it('is scored by query-side BM25, and opens without its documents', async () => {
    vi.stubEnv('HF_HUB_CACHE', join(data, 'no-cache'));
    const collection = await openCollection('bright:earth-science', { data });
    expect(collection).toMatchObject({
      name: 'bright:earth_science',
      topics: [{ id: '0', text: 'why', excluded: [] }],
      defaultScoring: 'bm25q',
    });
    expect(collection.qrels).toEqual(new Map([['0', new Map([['d', 1]])]]));
    await expect(collection.corpus()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('has no splits, and is one subset', async () => {
    const opening = openCollection('bright:earth-science', { data, split: 'test' });
    await expect(opening).rejects.toMatchObject({ code: 'USAGE' });
    await expect(openCollection('bright:all', { data })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it.skipIf(!sharedData)('is the shared one', async () => {
    const collection = await openCollection('bright:theoremqa_theorems', { data: dataPath('.') });
    expect(collection.topics).toHaveLength(76);
    expect(await collection.corpus()).toMatchObject({ kind: 'vectors', analyzer: 'english+english' });
  });
});

describe('a collection of another benchmark', () => {
  it('opens without its documents, with the scoring of its baseline', async () => {
    vi.stubEnv('HF_HUB_CACHE', join(data, 'no-cache'));
    write('RAR-b/piqa/queries.jsonl', '{"_id":"q","text":"why"}\n');
    write('RAR-b/piqa/qrels/test.tsv', 'q\td\t1\n');
    const collection = await openCollection('rar-b:PIQA', { data });
    expect(collection).toMatchObject({
      name: 'rar-b:piqa',
      topics: [{ id: 'q', text: 'why', excluded: [] }],
      defaultScoring: 'bm25',
    });
    await expect(collection.corpus()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each(['bright-pro', 'r2med', 'rar-b'])('of %s has no splits, and is one subset', async (prefix) => {
    await expect(openCollection(`${prefix}:all`, { data })).rejects.toThrow('several collections');
    const [first] = collectionNames(`${prefix}:all`);
    const opening = openCollection(first!, { data, split: 'test' });
    await expect(opening).rejects.toThrow('has no splits');
  });
});

describe('the Hugging Face cache', () => {
  it('is where huggingface_hub has it', () => {
    for (const name of ['HF_HUB_CACHE', 'HF_HOME', 'XDG_CACHE_HOME']) vi.stubEnv(name, '');
    expect(hubCacheFolder()).toMatch(/\.cache.huggingface.hub$/);
    vi.stubEnv('XDG_CACHE_HOME', '/cache');
    expect(hubCacheFolder()).toBe(join('/cache', 'huggingface', 'hub'));
    vi.stubEnv('HF_HOME', '/home');
    expect(hubCacheFolder()).toBe(join('/home', 'hub'));
    vi.stubEnv('HF_HUB_CACHE', '/hub');
    expect(hubCacheFolder()).toBe('/hub');
  });
});
