import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { writeRows } from '../../test/written-files.ts';
import { benchmarkSubset } from './benchmark.ts';
import type { HubPlaces } from './hub-dataset.ts';
import { RAR_B } from './rar-b.ts';
import type { Document } from './records.ts';

const parent = temporaryFolder();
const data = join(parent, 'data');
const hubCache = join(parent, 'hub');
const places: HubPlaces = { data, hubCache };
const task = 'TempReason-l2-pure';
beforeEach(() => {
  for (const folder of [data, hubCache]) rmSync(folder, { recursive: true, force: true });
});

const queries = [
  { _id: 'q-0', text: 'who was it in 1901?' },
  { _id: 'q-1', text: 'who was it in 1902?' },
];
const documents = [
  { _id: 'd-0', title: '', text: 'she' },
  { _id: 'd-1', title: 'A name', text: 'he' },
];
const judgements = [
  { 'query-id': 'q-0', 'corpus-id': 'd-0', score: 1 },
  { 'query-id': 'q-1', 'corpus-id': 'd-1', score: 1 },
];

/** Writes the data set as its authors publish it. */
function writeDataset(folder: string): void {
  writeRows(join(folder, 'queries.jsonl'), queries);
  writeRows(join(folder, 'corpus.jsonl'), documents);
  writeRows(join(folder, 'qrels/test.tsv'), judgements);
  writeFileSync(join(folder, 'instruction.txt'), 'Retrieve who it was.');
}

/** Writes the data set as Parquet, each configuration in files named after a split. */
function writeParquet(folder: string, [corpusSplit, queriesSplit]: [string, string]): void {
  writeRows(join(folder, `queries/${queriesSplit}-00000-of-00001.parquet`), queries);
  writeRows(join(folder, `corpus/${corpusSplit}-00000-of-00001.parquet`), documents);
  writeRows(join(folder, 'qrels/test-00000-of-00001.parquet'), judgements);
}

async function read(from = places): Promise<{ topics: unknown; qrels: unknown; documents: Document[] }> {
  const found: Document[] = [];
  for await (const { document } of (await RAR_B.corpus(task, from, {})).documents()) {
    found.push(document as Document);
  }
  return { ...(await RAR_B.readTopics(task, from, {})), documents: found };
}

const expected = {
  topics: queries.map(({ _id, text }) => ({ id: _id, text, excluded: [] })),
  qrels: new Map([
    ['q-0', new Map([['d-0', 1]])],
    ['q-1', new Map([['d-1', 1]])],
  ]),
  documents: documents.map(({ _id, ...rest }) => ({ id: _id, ...rest })),
};

describe('RAR-b', () => {
  it.each(['RAR-b/TempReason-l2-pure', 'rar-b/tempreason-l2-pure', 'TempReason-l2-pure'])(
    'is read from the files of its authors in the folder %s, without its instruction',
    async (folder) => {
      writeDataset(join(data, folder));
      expect(await read()).toEqual(expected);
    },
  );

  it("is read from MTEB's mirror", async () => {
    writeParquet(join(data, 'mteb/TempReasonL2Pure'), ['test', 'test']);
    expect(await read()).toEqual(expected);
  });

  it('is read from the Parquet files of its own data set', async () => {
    writeParquet(join(data, 'RAR-b', task), ['corpus', 'queries']);
    expect(await read()).toEqual(expected);
  });

  it('is read from a snapshot in the Hugging Face cache', async () => {
    writeDataset(join(hubCache, 'datasets--RAR-b--TempReason-l2-pure/snapshots', 'a'.repeat(40)));
    expect(await read({ hubCache })).toEqual(expected);
  });

  it('of which a clone holds a Git LFS pointer is an error that says what to do', async () => {
    writeDataset(join(data, 'RAR-b', task));
    const path = join(data, 'RAR-b', task, 'queries.jsonl');
    writeFileSync(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 236436\n');
    const reading = RAR_B.readTopics(task, places, {});
    await expect(reading).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:1` });
    await expect(RAR_B.readTopics(task, places, {})).rejects.toThrow('git lfs pull');
  });

  it('that is nowhere is an error that says where it was looked for and what to put where', async () => {
    mkdirSync(join(data, 'RAR-b', task), { recursive: true });
    for (const part of [
      `no topics: looked for queries.jsonl and qrels/test.tsv in ${data}/RAR-b/TempReason-l2-pure, `,
      `Put queries.jsonl and qrels/test.tsv of the Hugging Face data set RAR-b/TempReason-l2-pure into ${data}/RAR-b/TempReason-l2-pure`,
    ]) {
      await expect(RAR_B.readTopics(task, places, {})).rejects.toThrow(part);
    }
    const opening = RAR_B.corpus(task, places, {});
    await expect(opening).rejects.toMatchObject({ code: 'NOT_FOUND', where: `rar-b:${task}` });
  });
});

describe('the tasks of RAR-b', () => {
  it('are its 17 data sets, spelt in capitals or not, with hyphens or underscores', () => {
    expect(RAR_B.subsets).toHaveLength(17);
    for (const name of ['arc_challenge', 'ARC-CHALLENGE']) {
      expect(benchmarkSubset(RAR_B, name)).toBe('ARC-Challenge');
    }
  });

  it('are listed when another one is asked for', () => {
    for (const name of ['arc', '__proto__', 'constructor']) {
      expect(() => benchmarkSubset(RAR_B, name)).toThrow(RAR_B.subsets.join(', '));
    }
  });
});
