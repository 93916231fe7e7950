import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { Warnings } from '../warnings.ts';
import { brightCorpus, readBrightTopics } from './bright.ts';
import { BRIGHT_LONG_SUBSETS, BRIGHT_SUBSETS, brightSubset, brightVariant } from './bright-subsets.ts';
import type { HubPlaces } from './hub-dataset.ts';
import type { Document, Qrels, TermVector } from './records.ts';
import { readTrecQrels } from './trec-qrels.ts';

const parent = mkdtempSync(join(tmpdir(), 'quern-bright-'));
const data = join(parent, 'data');
const hubCache = join(parent, 'hub');
const places: HubPlaces = { data, hubCache };
const biology = brightVariant('biology');
beforeEach(() => {
  for (const folder of [data, hubCache]) rmSync(folder, { recursive: true, force: true });
});
afterAll(() => rmSync(parent, { recursive: true }));

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
}

const text = (name: string): SchemaElement[] => [
  { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];
const list = (name: string): SchemaElement[] => [
  { name, converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
  ...text('element'),
];

function writeDocuments(path: string, documents: readonly (readonly [string, string])[]): void {
  const columnData = [
    { name: 'id', data: documents.map(([id]) => id) },
    { name: 'content', data: documents.map(([, content]) => content) },
  ];
  const schema = [{ name: 'root', num_children: 2 }, ...text('id'), ...text('content')];
  write(path, new Uint8Array(parquetWriteBuffer({ columnData, schema, rowGroupSize: 2 })));
}

interface Example {
  query: string;
  reasoning: string;
  id: string;
  excluded_ids: string[];
  gold_ids_long: string[];
  gold_ids: string[];
  gold_answer: string;
}

const examples: Example[] = ['0', '1', '2'].map((id) => ({
  query: `why ${id}?`,
  reasoning: 'the gold is d1',
  id,
  excluded_ids: id === '0' ? ['N/A'] : ['d8', 'd9'],
  gold_ids_long: ['page'],
  gold_ids: ['d1', `d${id}`],
  gold_answer: 'because of d1',
}));

function writeExamples(path: string): void {
  const columnData = Object.keys(examples[0]!).map((name) => ({
    name,
    data: examples.map((example) => example[name as keyof Example]),
  }));
  const schema = [
    { name: 'root', num_children: 7 },
    ...columnData.flatMap(({ name }) => (name.includes('_ids') ? list(name) : text(name))),
  ];
  write(path, new Uint8Array(parquetWriteBuffer({ columnData, schema, rowGroupSize: 2 })));
}

function writeTopics(folder: string, subset: string, records: readonly unknown[] = examples): string {
  const path = join(folder, 'topics', `topics.bright-${subset}-original.jsonl.gz`);
  write(path, gzipSync(records.map((record) => `${JSON.stringify(record)}\n`).join('')));
  return path;
}

async function documentIds(variant = biology, from = places): Promise<string[]> {
  const ids: string[] = [];
  for await (const { document } of (await brightCorpus(variant, from)).documents()) ids.push(document.id);
  return ids;
}

const expectedTopics = [
  { id: '0', text: 'why 0?', excluded: [] },
  { id: '1', text: 'why 1?', excluded: ['d8', 'd9'] },
  { id: '2', text: 'why 2?', excluded: ['d8', 'd9'] },
];
const expectedQrels: Qrels = new Map([
  [
    '0',
    new Map([
      ['d1', 1],
      ['d0', 1],
    ]),
  ],
  ['1', new Map([['d1', 1]])],
  [
    '2',
    new Map([
      ['d1', 1],
      ['d2', 1],
    ]),
  ],
]);

const commit = (digit: string): string => digit.repeat(40);

const lines = (qrels: Qrels): string[] =>
  [...qrels]
    .flatMap(([topic, levels]) => [...levels].map(([id, level]) => `${topic}\t${id}\t${level}`))
    .sort();

describe('the subsets of BRIGHT', () => {
  it('are spelt with hyphens or underscores', () => {
    expect(brightSubset('earth-science')).toBe('earth_science');
    expect(brightSubset('theoremqa_theorems')).toBe('theoremqa_theorems');
    expect(BRIGHT_SUBSETS.map((name) => brightSubset(name.replaceAll('_', '-')))).toEqual(BRIGHT_SUBSETS);
  });

  it('are listed when another one is asked for', () => {
    for (const name of ['chemistry', '', 'Biology', '../biology', 'biology:short']) {
      expect(() => brightVariant(name)).toThrow(BRIGHT_SUBSETS.join(', '));
    }
  });

  it('have a long variant where there are whole pages', () => {
    expect(brightVariant('earth-science:long')).toEqual({ subset: 'earth_science', long: true });
    expect(() => brightVariant('aops:long')).toThrow('no long documents for aops');
  });
});

describe('topics of BRIGHT', () => {
  it('are the same from Parquet and from the local layout, without what gives the gold away', async () => {
    writeExamples(join(data, 'BRIGHT/examples/biology-00000-of-00001.parquet'));
    const fromParquet = await readBrightTopics(biology, places);
    rmSync(data, { recursive: true });
    writeTopics(join(data, 'bright'), 'biology');
    const fromLines = await readBrightTopics(biology, places);
    for (const { topics, qrels } of [fromParquet, fromLines]) {
      expect(topics).toEqual(expectedTopics);
      expect(qrels).toEqual(expectedQrels);
    }
  });

  it('of the long variant are judged by gold_ids_long', async () => {
    writeExamples(join(data, 'examples/biology-00000-of-00001.parquet'));
    const { qrels } = await readBrightTopics(brightVariant('biology:long'), places);
    expect([...qrels.values()]).toEqual(Array.from({ length: 3 }, () => new Map([['page', 1]])));
  });

  it.each([
    ['no query', { id: '9', gold_ids: [] }],
    ['an id that came before', { id: '0', query: 'x', gold_ids: [] }],
    ['gold ids that are not a list', { id: '9', query: 'x', gold_ids: 'd1' }],
    ['an excluded id that is not a string', { id: '9', query: 'x', gold_ids: [], excluded_ids: [{}] }],
  ])('with %s are an error at file and line', async (_, record) => {
    const path = writeTopics(data, 'biology', [...examples, record]);
    const reading = readBrightTopics(biology, places);
    await expect(reading).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:4` });
  });

  it('that are empty are counted and kept', async () => {
    const path = writeTopics(data, 'biology', [{ id: '0', query: '', gold_ids: ['d1'] }]);
    const warnings = new Warnings();
    expect((await readBrightTopics(biology, places, { warnings })).topics).toHaveLength(1);
    expect(warnings.list()).toEqual([{ message: 'empty topic', count: 1, first: `${path}:1` }]);
  });
});

describe('documents of BRIGHT', () => {
  it('are those of all row groups of all shards, in order', async () => {
    const shard = (i: number): string => join(data, `bright/documents/biology-0000${i}-of-00002.parquet`);
    writeDocuments(shard(1), [
      ['d4', 'w'],
      ['d5', 'v'],
    ]);
    writeDocuments(shard(0), [
      ['d1', 'x'],
      ['d2', 'y'],
      ['d3', 'z'],
    ]);
    writeDocuments(join(data, 'bright/documents/economics-00000-of-00001.parquet'), [['other', 'x']]);
    const corpus = await brightCorpus(biology, places);
    const documents: Document[] = [];
    const wheres: string[] = [];
    let bytes = 0;
    for await (const placed of corpus.documents((count) => (bytes += count))) {
      documents.push(placed.document as Document);
      wheres.push(placed.where);
    }
    expect(documents.map(({ id, text: content }) => id + content)).toEqual([
      'd1x',
      'd2y',
      'd3z',
      'd4w',
      'd5v',
    ]);
    expect(wheres[3]).toBe(`${shard(1)} (row 1)`);
    expect(corpus.kind).toBe('text');
    expect(bytes).toBe(corpus.bytes);
  });

  it('of the long variant are whole pages', async () => {
    writeDocuments(join(data, 'documents/biology-00000-of-00001.parquet'), [['d1', 'x']]);
    writeDocuments(join(data, 'long_documents/biology-00000-of-00001.parquet'), [['page', 'x']]);
    expect(await documentIds()).toEqual(['d1']);
    expect(await documentIds(brightVariant('biology:long'))).toEqual(['page']);
  });

  it('of which a shard is missing are an error', async () => {
    writeDocuments(join(data, 'documents/biology-00001-of-00002.parquet'), [['d1', 'x']]);
    await expect(brightCorpus(biology, places)).rejects.toThrow('1 of 2 files biology-*.parquet');
  });

  it('may be vectors, with the analyzer that made them', async () => {
    write(join(data, 'bright/theoremqa_theorems/vectors.jsonl'), '{"id":"0","vector":{"oper":1}}\n');
    writeTopics(join(data, 'bright'), 'theoremqa-theorems');
    const corpus = await brightCorpus(brightVariant('theoremqa-theorems'), places);
    expect(corpus).toMatchObject({ kind: 'vectors', analyzer: 'english+english' });
  });

  it('that are nowhere are an error that says where they were looked for and what to put where', async () => {
    const reading = brightCorpus(biology, places);
    await expect(reading).rejects.toMatchObject({ code: 'NOT_FOUND', where: 'bright:biology' });
    for (const part of [
      'documents/biology-*.parquet and biology/vectors.jsonl.gz',
      `${data}/BRIGHT, ${data}/bright, ${data}, ${hubCache} (no snapshot of xlangai/BRIGHT)`,
      `into ${data}/BRIGHT`,
    ]) {
      await expect(brightCorpus(biology, places)).rejects.toThrow(part);
    }
    await expect(readBrightTopics(biology, { hubCache })).rejects.toThrow('QUERN_DATA');
  });
});

describe('the Hugging Face cache', () => {
  const repository = join(hubCache, 'datasets--xlangai--BRIGHT');
  const snapshot = (digit: string, document: string): void => {
    const folder = join(repository, 'snapshots', commit(digit));
    writeDocuments(join(folder, 'documents/biology-00000-of-00001.parquet'), [[document, 'x']]);
  };

  it('gives the snapshot that refs/main names', async () => {
    snapshot('a', 'of-main');
    snapshot('b', 'newer');
    write(join(repository, 'refs/main'), commit('a'));
    expect(await documentIds()).toEqual(['of-main']);
    expect(await documentIds(biology, { hubCache })).toEqual(['of-main']);
  });

  it('gives the newest snapshot where refs/main names none that is there', async () => {
    snapshot('a', 'older');
    snapshot('b', 'newer');
    utimesSync(join(repository, 'snapshots', commit('a')), 1000, 1000);
    expect(await documentIds()).toEqual(['newer']);
    for (const main of [commit('c'), '../../elsewhere', '']) {
      write(join(repository, 'refs/main'), main);
      expect(await documentIds()).toEqual(['newer']);
    }
  });

  it('comes after the data folder', async () => {
    snapshot('a', 'of-cache');
    writeDocuments(join(data, 'bright/documents/biology-00000-of-00001.parquet'), [['of-data', 'x']]);
    expect(await documentIds()).toEqual(['of-data']);
  });
});

describe.skipIf(!sharedData)('the shared BRIGHT', () => {
  const shared: HubPlaces = { data: sharedData, hubCache };

  it('has 1,384 topics in 12 subsets, judged as its qrels files say', async () => {
    const counts: Record<string, [number, number]> = {};
    for (const subset of BRIGHT_SUBSETS) {
      const warnings = new Warnings();
      const { topics, qrels } = await readBrightTopics({ subset, long: false }, shared, { warnings });
      const file = `bright/qrels/qrels.bright-${subset.replaceAll('_', '-')}.txt`;
      expect(lines(qrels)).toEqual(lines(await readTrecQrels(dataPath(file))));
      expect(warnings.list()).toEqual([]);
      counts[subset] = [topics.length, lines(qrels).length];
      for (const { excluded } of topics) expect(excluded).not.toContain('N/A');
    }
    expect(counts).toEqual({
      biology: [103, 372],
      earth_science: [116, 585],
      economics: [103, 800],
      psychology: [101, 692],
      robotics: [101, 520],
      stackoverflow: [117, 478],
      sustainable_living: [108, 576],
      leetcode: [142, 262],
      pony: [112, 2219],
      aops: [111, 524],
      theoremqa_questions: [194, 439],
      theoremqa_theorems: [76, 151],
    });
    expect(Object.values(counts).reduce((sum, [topics]) => sum + topics, 0)).toBe(1384);
  });

  it('has long judgements exactly for the subsets with long documents', async () => {
    for (const subset of BRIGHT_SUBSETS) {
      const { qrels } = await readBrightTopics({ subset, long: true }, shared);
      const judged = [...qrels.values()].filter(({ size }) => size > 0).length;
      expect([subset, judged]).toEqual([subset, BRIGHT_LONG_SUBSETS.includes(subset) ? qrels.size : 0]);
    }
  });

  it('has 76 topics and 23,839 documents in theoremqa_theorems, and every gold document among them', async () => {
    const variant = brightVariant('theoremqa-theorems');
    const { topics, qrels } = await readBrightTopics(variant, shared);
    expect(topics).toHaveLength(76);
    expect(topics[0]).toMatchObject({ id: 'TheoremQA_jianyu_xu/pigeonhole_3.json' });
    expect(topics[0]!.text).toMatch(/^Mary is planning to bake exactly 10 cookies/);
    const corpus = await brightCorpus(variant, shared);
    expect(corpus).toMatchObject({ kind: 'vectors', analyzer: 'english+english' });
    if (corpus.kind !== 'vectors') throw new Error('not vectors');
    const ids = new Set<string>();
    let bytes = 0;
    let postings = 0;
    let tokens = 0;
    let first: TermVector | undefined;
    let last = '';
    for await (const { document } of corpus.documents((count) => (bytes += count))) {
      first ??= document;
      ids.add((last = document.id));
      postings += document.vector.size;
      for (const frequency of document.vector.values()) tokens += frequency;
    }
    expect([first?.id, first?.vector.get('cdotp')]).toEqual(['0', 3]);
    expect([ids.size, last, postings, tokens, bytes]).toEqual([
      23_839,
      '9999',
      932_291,
      2_816_524,
      corpus.bytes,
    ]);
    for (const levels of qrels.values()) for (const id of levels.keys()) expect(ids.has(id)).toBe(true);
  });

  it('gives nothing of the reasoning and the answer away', async () => {
    const path = dataPath('bright/topics/topics.bright-biology-original.jsonl.gz');
    const [line] = gunzipSync(readFileSync(path)).toString().split('\n');
    const { reasoning } = JSON.parse(line!) as { reasoning: string };
    const { topics } = await readBrightTopics(biology, shared);
    expect(Object.keys(topics[0]!)).toEqual(['id', 'text', 'excluded']);
    expect(JSON.stringify(topics)).not.toContain(reasoning);
  });
});
