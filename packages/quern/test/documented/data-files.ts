/** Files of data that the documents take as given: small, made up, or of the sample collection. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sevenZip from '7zip-bin';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { BRIGHT_SUBSETS } from '../../src/collections/bright-subsets.ts';
import { sampleFolder } from '../beir-collection.ts';
import { answerRow, questionRow, variedBody, writeDumpFile } from '../dump-file.ts';
import { preferencesRow, writePreferencesFile } from '../preferences-file.ts';

/** The lines of a file of the sample collection. */
function sampleLines<T>(name: string): T[] {
  const lines = readFileSync(join(sampleFolder, name), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

/** The relevant documents of the sample's topics. */
function relevantDocuments(): Map<string, string[]> {
  const relevant = new Map<string, string[]>();
  for (const line of readFileSync(join(sampleFolder, 'qrels/test.tsv'), 'utf8').trim().split('\n').slice(1)) {
    const [topic, document] = line.split('\t');
    relevant.set(topic, [...(relevant.get(topic) ?? []), document]);
  }
  return relevant;
}

function writeLines(path: string, records: readonly unknown[]): void {
  writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

/** A dump of a site with questions enough for all splits. */
export function writeDump(folder: string): void {
  const rows = Array.from({ length: 40 }, (_, i) => [
    questionRow(i + 1, `What is the matter with case ${i}?`, variedBody(i), { AcceptedAnswerId: 1001 + i }),
    answerRow(1001 + i, i + 1, `<p>Look at ${variedBody(i + 50)} once more.</p>`, { Score: 4 }),
  ]);
  writeDumpFile(folder, 'Posts', rows.flat());
  writeDumpFile(folder, 'PostLinks', []);
  writeDumpFile(folder, 'Users', []);
}

/** The dump as the archive that it is published as. */
export function writeArchive(path: string): void {
  const source = `${path}.source`;
  writeDump(source);
  // Its file comes without the right to be run.
  chmodSync(sevenZip.path7za, 0o755);
  execFileSync(sevenZip.path7za, ['a', path, './*.xml'], { cwd: source, stdio: 'ignore' });
  rmSync(source, { recursive: true });
}

/** The preferences data as the hub has it, of two of the paper's domains. */
export function writePreferences(folder: string): void {
  for (const [site, host] of ['math.stackexchange.com', 'biology.stackexchange.com'].entries()) {
    const path = join(folder, `data/${host}/train-00000-of-00001.parquet`);
    mkdirSync(dirname(path), { recursive: true });
    writePreferencesFile(
      path,
      Array.from({ length: 30 }, (_, i) =>
        preferencesRow(i + 1, { host, question: variedBody(40 * site + i) }),
      ),
    );
  }
}

/** Questions with answers, as `quern curate` reads them. */
export function writeQuestions(path: string): void {
  writeLines(
    path,
    Array.from({ length: 40 }, (_, i) => ({
      id: i,
      question: variedBody(i).replaceAll(/<\/?p>/g, ''),
      answers: [{ text: `Look at ${variedBody(i + 50)}`, score: 3 }],
    })),
  );
}

/** The sample's questions with the beginnings of their recorded reasoned queries, a line each. */
export function writeReasoned(path: string): void {
  const reasoned = JSON.parse(readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8')) as object;
  const lines = Object.entries(reasoned).map(([question, whole]) => {
    // A token of the tiny models is a byte, and 500 are what a training takes of a text.
    const text = (whole as string).slice(0, 400);
    return { question, query: question, reasoned: text, text };
  });
  writeLines(path, lines);
}

/** Searches with clicks on what the sample's judgements find relevant: as JSON lines, or as a table where the name says so. */
export function writeSearches(path: string): void {
  const relevant = relevantDocuments();
  const topics = sampleLines<{ _id: string; text: string }>('queries.jsonl');
  const searches = Array.from({ length: 120 }, (__, i) => {
    const { _id: id, text } = topics[i % topics.length];
    const clicks = relevant.get(id)!;
    const time = new Date(Date.UTC(2026, 2, 1) + i * 600_000).toISOString();
    return { query: text, clicks, positions: clicks.map((_, at) => at + 1), time, session: `u${i}` };
  });
  if (!path.endsWith('.tsv')) return writeLines(path, searches);
  const rows = searches.map(({ query, clicks, positions, time, session }) =>
    [query, clicks.join(' '), positions.join(' '), time, session].join('\t'),
  );
  writeFileSync(path, `${['query\tclicks\tpositions\ttime\tsession', ...rows].join('\n')}\n`);
}

/** A file of the sample collection under another name; gzipped where that says so. */
export function copyOfSample(name: string): (path: string) => void {
  return (path) => {
    const content = readFileSync(join(sampleFolder, name));
    writeFileSync(path, path.endsWith('.gz') ? gzipSync(content) : content);
  };
}

/** The sample collection as a folder of its own. */
export function copySample(folder: string): void {
  cpSync(sampleFolder, folder, { recursive: true });
}

const text = (name: string): SchemaElement[] => [
  { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];
const list = (name: string): SchemaElement[] => [
  { name, converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
  ...text('element'),
];

/** BRIGHT and its published reasoned queries as they lie in a data folder; each subset is the sample collection. */
export function writeBright(folder: string): void {
  const documents = sampleLines<{ _id: string; text: string }>('corpus.jsonl');
  const topics = sampleLines<{ _id: string; text: string }>('queries.jsonl');
  const relevant = relevantDocuments();
  const contents = parquetWriteBuffer({
    columnData: [
      { name: 'id', data: documents.map(({ _id: id }) => id) },
      { name: 'content', data: documents.map((document) => document.text) },
    ],
    schema: [{ name: 'root', num_children: 2 }, ...text('id'), ...text('content')],
  });
  const examples = parquetWriteBuffer({
    columnData: [
      { name: 'query', data: topics.map((topic) => topic.text) },
      { name: 'id', data: topics.map(({ _id: id }) => id) },
      { name: 'excluded_ids', data: topics.map(() => ['N/A']) },
      { name: 'gold_ids', data: topics.map(({ _id: id }) => relevant.get(id)!) },
    ],
    schema: [
      { name: 'root', num_children: 4 },
      ...text('query'),
      ...text('id'),
      ...list('excluded_ids'),
      ...list('gold_ids'),
    ],
  });
  for (const name of ['documents', 'examples']) mkdirSync(join(folder, 'BRIGHT', name), { recursive: true });
  for (const name of BRIGHT_SUBSETS) {
    writeFileSync(join(folder, `BRIGHT/documents/${name}-00000-of-00001.parquet`), new Uint8Array(contents));
    writeFileSync(join(folder, `BRIGHT/examples/${name}-00000-of-00001.parquet`), new Uint8Array(examples));
  }
  mkdirSync(join(folder, 'bright/reasoned'), { recursive: true });
  for (const size of ['1.5B', '7B']) {
    copyOfSample('reasoned.json')(join(folder, `bright/reasoned/TongSearch-QR-${size}.json.gz`));
  }
}
