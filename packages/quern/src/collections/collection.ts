import { isAbsolute, join } from 'node:path';
import { QuernError } from '../errors.ts';
import { beirCorpus, readBeirQueries, readBeirSplit } from './beir.ts';
import { benchmarkName, benchmarkSubset, type Benchmark } from './benchmark.ts';
import { BRIGHT_PRO } from './bright-pro.ts';
import { brightCorpus, readBrightTopics } from './bright.ts';
import { BRIGHT_LONG_SUBSETS, BRIGHT_SUBSETS, brightName, brightVariant } from './bright-subsets.ts';
import type { Corpus, CorpusOptions } from './corpus.ts';
import { dataFolder, hubCacheFolder } from './environment.ts';
import { pathKindIfAny } from './files.ts';
import { R2MED } from './r2med.ts';
import { RAR_B } from './rar-b.ts';
import { openLog, type LogTraffic } from './log-collection.ts';
import type { Qrels, Topic } from './records.ts';

const BENCHMARKS: readonly Benchmark[] = [BRIGHT_PRO, R2MED, RAR_B];

/** A test collection: questions, judgements, and the documents to search. */
export interface Collection {
  /** Its canonical name, e.g. `bright:earth_science`. */
  readonly name: string;
  readonly topics: readonly Topic[];
  readonly qrels: Qrels;
  /** How its published baselines weight terms: query-side BM25 for BRIGHT, BRIGHT-Pro and R2MED, plain BM25 otherwise. */
  readonly defaultScoring: 'bm25' | 'bm25q';
  /** Of a query log: how often its queries were asked. */
  readonly traffic?: LogTraffic;
  /** Opens its corpus. Throws `NOT_FOUND` where the documents are not there. */
  corpus(): Promise<Corpus>;
}

/** Options of {@link openCollection}. */
export interface CollectionOptions extends CorpusOptions {
  /** The folder with local data; `QUERN_DATA` when not given. */
  readonly data?: string;
  /**
   * The split of a BEIR collection, `qrels/SPLIT.tsv`, `test` when not given; of a query log, `train`, `test`, `unseen` or
   * `all` (see `QueryLogOptions`). Others have no splits.
   */
  readonly split?: string;
  /** Of a query log: whether a document is there; clicks on others do not count. */
  readonly hasDocument?: (id: string) => boolean;
  /** Of a query log: told how many more of its bytes were read; all are read twice. */
  readonly onBytes?: (count: number) => void;
}

/**
 * Opens the collection called `name`: `bright:SUBSET`, `bright:SUBSET:long`, `bright-pro:SUBSET`, `r2med:SUBSET`,
 * `rar-b:TASK`, `beir:FOLDER` (a path from here, else from the data folder), or `log:FILE` (a query log, see
 * `readQueryLog`). Its topics and judgements are read, its documents are not. Throws `USAGE` for a name of another form,
 * `NOT_FOUND` for files that are not there, `BAD_INPUT` for malformed ones.
 */
export async function openCollection(name: string, options: CollectionOptions = {}): Promise<Collection> {
  const [kind, rest] = splitName(name);
  const data = options.data ?? dataFolder();
  switch (kind) {
    case 'bright':
      return openBright(rest, data, options);
    case 'beir':
      return openBeir(rest, data, options);
    case 'log':
      return openLog(rest, options);
    default:
      return openBenchmark(kind, rest, data, options);
  }
}

/**
 * All queries of the collections that `name` stands for, of every split, whether they are judged or not. Throws as
 * {@link openCollection} does.
 */
export async function collectionQueries(name: string, options: CollectionOptions = {}): Promise<Topic[]> {
  const queries: Topic[] = [];
  for (const each of collectionNames(name)) {
    const [kind, rest] = splitName(each);
    if (kind === 'beir') {
      const folder = await beirFolder(rest, options.data ?? dataFolder());
      queries.push(...(await readBeirQueries(folder, options)));
    } else {
      const split = kind === 'log' ? { split: 'all' } : {};
      queries.push(...(await openCollection(each, { ...options, ...split })).topics);
    }
  }
  return queries;
}

/**
 * The collections that `name` stands for: the 12 subsets for `bright:all`, the 8 with long documents for
 * `bright:all:long`, all subsets for `bright-pro:all`, `r2med:all` and `rar-b:all`, otherwise the name itself in its
 * canonical spelling. Throws `USAGE` for what is not a collection's name.
 */
export function collectionNames(name: string): string[] {
  const [kind, rest] = splitName(name);
  if (kind === 'beir' || kind === 'log') return [name];
  if (kind !== 'bright') {
    const subsets = isAll(rest) ? kind.subsets : [benchmarkSubset(kind, rest)];
    return subsets.map((subset) => benchmarkName(kind, subset));
  }
  if (rest === 'all') return BRIGHT_SUBSETS.map((subset) => brightName({ subset, long: false }));
  if (rest === 'all:long') return BRIGHT_LONG_SUBSETS.map((subset) => brightName({ subset, long: true }));
  return [brightName(brightVariant(rest))];
}

async function openBright(
  rest: string,
  data: string | undefined,
  options: CollectionOptions,
): Promise<Collection> {
  if (rest === 'all' || rest === 'all:long') throw severalCollections(`bright:${rest}`);
  const variant = brightVariant(rest);
  const name = brightName(variant);
  if (options.split !== undefined) throw new QuernError('USAGE', 'BRIGHT has no splits', { where: name });
  const places = { data, hubCache: hubCacheFolder() };
  return {
    name,
    ...(await readBrightTopics(variant, places, options)),
    defaultScoring: 'bm25q',
    corpus: () => brightCorpus(variant, places, options),
  };
}

async function openBenchmark(
  benchmark: Benchmark,
  rest: string,
  data: string | undefined,
  options: CollectionOptions,
): Promise<Collection> {
  if (isAll(rest)) throw severalCollections(benchmarkName(benchmark, rest));
  const subset = benchmarkSubset(benchmark, rest);
  const name = benchmarkName(benchmark, subset);
  if (options.split !== undefined) {
    throw new QuernError('USAGE', `${benchmark.title} has no splits`, { where: name });
  }
  const places = { data, hubCache: hubCacheFolder() };
  return {
    name,
    ...(await benchmark.readTopics(subset, places, options)),
    defaultScoring: benchmark.defaultScoring,
    corpus: () => benchmark.corpus(subset, places, options),
  };
}

function isAll(rest: string): boolean {
  return rest.toLowerCase() === 'all';
}

function severalCollections(name: string): QuernError {
  return new QuernError('USAGE', `${name} is several collections`, { hint: 'Open them one by one' });
}

async function openBeir(
  given: string,
  data: string | undefined,
  options: CollectionOptions,
): Promise<Collection> {
  const folder = await beirFolder(given, data);
  return {
    name: `beir:${given}`,
    ...(await readBeirSplit(folder, options.split ?? 'test', options)),
    defaultScoring: 'bm25',
    corpus: () => beirCorpus(folder, options),
  };
}

async function beirFolder(given: string, data: string | undefined): Promise<string> {
  const places = data === undefined || isAbsolute(given) ? [given] : [given, join(data, given)];
  for (const folder of places) {
    if ((await pathKindIfAny(folder))?.isFolder) return folder;
  }
  throw new QuernError('NOT_FOUND', `no such folder: ${places.join(', ')}`, {
    where: `beir:${given}`,
    hint: 'A BEIR folder holds corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv',
  });
}

/** The file of the query log that `name` stands for, `undefined` for other collections. A log has no documents of its own. */
export function logFile(name: string): string | undefined {
  return name.startsWith('log:') ? name.slice('log:'.length) : undefined;
}

function splitName(name: string): ['bright' | 'beir' | 'log' | Benchmark, string] {
  const [, prefix, rest] = /^([^:]+):(.+)$/s.exec(name) ?? [];
  const kind =
    prefix === 'bright' || prefix === 'beir' || prefix === 'log'
      ? prefix
      : BENCHMARKS.find((benchmark) => benchmark.prefix === prefix);
  if (kind !== undefined && rest !== undefined) return [kind, rest];
  const benchmarks = ['bright', ...BENCHMARKS.map((benchmark) => benchmark.prefix)];
  throw new QuernError('USAGE', `${JSON.stringify(name)} is not the name of a collection`, {
    hint: `Names are ${benchmarks.map((each) => `${each}:SUBSET, ${each}:all`).join(', ')}, beir:FOLDER and log:FILE`,
  });
}
