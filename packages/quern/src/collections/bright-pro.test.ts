import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { writeRows } from '../../test/written-files.ts';
import { benchmarkSubset } from './benchmark.ts';
import { BRIGHT_PRO } from './bright-pro.ts';
import type { HubPlaces } from './hub-dataset.ts';
import type { Document } from './records.ts';

const parent = temporaryFolder();
const data = join(parent, 'data');
const hubCache = join(parent, 'hub');
const places: HubPlaces = { data, hubCache };
beforeEach(() => {
  for (const folder of [data, hubCache]) rmSync(folder, { recursive: true, force: true });
});

const examples = [
  {
    id: 'biology-0',
    query: 'why?',
    reference_answer: 'because of a',
    gold_ids: ['a/0.txt', 'biology-0/1.txt'],
  },
  { id: 'biology-1', query: 'how?', reference_answer: 'so', gold_ids: ['b/0.txt'] },
];
const documents = ['a/0.txt', 'biology-0/1.txt', 'b/0.txt'].map((id) => ({ id, content: `text of ${id}` }));

async function read(from = places): Promise<{ topics: unknown; qrels: unknown; texts: string[] }> {
  const texts: string[] = [];
  const corpus = await BRIGHT_PRO.corpus('biology', from, {});
  let bytes = 0;
  for await (const { document } of corpus.documents((count) => (bytes += count))) {
    texts.push(`${document.id}: ${(document as Document).text}`);
  }
  expect(bytes).toBe(corpus.bytes);
  return { ...(await BRIGHT_PRO.readTopics('biology', from, {})), texts };
}

const expected = {
  topics: [
    { id: 'biology-0', text: 'why?', excluded: [] },
    { id: 'biology-1', text: 'how?', excluded: [] },
  ],
  qrels: new Map([
    [
      'biology-0',
      new Map([
        ['a/0.txt', 1],
        ['biology-0/1.txt', 1],
      ]),
    ],
    ['biology-1', new Map([['b/0.txt', 1]])],
  ]),
  texts: documents.map(({ id, content }) => `${id}: ${content}`),
};

describe('BRIGHT-Pro', () => {
  it.each(['parquet', 'jsonl', 'jsonl.gz'])('is read from its files as .%s', async (type) => {
    writeRows(join(data, `Bright-Pro/examples/biology.${type}`), examples);
    writeRows(join(data, `bright-pro/documents/biology.${type}`), documents);
    expect(await read()).toEqual(expected);
  });

  it('has ids that are whole numbers in its Parquet files', async () => {
    const numbered = examples.map((example, i) => ({ ...example, id: BigInt(i) }));
    writeRows(join(data, 'Bright-Pro/examples/biology.parquet'), numbered);
    const { topics, qrels } = await BRIGHT_PRO.readTopics('biology', places, {});
    expect(topics.map(({ id }) => id)).toEqual(['0', '1']);
    expect([...qrels.keys()]).toEqual(['0', '1']);
  });

  it('is read from several Parquet files', async () => {
    writeRows(join(data, 'bright-pro/examples/biology-00000-of-00001.parquet'), examples);
    writeRows(join(data, 'bright-pro/documents/biology-00000-of-00002.parquet'), documents.slice(0, 1));
    await expect(read()).rejects.toThrow('1 of 2 files biology-*.parquet');
    writeRows(join(data, 'bright-pro/documents/biology-00001-of-00002.parquet'), documents.slice(1));
    expect(await read()).toEqual(expected);
  });

  it('is read from a snapshot in the Hugging Face cache', async () => {
    const snapshot = join(hubCache, 'datasets--yale-nlp--Bright-Pro/snapshots', 'a'.repeat(40));
    writeRows(join(snapshot, 'examples/biology.parquet'), examples);
    writeRows(join(snapshot, 'documents/biology.parquet'), documents);
    expect(await read({ hubCache })).toEqual(expected);
  });

  it('is not mistaken for BRIGHT, whose folders have the same names', async () => {
    for (const folder of ['', 'BRIGHT', 'bright']) {
      writeRows(join(data, folder, 'examples/biology-00000-of-00001.parquet'), examples);
    }
    await expect(BRIGHT_PRO.readTopics('biology', places, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that is nowhere is an error that says where it was looked for and what to put where', async () => {
    const opening = BRIGHT_PRO.corpus('earth_science', places, {});
    await expect(opening).rejects.toMatchObject({ code: 'NOT_FOUND', where: 'bright-pro:earth_science' });
    for (const part of [
      'documents/earth_science.parquet and documents/earth_science.jsonl',
      `in ${data}/Bright-Pro, ${data}/bright-pro, ${hubCache} (no snapshot of yale-nlp/Bright-Pro)`,
      `Put documents/earth_science.parquet of the Hugging Face data set yale-nlp/Bright-Pro into ${data}/Bright-Pro`,
    ]) {
      await expect(BRIGHT_PRO.corpus('earth_science', places, {})).rejects.toThrow(part);
    }
    const withoutData = BRIGHT_PRO.readTopics('biology', { hubCache }, {});
    await expect(withoutData).rejects.toThrow('a folder Bright-Pro in the data folder (QUERN_DATA)');
  });

  it.each([
    ['without a query', { id: 'x', gold_ids: ['d'] }],
    ['whose gold ids are no list', { id: 'x', query: 'why?', gold_ids: 'd' }],
    ['that came before', examples[0]!],
  ])('with a topic %s is an error at file and line', async (_, record) => {
    const path = writeRows(join(data, 'bright-pro/examples/biology.jsonl'), [...examples, record]);
    const reading = BRIGHT_PRO.readTopics('biology', places, {});
    await expect(reading).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:3` });
  });
});

describe('the subsets of BRIGHT-Pro', () => {
  it('are spelt in capitals or not, with hyphens or underscores', () => {
    for (const name of ['earth_science', 'earth-science', 'Earth_Science', 'EARTH-SCIENCE']) {
      expect(benchmarkSubset(BRIGHT_PRO, name)).toBe('earth_science');
    }
  });

  it('are listed when another one is asked for', () => {
    for (const name of ['leetcode', '', 'biology:long', '../biology', 'earth science']) {
      expect(() => benchmarkSubset(BRIGHT_PRO, name)).toThrow(BRIGHT_PRO.subsets.join(', '));
      expect(() => benchmarkSubset(BRIGHT_PRO, name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    }
  });
});
