import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { writeRows } from '../../test/written-files.ts';
import { Warnings } from '../warnings.ts';
import { benchmarkSubset } from './benchmark.ts';
import type { HubPlaces } from './hub-dataset.ts';
import { R2MED } from './r2med.ts';
import type { Document } from './records.ts';

const parent = temporaryFolder();
const data = join(parent, 'data');
const hubCache = join(parent, 'hub');
const places: HubPlaces = { data, hubCache };
const subset = 'Medical-Sciences';
beforeEach(() => {
  for (const folder of [data, hubCache]) rmSync(folder, { recursive: true, force: true });
});

const queries = [
  { id: 'q0', text: 'which treatment?' },
  { id: 'q1', text: 'which test?' },
  { id: 'q2', text: 'never judged' },
];
const documents = [
  { id: 'd0', text: 'rest' },
  { id: 'd1', text: 'a scan' },
  { id: 'd2', text: 'tea' },
];
const judgements = [
  { q_id: 'q0', p_id: 'd0', score: 1 },
  { q_id: 'q0', p_id: 'd2', score: 2 },
  { q_id: 'q1', p_id: 'd1', score: 1 },
];

/** Writes the data set as its authors publish it. */
function writeDataset(folder: string, type = 'jsonl'): void {
  writeRows(join(folder, `query.${type}`), queries);
  writeRows(join(folder, `corpus.${type}`), documents);
  writeRows(join(folder, `qrels.${type}`), judgements);
}

/** Writes the data set as MTEB mirrors it. */
function writeMirror(folder: string): void {
  const levels = judgements.map(({ q_id, p_id, score }) => ({
    'query-id': q_id,
    'corpus-id': p_id,
    score: BigInt(score),
  }));
  const titled = documents.map(({ id, text }) => ({ _id: id, text, title: '' }));
  writeRows(
    join(folder, 'queries/test-00000-of-00001.parquet'),
    queries.map(({ id, text }) => ({ _id: id, text })),
  );
  writeRows(join(folder, 'corpus/test-00000-of-00002.parquet'), titled.slice(0, 2));
  writeRows(join(folder, 'corpus/test-00001-of-00002.parquet'), titled.slice(2));
  writeRows(join(folder, 'qrels/test-00000-of-00001.parquet'), levels);
}

async function texts(from = places, warnings?: Warnings): Promise<string[]> {
  const found: string[] = [];
  const corpus = await R2MED.corpus(subset, from, { warnings });
  let bytes = 0;
  for await (const { document } of corpus.documents((count) => (bytes += count))) {
    found.push(`${document.id} ${(document as Document).text}`);
  }
  expect(bytes).toBe(corpus.bytes);
  return found;
}

async function read(from = places): Promise<{ topics: unknown; qrels: unknown; texts: string[] }> {
  return { ...(await R2MED.readTopics(subset, from, {})), texts: await texts(from) };
}

const expected = {
  topics: [
    { id: 'q0', text: 'which treatment?', excluded: [] },
    { id: 'q1', text: 'which test?', excluded: [] },
  ],
  qrels: new Map([
    [
      'q0',
      new Map([
        ['d0', 1],
        ['d2', 2],
      ]),
    ],
    ['q1', new Map([['d1', 1]])],
  ]),
  texts: ['d0 rest', 'd1 a scan', 'd2 tea'],
};

describe('R2MED', () => {
  it.each(['jsonl', 'jsonl.gz', 'parquet'])('is read from the files of its authors as .%s', async (type) => {
    writeDataset(join(data, 'R2MED', subset), type);
    expect(await read()).toEqual(expected);
  });

  it.each(['r2med/medical-sciences', 'r2med/Medical-Sciences', 'Medical-Sciences', 'medical-sciences'])(
    'is found in the folder %s',
    async (folder) => {
      writeDataset(join(data, folder));
      expect(await read()).toEqual(expected);
    },
  );

  it.each(['R2MEDMedicalSciencesRetrieval', 'mteb/R2MEDMedicalSciencesRetrieval'])(
    "is read from MTEB's mirror in the folder %s",
    async (folder) => {
      writeMirror(join(data, folder));
      expect(await read()).toEqual(expected);
    },
  );

  it('is read from snapshots in the Hugging Face cache', async () => {
    const snapshot = (repository: string): string =>
      join(hubCache, `datasets--${repository}/snapshots`, 'a'.repeat(40));
    writeMirror(snapshot('mteb--R2MEDMedicalSciencesRetrieval'));
    expect(await read({ hubCache })).toEqual(expected);
    writeDataset(snapshot('R2MED--Medical-Sciences'));
    expect(await read({ hubCache })).toEqual(expected);
  });

  it('takes the last of the documents that share an id, as its evaluation does, and says so', async () => {
    const twice = [...documents, { id: 'd0', text: 'rest, and exercise' }];
    const path = writeRows(join(data, 'R2MED', subset, 'corpus.jsonl'), [...twice, { id: 'd3', text: '' }]);
    const warnings = new Warnings();
    expect(await texts(places, warnings)).toEqual(['d1 a scan', 'd2 tea', 'd0 rest, and exercise', 'd3 ']);
    expect(warnings.list()).toEqual([
      { message: 'document whose id comes again, left out', count: 1, first: `${path}:1` },
      { message: 'empty document', count: 1, first: `${path}:5` },
    ]);
  });

  it('gives levels that are written as floating-point numbers or as text', async () => {
    const folder = join(data, 'R2MED', subset);
    writeDataset(folder);
    writeRows(join(folder, 'qrels.jsonl'), [
      { q_id: 'q0', p_id: 'd0', score: '1' },
      { q_id: 'q1', p_id: 'd1', score: 2.0 },
    ]);
    const { qrels } = await R2MED.readTopics(subset, places, {});
    expect([...qrels.values()].flatMap((levels) => [...levels.values()])).toEqual([1, 2]);
  });

  it.each([
    ['a level between two', { q_id: 'q0', p_id: 'd0', score: 0.5 }],
    ['no level', { q_id: 'q0', p_id: 'd1' }],
    ['a level in words', { q_id: 'q0', p_id: 'd1', score: 'high' }],
    ['no document', { q_id: 'q0', score: 1 }],
    ['another level than before', { q_id: 'q0', p_id: 'd0', score: 2 }],
  ])('with a judgement of %s is an error at file and line', async (_, judgement) => {
    const folder = join(data, 'R2MED', subset);
    writeDataset(folder);
    const path = writeRows(join(folder, 'qrels.jsonl'), [...judgements, judgement as Record<string, string>]);
    const reading = R2MED.readTopics(subset, places, {});
    await expect(reading).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:4` });
  });

  it('counts judgements of topics that are not there', async () => {
    const folder = join(data, 'R2MED', subset);
    writeDataset(folder);
    const path = writeRows(join(folder, 'qrels.jsonl'), [
      ...judgements,
      { q_id: 'q9', p_id: 'd0', score: 1 },
    ]);
    const warnings = new Warnings();
    expect((await R2MED.readTopics(subset, places, { warnings })).topics).toHaveLength(2);
    const message = 'judged topic that is not among the queries, left out';
    expect(warnings.list()).toEqual([{ message, count: 1, first: `${path}, topic q9` }]);
  });

  it('that is nowhere, or without judgements, is an error that says where it was looked for', async () => {
    writeRows(join(data, 'R2MED', subset, 'query.jsonl'), queries);
    for (const part of [
      `no topics: looked for query.jsonl and qrels.jsonl in ${data}/R2MED/Medical-Sciences, `,
      `${hubCache} (no snapshot of R2MED/Medical-Sciences)`,
      `(no snapshot of mteb/R2MEDMedicalSciencesRetrieval)`,
      `Put query.jsonl and qrels.jsonl of the Hugging Face data set R2MED/Medical-Sciences into ${data}/R2MED/Medical-Sciences`,
    ]) {
      await expect(R2MED.readTopics(subset, places, {})).rejects.toThrow(part);
    }
    const opening = R2MED.corpus(subset, places, {});
    await expect(opening).rejects.toMatchObject({ code: 'NOT_FOUND', where: 'r2med:Medical-Sciences' });
  });
});

describe('the subsets of R2MED', () => {
  it('are spelt in capitals or not, with hyphens or underscores', () => {
    for (const name of ['Medical-Sciences', 'medical_sciences', 'MEDICAL-SCIENCES']) {
      expect(benchmarkSubset(R2MED, name)).toBe('Medical-Sciences');
    }
  });

  it('are listed when another one is asked for', () => {
    expect(() => benchmarkSubset(R2MED, 'chemistry')).toThrow(R2MED.subsets.join(', '));
  });
});
