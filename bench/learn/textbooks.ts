/** The collection `textbooks`, and the reasoned queries that were published for BRIGHT, as the experiment reads them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

export interface Question {
  readonly id: string;
  readonly text: string;
  /** The section that asks it. */
  readonly gold: readonly string[];
}

export interface Textbooks {
  readonly sections: readonly Section[];
  readonly train: readonly Question[];
  readonly test: readonly Question[];
  readonly reasonedTrain: readonly Question[];
  readonly reasonedTest: readonly Question[];
  /** By a question's id. */
  readonly answers: ReadonlyMap<string, string>;
  /** By a question's text: of `reasonedTest` too. */
  readonly reasoned: ReadonlyMap<string, string>;
}

export async function readTextbooks(folder: string): Promise<Textbooks> {
  const corpus = await readJsonl<{ _id: string; title: string; text: string }>(
    join(folder, 'corpus.jsonl.gz'),
  );
  const answers = await readJsonl<{ _id: string; answer: string }>(join(folder, 'answers.jsonl'));
  const reasoned = await readTexts(join(folder, 'reasoned.json'));
  return {
    sections: corpus.map(({ _id, title, text }) => ({ id: _id, title, text })),
    train: await readQuestions(folder, 'train'),
    test: await readQuestions(folder, 'test'),
    reasonedTrain: await readQuestions(folder, 'reasoned-train'),
    reasonedTest: await readQuestions(folder, 'reasoned-test'),
    answers: new Map(answers.map(({ _id, answer }) => [_id, answer])),
    reasoned,
  };
}

/** The questions of a split of a collection in the BEIR layout. */
export async function readQuestions(folder: string, split: string): Promise<Question[]> {
  const queries = await readJsonl<{ _id: string; text: string }>(join(folder, 'queries.jsonl'));
  const texts = new Map(queries.map(({ _id, text }) => [_id, text]));
  const gold = new Map<string, string[]>();
  const lines = (await readFile(join(folder, 'qrels', `${split}.tsv`), 'utf8')).split('\n').slice(1);
  for (const line of lines) {
    const [question, section, score] = line.split('\t');
    if (Number(score) > 0) gold.set(question, [...(gold.get(question) ?? []), section]);
  }
  return Array.from(gold, ([id, sections]) => ({ id, text: texts.get(id)!, gold: sections }));
}

/** A file of reasoned queries: question → text. */
export async function readTexts(path: string): Promise<Map<string, string>> {
  return new Map(Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, string>));
}

/** The published reasoned queries of the smallest model, but for those of BRIGHT's subsets on theorems. */
export async function readBrightReasoned(data: string): Promise<{ question: string; reasoned: string }[]> {
  const file = join(data, 'bright/reasoned/TongSearch-QR-1.5B.json.gz');
  const reasoned = JSON.parse(gunzipSync(await readFile(file)).toString()) as Record<string, string>;
  const topics = join(data, 'bright/topics');
  const evaluated = new Set<string>();
  const subsets = (await readdir(topics)).filter((name) => name.includes('theoremqa'));
  if (subsets.length !== 2)
    throw new Error(`${topics} has ${subsets.length} files on theoremqa instead of 2`);
  for (const name of subsets) {
    for (const { query } of await readJsonl<{ query: string }>(join(topics, name))) {
      evaluated.add(normalised(query));
    }
  }
  return Object.entries(reasoned)
    .map(([question, text]) => ({ question, reasoned: text }))
    .filter(({ question }) => !evaluated.has(normalised(question)));
}

/** What is left of a question where only its letters and digits count. */
export function normalised(text: string): string {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  ).join(' ');
}

export async function readJsonl<T>(path: string): Promise<T[]> {
  const bytes = await readFile(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as T);
}
