import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { Warnings } from '../warnings.ts';
import { beirCorpus, beirSplits, readBeirQrels, readBeirQueries, readBeirSplit } from './beir.ts';
import type { Document, Qrels } from './records.ts';

const parent = mkdtempSync(join(tmpdir(), 'quern-beir-'));
const folder = join(parent, 'collection');
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'qrels'), { recursive: true });
});
afterAll(() => rmSync(parent, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function documentsOf(path: string, warnings = new Warnings()): Promise<Document[]> {
  const found: Document[] = [];
  for await (const { document } of (await beirCorpus(path, { warnings })).documents()) found.push(document);
  return found;
}

const judgements = (qrels: Qrels): number => [...qrels.values()].reduce((sum, { size }) => sum + size, 0);

describe('a BEIR folder', () => {
  it('has its corpus and its queries plain or gzipped', async () => {
    write('corpus.jsonl.gz', gzipSync('{"_id":"d","title":"t","text":"x"}\n'));
    write('queries.jsonl.gz', gzipSync('{"_id":"q","text":"why"}\n'));
    expect(await documentsOf(folder)).toEqual([{ id: 'd', title: 't', text: 'x' }]);
    expect(await readBeirQueries(folder)).toEqual([{ id: 'q', text: 'why', excluded: [] }]);
  });

  it('without corpus or queries, or that is a file, is an error', async () => {
    await expect(beirCorpus(folder)).rejects.toMatchObject({ code: 'NOT_FOUND', where: folder });
    await expect(readBeirQueries(folder)).rejects.toMatchObject({ code: 'NOT_FOUND', where: folder });
    await expect(beirCorpus(write('corpus.jsonl', ''))).rejects.toMatchObject({ code: 'IO' });
    await expect(beirCorpus(join(folder, 'missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('gives the queries of a split in the order of the queries file', async () => {
    write('queries.jsonl', ['a', 'b', 'c'].map((id) => JSON.stringify({ _id: id, text: id })).join('\n'));
    write('qrels/dev.tsv', 'query-id\tcorpus-id\tscore\nc\td1\t2\na\td2\t0\nc\td3\t-1\n');
    const { topics, qrels } = await readBeirSplit(folder, 'dev');
    expect(topics.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(qrels).toEqual(
      new Map([
        [
          'c',
          new Map([
            ['d1', 2],
            ['d3', -1],
          ]),
        ],
        ['a', new Map([['d2', 0]])],
      ]),
    );
  });

  it('names its splits when asked for one that it does not have', async () => {
    write('qrels/train.tsv', '');
    write('qrels/dev.tsv', '');
    write('qrels/notes.txt', '');
    write('secret.tsv', '');
    expect(await beirSplits(folder)).toEqual(['dev', 'train']);
    for (const split of ['test', '../secret', '']) {
      await expect(readBeirSplit(folder, split)).rejects.toThrow('There are: dev, train');
      await expect(readBeirSplit(folder, split)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    rmSync(join(folder, 'qrels'), { recursive: true });
    await expect(readBeirSplit(folder, 'test')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('counts judged topics that are not among the queries, and leaves them out', async () => {
    write('queries.jsonl', '{"_id":"a","text":"x"}\n');
    const path = write('qrels/test.tsv', 'a\td\t1\nb\td\t1\nc\td\t1\n');
    const warnings = new Warnings();
    const { qrels } = await readBeirSplit(folder, 'test', { warnings });
    expect([...qrels.keys()]).toEqual(['a']);
    expect(warnings.list()).toMatchObject([{ count: 2, first: `${path}, topic b` }]);
  });
});

describe('BEIR queries', () => {
  it('that are empty are counted and kept', async () => {
    const path = write('queries.jsonl', '{"_id":"a","text":"x"}\n{"_id":"b","text":" "}\n');
    const warnings = new Warnings();
    expect(await readBeirQueries(folder, { warnings })).toHaveLength(2);
    expect(warnings.list()).toEqual([{ message: 'empty topic', count: 1, first: `${path}:2` }]);
  });

  it.each([
    ['come twice', '{"_id":"a","text":"y"}'],
    ['have no text', '{"_id":"b"}'],
    ['have no id', '{"text":"y"}'],
  ])('that %s are an error at file and line', async (_, line) => {
    const path = write('queries.jsonl', `{"_id":"a","text":"x"}\n${line}\n`);
    await expect(readBeirQueries(folder)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:2` });
  });
});

describe('BEIR judgements', () => {
  it('may have a header, blank lines and Windows line ends', async () => {
    const rows = new Map([['1', new Map([['184', 1]])]]);
    expect(await readBeirQrels(write('a.tsv', 'query-id\tcorpus-id\tscore\r\n1\t184\t1\r\n\r\n'))).toEqual(
      rows,
    );
    expect(await readBeirQrels(write('b.tsv', '1\t184\t1'))).toEqual(rows);
  });

  it('that are repeated are counted, with another level an error', async () => {
    const warnings = new Warnings();
    const path = write('c.tsv', 'q\td\t1\nq\td\t1\n');
    expect(judgements(await readBeirQrels(path, { warnings }))).toBe(1);
    expect(warnings.list()).toEqual([{ message: 'judgement repeated', count: 1, first: `${path}:2` }]);
    write('c.tsv', 'q\td\t1\nq\td\t2\n');
    await expect(readBeirQrels(path)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:2` });
  });

  it.each(['q\td', 'q 0 d 1', 'q\t0\td\t1', 'q\td\t1.5', 'q\td\t', 'q\td\tyes', '\td\t1', 'q\t\t1'])(
    'in the line %j are an error at file and line',
    async (line) => {
      const path = write('d.tsv', `a\tb\t1\n${line}\n`);
      await expect(readBeirQrels(path)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:2` });
    },
  );
});

describe.skipIf(!sharedData)('the shared BEIR collections', () => {
  it.each([
    {
      name: 'cranfield',
      documents: 1400,
      queries: 225,
      judged: 1612,
      first: ['1', '1'],
      last: ['1400', '225'],
      empty: 2,
    },
    {
      name: 'cacm',
      documents: 3204,
      queries: 52,
      judged: 796,
      first: ['CACM-0001', '1'],
      last: ['CACM-3204', '64'],
      empty: 0,
    },
    {
      name: 'nfcorpus-dev',
      documents: 3193,
      queries: 324,
      judged: 11_385,
      first: ['MED-118', 'PLAIN-1'],
      last: ['MED-5371', 'PLAIN-996'],
      empty: 0,
    },
  ])('$name has the documents, queries and judgements that it should', async (expected) => {
    const warnings = new Warnings();
    const documents = await documentsOf(dataPath(expected.name), warnings);
    const { topics, qrels } = await readBeirSplit(dataPath(expected.name), 'test', { warnings });
    expect(documents).toHaveLength(expected.documents);
    expect(topics).toHaveLength(expected.queries);
    expect(judgements(qrels)).toBe(expected.judged);
    expect([documents[0]!.id, topics[0]!.id]).toEqual(expected.first);
    expect([documents.at(-1)!.id, topics.at(-1)!.id]).toEqual(expected.last);
    expect(warnings.list().map(({ message, count }) => [message, count])).toEqual(
      expected.empty === 0 ? [] : [['empty document', expected.empty]],
    );
    const ids = new Set(documents.map(({ id }) => id));
    expect(ids.size).toBe(documents.length);
    for (const levels of qrels.values()) for (const id of levels.keys()) expect(ids.has(id)).toBe(true);
  });

  it('cranfield begins and ends with the texts that it should', async () => {
    const documents = await documentsOf(dataPath('cranfield'));
    expect(documents[0]!.title).toBe(
      'experimental investigation of the aerodynamics of a wing in a slipstream .',
    );
    const { topics } = await readBeirSplit(dataPath('cranfield'), 'test');
    expect(topics.at(-1)!.text).toBe(
      'what design factors can be used to control lift-drag ratios at mach numbers above 5 .',
    );
  });

  it('textbooks has the documents, queries and splits that it should', async () => {
    const textbooks = dataPath('textbooks');
    const warnings = new Warnings();
    const documents = await documentsOf(textbooks, warnings);
    expect(documents).toHaveLength(1944);
    expect(documents[0]).toMatchObject({ id: 'psychology/m82103', title: 'Preface' });
    expect(documents.at(-1)).toMatchObject({ id: 'python-programming/m00116', title: 'Preface' });
    expect(await readBeirQueries(textbooks, { warnings })).toHaveLength(5812);
    expect(await beirSplits(textbooks)).toEqual(['reasoned-test', 'reasoned-train', 'test', 'train']);
    const sizes = { 'reasoned-test': 120, 'reasoned-train': 1120, test: 2886, train: 2926 };
    for (const [split, size] of Object.entries(sizes)) {
      const { topics, qrels } = await readBeirSplit(textbooks, split, { warnings });
      expect([split, topics.length, judgements(qrels)]).toEqual([split, size, size]);
    }
    const { topics } = await readBeirSplit(textbooks, 'test');
    expect(topics[0]!.id).toBe('psychology/m82162#fs-idm6103968');
    expect(topics.at(-1)!.id).toBe('anatomy-physiology/m46719#fs-id739946');
    expect(warnings.list()).toEqual([]);
  });
});
