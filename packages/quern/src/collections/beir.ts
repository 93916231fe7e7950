import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QuernError, fileError } from '../errors.ts';
import type { CorpusOptions, TextCorpus } from './corpus.ts';
import { jsonlCorpus } from './documents.ts';
import { firstFile, pathKind } from './files.ts';
import { excerpt, readJsonl } from './jsonl.ts';
import { readLines, type Line } from './lines.ts';
import { compareBytes } from '../byte-order.ts';
import {
  addJudgement,
  judgedTopics,
  relevanceLevel,
  type JudgedTopics,
  type Judgement,
} from './judgements.ts';
import { idText } from './record-fields.ts';
import type { Qrels, Topic } from './records.ts';
import { recordTopics } from './topics.ts';

/** The names of a corpus file in a BEIR folder, the preferred one first. */
export const BEIR_CORPUS_FILES = ['corpus.jsonl', 'corpus.jsonl.gz'] as const;
const QUERIES_FILES = ['queries.jsonl', 'queries.jsonl.gz'] as const;

/** The corpus of a BEIR folder, its `corpus.jsonl` or `corpus.jsonl.gz`. Throws `NOT_FOUND`. */
export async function beirCorpus(folder: string, options: CorpusOptions = {}): Promise<TextCorpus> {
  return jsonlCorpus(await requiredFile(folder, BEIR_CORPUS_FILES), options);
}

/**
 * All queries of a BEIR folder, its `queries.jsonl` or `queries.jsonl.gz`, in the order of the file. Throws
 * `NOT_FOUND`, and `BAD_INPUT` at `file:line` for malformed records and duplicate ids.
 */
export async function readBeirQueries(folder: string, options: CorpusOptions = {}): Promise<Topic[]> {
  const path = await requiredFile(folder, QUERIES_FILES);
  return recordTopics(readJsonl(path, { signal: options.signal }), options.warnings);
}

/** The names of a BEIR folder's splits, i.e. of its files `qrels/NAME.tsv`, sorted. Throws `NOT_FOUND`. */
export async function beirSplits(folder: string): Promise<string[]> {
  const path = join(folder, 'qrels');
  const names = await readdir(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  return names
    .filter((name) => name.endsWith('.tsv'))
    .map((name) => name.slice(0, -'.tsv'.length))
    .sort(compareBytes);
}

/**
 * The judgements in a BEIR qrels file: query id, document id and level, separated by tabs; a header line is skipped. A
 * judgement that is repeated is counted as a warning. Throws `BAD_INPUT` at `file:line` for a line of another form, a
 * level that is not an integer, and a document judged twice with different levels.
 */
export async function readBeirQrels(path: string, options: CorpusOptions = {}): Promise<Qrels> {
  const qrels = new Map<string, Map<string, number>>();
  for await (const { judgement, where } of beirJudgements(
    readLines(path, { signal: options.signal }),
    path,
  )) {
    addJudgement(qrels, judgement, where, options.warnings);
  }
  return qrels;
}

/**
 * The judgements in the lines of a BEIR qrels file, one by one, each with its place; errors call the file `path`. Throws
 * `BAD_INPUT` as {@link readBeirQrels} does, but where lines contradict each other.
 */
export async function* beirJudgements(
  lines: AsyncIterable<Line>,
  path: string,
): AsyncGenerator<{ readonly judgement: Judgement; readonly where: string }> {
  for await (const { text, number } of lines) {
    const where = `${path}:${number}`;
    const fields = text.split('\t');
    if (text.trim() === '' || (number === 1 && isHeader(fields))) continue;
    if (fields.length !== 3) {
      throw new QuernError('BAD_INPUT', `${fields.length} fields, not 3: ${excerpt(text)}`, {
        where,
        hint: 'A line reads query-id, corpus-id and score, separated by tabs',
      });
    }
    const topic = idText(fields[0], 'query-id', where);
    const document = idText(fields[1], 'corpus-id', where);
    yield { judgement: { topic, document, level: relevanceLevel(fields[2], where) }, where };
  }
}

function isHeader(fields: readonly string[]): boolean {
  return fields.length === 3 && /^[a-z][a-z_ -]*$/i.test(fields[2].trim());
}

/**
 * One split of a BEIR folder: the judgements of `qrels/SPLIT.tsv` and the queries that have some, in the order of
 * `queries.jsonl`. Judgements of a topic that is not among the queries are counted as a warning and left out. Throws
 * `NOT_FOUND` for an unknown split, naming those that are there.
 */
export async function readBeirSplit(
  folder: string,
  split: string,
  options: CorpusOptions = {},
): Promise<JudgedTopics> {
  const splits = await beirSplits(folder);
  if (!splits.includes(split)) {
    const there = splits.length === 0 ? 'There is none' : `There are: ${splits.join(', ')}`;
    throw new QuernError('NOT_FOUND', `no split ${JSON.stringify(split)}`, {
      where: join(folder, 'qrels'),
      hint: there,
    });
  }
  const qrelsFile = join(folder, 'qrels', `${split}.tsv`);
  const judged = await readBeirQrels(qrelsFile, options);
  return judgedTopics(await readBeirQueries(folder, options), judged, qrelsFile, options.warnings);
}

async function requiredFile(folder: string, names: readonly string[]): Promise<string> {
  if (!(await pathKind(folder)).isFolder) {
    throw new QuernError('IO', 'is a file, not a folder in the BEIR layout', { where: folder });
  }
  const path = await firstFile(folder, names);
  if (path === undefined) {
    throw new QuernError('NOT_FOUND', `no ${names.join(' or ')} in this folder`, { where: folder });
  }
  return path;
}
