/**
 * What one engine is asked to do in a process of its own: `node ENGINE.js JOB RESULT` reads a {@link Job} and writes its
 * result, both JSON. `job.py` is the same for the engines of Python.
 *
 * The corpus is a folder: `tokens.u32` and `lengths.u32` are the documents' term numbers, one after the other, and how
 * many each has; `texts.jsonl` has the raw texts, where there are any; `SET.rank.json` and `SET.time.json` are queries,
 * lists of term numbers. An engine that wants words is given `t` and the number. Documents are numbered from 0.
 */
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Job {
  /** Index the terms, index the raw texts, rank the queries of every set, or time the searches of every set. */
  readonly action: 'index' | 'index-texts' | 'rank' | 'time';
  readonly corpus: string;
  /** The folder of the index. */
  readonly index: string;
  /** How many different terms the corpus has. */
  readonly terms: number;
  /** Where the npm packages of the peers are. */
  readonly packages: string;
  readonly sets: readonly string[];
  readonly ks: readonly number[];
  /** Each query's terms once, however often it repeats them. */
  readonly distinct: boolean;
  readonly rounds: number;
  /** Seconds that the rounds of a cell may take, the warm-up included. */
  readonly cellSeconds: number;
}

export interface IndexResult {
  readonly version: string;
  readonly seconds: number;
  /** Worth a note in the table. */
  readonly remark?: string;
}

/** The ten best of every query. */
export type RankResult = Readonly<
  Record<string, readonly { readonly documents: readonly number[]; readonly scores: readonly number[] }[]>
>;

/** Searches with one query set and one k. */
export interface Cell {
  readonly set: string;
  readonly k: number;
  /** How many of the set's queries there was time for. */
  readonly queries: number;
  /** Queries a second on one thread, milliseconds a query: medians of the rounds. */
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Queries a second on all cores, where the engine can. */
  readonly allCores?: number;
}

export interface TimeResult {
  /** By how much the process grew from before opening the index until after a round of all searches, in bytes. */
  readonly memory: number;
  readonly cells: readonly Cell[];
}

/** An engine, at searching. */
export interface OpenedEngine<Query> {
  /** What the engine takes for a query: made once, not timed. */
  query(terms: readonly number[]): Query;
  /** A search as it is timed. */
  search(query: Query, k: number): unknown;
  /** The same search, with numbers of documents. */
  rank(query: Query, k: number): { documents: number[]; scores: number[] };
  /** All queries at once on all cores. */
  searchAll?(queries: readonly Query[], k: number): Promise<unknown>;
}

export interface Engine<Query> {
  version(job: Job): string;
  /** Makes the index and returns a remark, if there is one. */
  index(job: Job): Promise<string | undefined>;
  indexTexts(job: Job, texts: readonly string[]): Promise<string | undefined>;
  open(job: Job): Promise<OpenedEngine<Query>>;
}

/** Does the job that the command line names. */
export async function work<Query>(engine: Engine<Query>): Promise<void> {
  const [jobPath, resultPath] = process.argv.slice(2);
  const job = JSON.parse(readFileSync(jobPath, 'utf8')) as Job;
  const result = await resultOf(engine, job);
  writeFileSync(resultPath, JSON.stringify(result));
}

async function resultOf<Query>(
  engine: Engine<Query>,
  job: Job,
): Promise<IndexResult | RankResult | TimeResult> {
  if (job.action === 'rank') {
    const opened = await engine.open(job);
    return Object.fromEntries(
      job.sets.map((set) => [
        set,
        queriesOf(job, `${set}.rank`).map((terms) => opened.rank(opened.query(terms), 10)),
      ]),
    );
  }
  if (job.action === 'time') return timeAll(engine, job);
  const texts = job.action === 'index-texts' ? textsOf(job) : [];
  const start = performance.now();
  const remark = await (job.action === 'index' ? engine.index(job) : engine.indexTexts(job, texts));
  return { version: engine.version(job), seconds: (performance.now() - start) / 1000, remark };
}

async function timeAll<Query>(engine: Engine<Query>, job: Job): Promise<TimeResult> {
  const terms = job.sets.map((set) => ({ set, queries: queriesOf(job, `${set}.time`) }));
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const opened = await engine.open(job);
  const cells: (Omit<Cell, 'perSecond' | 'p50' | 'p99'> & { prepared: Query[] })[] = [];
  for (const { set, queries } of terms) {
    const all = queries.map((query) => opened.query(query));
    for (const k of job.ks) {
      // The warm-up, which finds out for how many queries there is time.
      const until = performance.now() + (1000 * job.cellSeconds) / (job.rounds + 1);
      let count = 0;
      while (count < all.length && performance.now() < until) opened.search(all[count++], k);
      cells.push({ set, k, queries: count, prepared: all.slice(0, count) });
    }
  }
  const memory = process.memoryUsage.rss() - before;
  const timed: Cell[] = [];
  for (const { prepared, ...cell } of cells) {
    const rounds = Array.from({ length: job.rounds }, () => timeRound(opened, prepared, cell.k));
    timed.push({
      ...cell,
      perSecond: median(rounds.map(({ perSecond }) => perSecond)),
      p50: median(rounds.map(({ p50 }) => p50)),
      p99: median(rounds.map(({ p99 }) => p99)),
      allCores: opened.searchAll && (await timeAllCores(opened, prepared, cell.k, job.rounds)),
    });
  }
  return { memory, cells: timed };
}

function timeRound<Query>(opened: OpenedEngine<Query>, queries: readonly Query[], k: number) {
  const times = new Float64Array(queries.length);
  const start = performance.now();
  for (let i = 0; i < queries.length; i++) {
    const from = performance.now();
    opened.search(queries[i], k);
    times[i] = performance.now() - from;
  }
  const seconds = (performance.now() - start) / 1000;
  times.sort();
  const quantile = (part: number): number => times[Math.ceil(part * times.length) - 1];
  return { perSecond: queries.length / seconds, p50: quantile(0.5), p99: quantile(0.99) };
}

async function timeAllCores<Query>(
  opened: OpenedEngine<Query>,
  queries: readonly Query[],
  k: number,
  rounds: number,
): Promise<number> {
  const rates: number[] = [];
  // The first round is the warm-up.
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    await opened.searchAll!(queries, k);
    if (round > 0) rates.push((1000 * queries.length) / (performance.now() - start));
  }
  return median(rates);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function queriesOf({ corpus, distinct }: Job, name: string): number[][] {
  const queries = JSON.parse(readFileSync(join(corpus, `${name}.json`), 'utf8')) as number[][];
  return distinct ? queries.map((terms) => [...new Set(terms)]) : queries;
}

function textsOf({ corpus }: Job): string[] {
  const lines = readFileSync(join(corpus, 'texts.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as string);
}

/** Each document's term numbers, read as they are asked for. The array is valid until the next one. */
export function* documentsOf({ corpus }: Pick<Job, 'corpus'>): Generator<Uint32Array> {
  const lengths = new Uint32Array(new Uint8Array(readFileSync(join(corpus, 'lengths.u32'))).buffer);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const buffer = new Uint32Array(Math.max(longest, 1 << 20));
  const file = openSync(join(corpus, 'tokens.u32'), 'r');
  let [from, to] = [0, 0];
  try {
    for (const length of lengths) {
      if (to - from < length) {
        buffer.copyWithin(0, from, to);
        const kept = 4 * (to - from);
        const bytes = readSync(file, new Uint8Array(buffer.buffer, kept));
        [from, to] = [0, (kept + bytes) / 4];
      }
      yield buffer.subarray(from, from + length);
      from += length;
    }
  } finally {
    closeSync(file);
  }
}

const made: string[] = [];

/** The word that a term number is given as: the same string each time, as a tokenizer that knows the word would give. */
export function word(term: number): string {
  return (made[term] ??= `t${term}`);
}

export function words(terms: Iterable<number>): string {
  return Array.from(terms, word).join(' ');
}
