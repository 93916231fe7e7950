import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import { beirCorpus, readBeirQrels, readBeirSplit } from './beir.ts';
import { readBrightTopics } from './bright.ts';
import { BRIGHT_PRO } from './bright-pro.ts';
import { brightVariant } from './bright-subsets.ts';
import type { Corpus } from './corpus.ts';
import { jsonlCorpus } from './documents.ts';
import { readLines } from './lines.ts';
import { openCorpus } from './open-corpus.ts';
import { readQueryLog } from './query-log.ts';
import { R2MED } from './r2med.ts';
import { textFilesCorpus } from './text-files.ts';
import { vectorCorpus } from './vectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ['qrels', 'topics', 'texts', 'bright-pro/examples', 'r2med/biology']) {
  mkdirSync(join(folder, name), { recursive: true });
}

const corpusFile = join(folder, 'corpus.jsonl');
const queriesFile = join(folder, 'queries.jsonl');
const qrelsFile = join(folder, 'qrels', 'test.tsv');
const topicsFile = join(folder, 'topics', 'topics.bright-biology-original.jsonl');
const proFile = join(folder, 'bright-pro', 'examples', 'biology.jsonl');
const medicalFiles = {
  corpus: join(folder, 'r2med', 'biology', 'corpus.jsonl'),
  queries: join(folder, 'r2med', 'biology', 'query.jsonl'),
  qrels: join(folder, 'r2med', 'biology', 'qrels.jsonl'),
};
const textFile = join(folder, 'texts', 'a.txt');
const logFile = join(folder, 'log');
const metaFile = join(folder, 'vectors.meta.json');

async function readAll(opened: Promise<Corpus>): Promise<void> {
  for await (const { document, where } of (await opened).documents()) {
    if (document.id === '' || where === '') throw new Error('a document without id or place');
  }
}

async function readAllLines(path: string): Promise<void> {
  for await (const { text } of readLines(path)) {
    if (text.includes('\n')) throw new Error('a line end inside of a line');
  }
}

const places = { data: folder, hubCache: folder };

const readers: Record<string, { file: string; read: () => Promise<unknown> }> = {
  lines: { file: corpusFile, read: () => readAllLines(corpusFile) },
  'a JSONL corpus': { file: corpusFile, read: () => readAll(jsonlCorpus(corpusFile)) },
  'a BEIR corpus': { file: corpusFile, read: () => readAll(beirCorpus(folder)) },
  vectors: { file: corpusFile, read: () => readAll(vectorCorpus(corpusFile)) },
  'a corpus of unknown format': { file: corpusFile, read: () => readAll(openCorpus(corpusFile)) },
  'text files': { file: textFile, read: () => readAll(textFilesCorpus(join(folder, 'texts'))) },
  'a meta file': { file: metaFile, read: () => vectorCorpus(corpusFile) },
  'BEIR queries': { file: queriesFile, read: () => readBeirSplit(folder, 'test') },
  'BEIR judgements': { file: qrelsFile, read: () => readBeirQrels(qrelsFile) },
  'BRIGHT topics': {
    file: topicsFile,
    read: () => readBrightTopics(brightVariant('biology'), places),
  },
  'BRIGHT-Pro topics': { file: proFile, read: () => BRIGHT_PRO.readTopics('biology', places, {}) },
  'R2MED documents': { file: medicalFiles.corpus, read: () => readAll(R2MED.corpus('Biology', places, {})) },
  'R2MED queries': { file: medicalFiles.queries, read: () => R2MED.readTopics('Biology', places, {}) },
  'R2MED judgements': { file: medicalFiles.qrels, read: () => R2MED.readTopics('Biology', places, {}) },
  'a query log': { file: logFile, read: () => readQueryLog(logFile) },
};

const id = fc.oneof(fc.string(), fc.integer(), fc.jsonValue());
const record = fc.record(
  {
    id,
    _id: id,
    title: fc.oneof(fc.string(), fc.jsonValue()),
    text: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
    vector: fc.oneof(fc.dictionary(fc.string(), fc.oneof(fc.nat(), fc.double())), fc.jsonValue()),
    query: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
    clicks: fc.oneof(fc.array(id), fc.jsonValue()),
    positions: fc.oneof(fc.array(fc.integer()), fc.jsonValue()),
    count: fc.oneof(fc.integer({ min: 0 }), fc.jsonValue()),
    time: fc.oneof(fc.nat(), fc.date().map(String), fc.jsonValue()),
    session: id,
    gold_ids: fc.oneof(fc.array(id), fc.jsonValue()),
    q_id: id,
    p_id: id,
    score: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
    excluded_ids: fc.oneof(fc.array(id), fc.constant(['N/A']), fc.jsonValue()),
    analyzer: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const records = fc
  .array(fc.oneof(record, fc.jsonValue()), { maxLength: 6 })
  .map((lines) => lines.map((line) => JSON.stringify(line)).join('\n'));
const table = fc
  .array(fc.array(fc.oneof(fc.string(), fc.integer().map(String)), { maxLength: 5 }))
  .map((rows) => rows.map((row) => row.join('\t')).join('\n'));

const logTable = fc
  .array(fc.array(fc.oneof(fc.string(), fc.integer().map(String)), { maxLength: 6 }))
  .map((rows) =>
    [['query', 'clicks', 'positions', 'count', 'time'], ...rows].map((row) => row.join('\t')).join('\n'),
  );

const contents: Record<string, fc.Arbitrary<string | Uint8Array>> = {
  'arbitrary bytes': fc.uint8Array({ maxLength: 300 }),
  'arbitrary JSON': records,
  'arbitrary tables': table,
  'arbitrary tables with the columns of a query log': logTable,
  'arbitrary truncated gzip': fc
    .tuple(fc.oneof(records, table), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([text, share]) => {
      const whole = gzipSync(text);
      return whole.subarray(0, Math.round(whole.length * share));
    }),
  'gzip with an arbitrary byte changed': fc
    .tuple(records, fc.nat(), fc.nat({ max: 255 }))
    .map(([text, place, value]) => {
      const bytes = gzipSync(text);
      bytes[place % bytes.length] = value;
      return bytes;
    }),
};

describe.each(Object.entries(readers))('%s', (_, { file, read }) => {
  it.each(Object.entries(contents))('of %s give records or a QuernError', async (_name, content) => {
    const emptied = [corpusFile, queriesFile, qrelsFile, topicsFile, ...Object.values(medicalFiles)];
    for (const path of emptied) writeFileSync(path, '');
    rmSync(metaFile, { force: true });
    const checking = fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        writeFileSync(file, bytes);
        try {
          await read();
        } catch (error) {
          if (!(error instanceof QuernError)) throw error;
        }
      }),
    );
    await expect(checking).resolves.toBeUndefined();
  });
});
