/** The corpora and queries of `lexical.ts`, written as the folders that {@link Job} describes. */
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { analyzerNamed, documentText, openCollection, openCorpus } from 'quern';
import type { Analyzer, Qrels } from 'quern';

export interface QuerySet {
  readonly name: string;
  /** The topics of the queries that are ranked, in their order, where there are judgements. */
  readonly topics: readonly string[];
  readonly qrels?: Qrels;
}

export interface PreparedCorpus {
  readonly name: string;
  readonly folder: string;
  readonly documents: number;
  readonly terms: number;
  readonly tokens: number;
  /** The documents' ids; numbers of documents where there are no others. */
  readonly ids?: readonly string[];
  readonly hasTexts: boolean;
  readonly sets: readonly QuerySet[];
}

/** What a corpus is made from. */
export interface Source {
  /** The folder of the shared data. */
  readonly data: string;
  /** Where the folder of the corpus is made. */
  readonly folder: string;
  /** The most queries of a set that are timed, and that are ranked. */
  readonly timed: number;
  readonly ranked: number;
}

/** Queries that are ranked only to compare the scores of two engines. */
const compared = 20;

/** A query as text, of a topic where it is judged. */
interface TextQuery {
  readonly text: string;
  readonly topic?: string;
}

/** Writes the documents' terms by number. */
class CorpusWriter {
  readonly #folder: string;
  readonly #tokens;
  readonly #numbers = new Map<string, number>();
  readonly #lengths: number[] = [];
  #written = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#tokens = createWriteStream(join(folder, 'tokens.u32'));
  }

  static async create(folder: string): Promise<CorpusWriter> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    return new CorpusWriter(folder);
  }

  async add(terms: readonly string[]): Promise<void> {
    const numbers = Uint32Array.from(terms, (term) => {
      const known = this.#numbers.get(term);
      if (known === undefined) this.#numbers.set(term, this.#numbers.size);
      return known ?? this.#numbers.size - 1;
    });
    this.#lengths.push(numbers.length);
    this.#written += numbers.length;
    if (numbers.length > 0) await written(this.#tokens, numbers);
  }

  /** The numbers of the terms that the documents have. */
  numbersOf(terms: readonly string[]): number[] {
    return terms.map((term) => this.#numbers.get(term)).filter((number) => number !== undefined);
  }

  async finish(): Promise<{ documents: number; terms: number; tokens: number }> {
    await ended(this.#tokens);
    await writeFile(join(this.#folder, 'lengths.u32'), Uint32Array.from(this.#lengths));
    return { documents: this.#lengths.length, terms: this.#numbers.size, tokens: this.#written };
  }
}

async function written(stream: ReturnType<typeof createWriteStream>, numbers: Uint32Array): Promise<void> {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (!stream.write(bytes)) await once(stream, 'drain');
}

async function ended(stream: ReturnType<typeof createWriteStream>): Promise<void> {
  stream.end();
  await once(stream, 'close');
}

/** BRIGHT's theorems with their questions, and with the reasoned queries of all 12 subsets. */
export async function theorems(source: Source): Promise<PreparedCorpus> {
  const bright = join(source.data, 'bright');
  const corpus = await openCorpus(join(bright, 'theoremqa_theorems'));
  if (corpus.kind !== 'vectors') throw new Error('theoremqa_theorems is not a corpus of vectors');
  const writer = await CorpusWriter.create(source.folder);
  const ids: string[] = [];
  for await (const { document } of corpus.documents()) {
    ids.push(document.id);
    await writer.add(
      [...document.vector].flatMap(([term, frequency]) => Array<string>(frequency).fill(term)),
    );
  }
  const size = await writer.finish();
  const { topics, qrels } = await openCollection('bright:theoremqa_theorems', { data: source.data });
  const topicOf = new Map(topics.map(({ id, text }) => [text, id]));
  const sets = [
    { name: 'question', queries: topics.map(({ id, text }): TextQuery => ({ text, topic: id })) },
    ...['TongSearch-QR-1.5B', 'TongSearch-QR-7B'].map((name) => {
      const json = gunzipSync(readFileSync(join(bright, 'reasoned', `${name}.json.gz`))).toString('utf8');
      const queries = Object.entries(JSON.parse(json) as Record<string, string>);
      return { name, queries: queries.map(([question, text]) => ({ text, topic: topicOf.get(question) })) };
    }),
  ];
  const analyzer = analyzerNamed('english+english');
  const querySets: QuerySet[] = [];
  for (const { name, queries } of sets) {
    querySets.push({ name, topics: await writeQueries(source, name, queries, analyzer, writer), qrels });
  }
  return { name: 'theorems', folder: source.folder, ...size, ids, hasTexts: false, sets: querySets };
}

/** The sections of textbooks with the books' questions, and with those that have a printed answer followed by it. */
export async function textbooks(source: Source): Promise<PreparedCorpus> {
  const corpus = await openCorpus(join(source.data, 'textbooks'));
  if (corpus.kind !== 'text') throw new Error('textbooks is not a corpus of texts');
  const analyzer = analyzerNamed('english');
  const writer = await CorpusWriter.create(source.folder);
  const ids: string[] = [];
  const texts: string[] = [];
  for await (const { document } of corpus.documents()) {
    ids.push(document.id);
    const text = documentText(document);
    texts.push(JSON.stringify(text));
    await writer.add(analyzer.terms(text));
  }
  const size = await writer.finish();
  await writeFile(join(source.folder, 'texts.jsonl'), `${texts.join('\n')}\n`);
  const splits = [];
  for (const split of ['train', 'test']) {
    splits.push(await openCollection('beir:textbooks', { data: source.data, split }));
  }
  const topics = splits.flatMap((split) => split.topics);
  const qrels = new Map(splits.flatMap((split) => [...split.qrels]));
  const answers = new Map(
    readFileSync(join(source.data, 'textbooks/answers.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { _id: string; answer: string })
      .map(({ _id, answer }) => [_id, answer]),
  );
  const sets = [
    { name: 'question', queries: topics.map(({ id, text }) => ({ text, topic: id })) },
    {
      name: 'question and answer',
      queries: topics
        .filter(({ id }) => answers.has(id))
        .map(({ id, text }) => ({ text: `${text} ${answers.get(id)}`, topic: id })),
    },
  ];
  const querySets: QuerySet[] = [];
  for (const { name, queries } of sets) {
    querySets.push({ name, topics: await writeQueries(source, name, queries, analyzer, writer), qrels });
  }
  return { name: 'textbooks', folder: source.folder, ...size, ids, hasTexts: true, sets: querySets };
}

/** Writes the queries to be timed, in a random order, and those to be ranked; returns the topics of the latter. */
async function writeQueries(
  { folder, timed, ranked }: Source,
  name: string,
  queries: readonly TextQuery[],
  analyzer: Analyzer,
  writer: CorpusWriter,
): Promise<string[]> {
  const all = queries
    .map(({ text, topic }) => ({ topic, terms: writer.numbersOf(analyzer.terms(text)) }))
    .filter(({ terms }) => terms.length > 0);
  const random = randomNumbers(1);
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  const judged = all.filter(({ topic }) => topic !== undefined).slice(0, ranked);
  await writeSet(
    folder,
    name,
    all.slice(0, timed).map(({ terms }) => terms),
    judged.map(({ terms }) => terms),
  );
  return judged.map(({ topic }) => topic!);
}

async function writeSet(
  folder: string,
  name: string,
  timed: readonly number[][],
  ranked: readonly number[][],
): Promise<void> {
  await writeFile(join(folder, `${name}.time.json`), JSON.stringify(timed));
  await writeFile(join(folder, `${name}.rank.json`), JSON.stringify(ranked));
}

const zipfTerms = 500_000;
const zipfLength = 120;
const zipfQueries = 200;
const zipfQueryLengths = [5, 50, 200];

/**
 * Documents of 120 terms, each drawn alone from 500,000 with probabilities ∝ 1/rank, and queries of distinct terms drawn
 * likewise. The same numbers each time; a folder that is there is used again.
 */
export async function zipf(source: Source, documents: number): Promise<PreparedCorpus> {
  const sets = zipfQueryLengths.map((length) => ({ name: `${length} terms`, topics: [] }));
  const { folder } = source;
  const size = { documents, terms: zipfTerms, tokens: documents * zipfLength };
  const prepared = { name: 'zipf', folder, ...size, hasTexts: false, sets };
  if (existsSync(folder)) return prepared;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const draw = zipfDraws(zipfTerms, 2);
  const tokens = createWriteStream(join(unfinished, 'tokens.u32'));
  const chunk = 1 << 20;
  for (let at = 0; at < size.tokens; at += chunk) {
    await written(tokens, new Uint32Array(Math.min(chunk, size.tokens - at)).map(draw));
  }
  await ended(tokens);
  await writeFile(join(unfinished, 'lengths.u32'), new Uint32Array(documents).fill(zipfLength));
  const drawForQueries = zipfDraws(zipfTerms, 3);
  for (const [i, length] of zipfQueryLengths.entries()) {
    const queries = Array.from({ length: zipfQueries }, () => {
      const terms = new Set<number>();
      while (terms.size < length) terms.add(drawForQueries());
      return [...terms];
    });
    await writeSet(unfinished, sets[i].name, queries, queries.slice(0, compared));
  }
  await rename(unfinished, folder);
  return prepared;
}

/** Draws from 0 … count - 1, i with a probability ∝ 1/(i + 1), by the alias method (Vose 1991). */
function zipfDraws(count: number, seed: number): () => number {
  const random = randomNumbers(seed);
  let sum = 0;
  for (let i = 1; i <= count; i++) sum += 1 / i;
  const share = Float64Array.from({ length: count }, (_, i) => count / (i + 1) / sum);
  const alias = new Uint32Array(count);
  // The shares descend: the large ones, first, each fill up small ones until they are small themselves.
  const firstSmall = share.findIndex((value) => value < 1);
  const small = Array.from({ length: count - firstSmall }, (_, i) => firstSmall + i);
  let large = 0;
  for (let i = 0; i < small.length && large < firstSmall; i++) {
    alias[small[i]] = large;
    share[large] -= 1 - share[small[i]];
    if (share[large] < 1) small.push(large++);
  }
  return () => {
    const i = Math.floor(random() * count);
    return random() < share[i] ? i : alias[i];
  };
}

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
