/** What is trained on: questions with documents that answer them, and questions with reasoned queries to imitate. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCollection } from '../collections/collection.ts';
import { pathKindIfAny } from '../collections/files.ts';
import { readJsonl, type PlacedRecord } from '../collections/jsonl.ts';
import { readParquet } from '../collections/parquet.ts';
import { idListField, idText, kindOf, textField } from '../collections/record-fields.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { RecordedReasoner } from '../reason/recorded.ts';

/** A question to learn from. */
export interface TrainingQuestion {
  /** Its own, or its place. */
  readonly id: string;
  readonly question: string;
  /** Texts of documents that answer it, one or more. */
  readonly positives: readonly string[];
  /** Their ids in the index of the reward, where there is one. */
  readonly positiveIds?: readonly string[];
}

/** A reasoned query to imitate. */
export interface Demonstration {
  readonly question: string;
  readonly reasoned: string;
}

/** The example questions of the package. */
export const sampleData = 'sample:';

/** Which file of a folder that `quern curate` wrote is read. */
export type DataSplit = 'train' | 'validation';

/**
 * The questions of files and folders, in their order: `SPLIT.parquet` or `SPLIT.jsonl` of a folder, Parquet or JSONL files, or
 * {@link sampleData}. Throws `NOT_FOUND`, and `BAD_INPUT` at the place of a record that has no question or no positives, for two
 * questions of one id, and where there is none at all.
 */
export async function readTrainingQuestions(
  paths: readonly string[],
  { split, signal }: { readonly split: DataSplit; readonly signal?: AbortSignal },
): Promise<TrainingQuestion[]> {
  const questions: TrainingQuestion[] = [];
  const places = new Map<string, string>();
  for (const path of paths) {
    if (path === sampleData) {
      questions.push(...(await sampleQuestions()));
      continue;
    }
    for await (const placed of recordsOf(path, split)) {
      throwIfAborted(signal);
      const found = questionOf(placed);
      const before = places.get(found.id);
      if (before !== undefined) {
        throw new QuernError('BAD_INPUT', `has the id ${JSON.stringify(found.id)}, as ${before} has`, {
          where: placed.where,
        });
      }
      places.set(found.id, placed.where);
      questions.push(found);
    }
  }
  if (questions.length === 0) throw noneIn(paths);
  return questions;
}

/**
 * The reasoned queries of files: JSONL of `question` and `reasoned`, or a JSON object from question to text, as {@link sampleData}
 * has one. Throws as {@link readTrainingQuestions} does.
 */
export async function readDemonstrations(
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Demonstration[]> {
  const found: Demonstration[] = [];
  for (const path of paths) {
    if (path !== sampleData && !path.endsWith('.json')) {
      for await (const placed of readJsonl(path, { signal })) {
        const question = wordsIn(placed, 'question');
        found.push({ question, reasoned: wordsIn(placed, 'reasoned') });
      }
      continue;
    }
    const reasoner = await RecordedReasoner.open(path === sampleData ? sampleFile('reasoned.json') : path);
    for (const [question, reasoned] of reasoner.entries()) found.push({ question, reasoned });
  }
  if (found.length === 0) throw noneIn(paths);
  return found;
}

/** What tells data apart: a hash of all of it, in its order. */
export function hashOf(records: Iterable<unknown>): string {
  const hash = createHash('sha256');
  for (const each of records) hash.update(`${JSON.stringify(each)}\n`);
  return hash.digest('hex');
}

async function* recordsOf(path: string, split: DataSplit): AsyncGenerator<PlacedRecord> {
  const kind = await pathKindIfAny(path);
  if (kind === undefined) throw new QuernError('NOT_FOUND', 'is not there', { where: path });
  if (kind.isFolder) {
    for (const name of [`${split}.parquet`, `${split}.jsonl`]) {
      if (!(await pathKindIfAny(join(path, name)))) continue;
      yield* recordsOf(join(path, name), split);
      return;
    }
    throw new QuernError('NOT_FOUND', `holds no ${split}.parquet and no ${split}.jsonl`, {
      where: path,
      hint: 'quern curate writes such a folder',
    });
  }
  if (path.endsWith('.parquet')) {
    yield* readParquet(path, ['question', 'positives'], { optional: ['id', 'positive_ids'] });
  } else yield* readJsonl(path);
}

function questionOf(placed: PlacedRecord): TrainingQuestion {
  const { record, where } = placed;
  const question = wordsIn(placed, 'question');
  const positives: unknown = record['positives'];
  if (!Array.isArray(positives) || positives.length === 0) {
    const what = Array.isArray(positives) ? 'an empty list' : kindOf(positives);
    throw new QuernError('BAD_INPUT', `positives is ${what}, not a list of texts`, { where });
  }
  for (const each of positives as unknown[]) {
    if (typeof each !== 'string' || !/\S/u.test(each)) {
      throw new QuernError('BAD_INPUT', 'a text of positives is empty, or no text', { where });
    }
  }
  const ids = record['positive_ids'];
  return {
    id: record['id'] === undefined || record['id'] === null ? where : idText(record['id'], 'id', where),
    question,
    positives: positives as string[],
    ...(ids !== undefined && ids !== null && { positiveIds: idListField(placed, 'positive_ids') }),
  };
}

function wordsIn(placed: PlacedRecord, field: string): string {
  const text = textField(placed, field);
  if (text !== undefined && /\S/u.test(text)) return text;
  throw new QuernError('BAD_INPUT', `${field} is ${text === undefined ? 'missing' : 'empty'}`, {
    where: placed.where,
  });
}

function sampleFile(...names: string[]): string {
  return fileURLToPath(new URL(`../collection/${names.join('/')}`, import.meta.url));
}

async function sampleQuestions(): Promise<TrainingQuestion[]> {
  const collection = await openCollection(`beir:${sampleFile()}`);
  const texts = new Map<string, string>();
  for await (const { record } of readJsonl(sampleFile('corpus.jsonl'))) {
    texts.set(String(record['_id']), `${String(record['title'] ?? '')} ${String(record['text'])}`.trim());
  }
  return collection.topics.flatMap(({ id, text }) => {
    const relevant = [...(collection.qrels.get(id) ?? [])].filter(([, level]) => level > 0);
    const positives = relevant.flatMap(([document]) => texts.get(document) ?? []);
    return positives.length === 0 ? [] : [{ id, question: text, positives }];
  });
}

function noneIn(paths: readonly string[]): QuernError {
  return new QuernError('BAD_INPUT', 'there is nothing to train on', { where: paths.join(', ') });
}
