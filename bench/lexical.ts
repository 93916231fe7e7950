/**
 * How does Quern's lexical search compare with bm25s, Tantivy, SQLite's FTS5 and MiniSearch, in speed and size, when all
 * of them index the same terms?
 *
 *     npm run bench -- lexical [--only theorems,textbooks,zipf] [--engines quern,bm25s,tantivy,sqlite,minisearch] [--quick]
 *
 * Corpora: BRIGHT's theorems and the textbooks of the shared data (`QUERN_DATA`, else `../shared/data`), analysed by
 * Quern for everybody, and a million synthetic documents whose terms follow Zipf's law. Every engine indexes, ranks and
 * is timed in processes of its own, one after the other, the fast ones twice, so that a change in the machine's speed falls
 * on all of them; queries are made ready for the engine beforehand (for Quern: its terms' weights), and what it returns
 * first is taken for the answer. First it is checked that Quern and bm25s, whose formula and
 * parameters are the same, give the same scores. Where there are judgements, nDCG@10 says what the scorings differ by.
 *
 * The first run installs the peers into `.bench-peers/` (Python with venv and pip, npm, a C++ compiler) and makes the
 * synthetic corpus there.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { evaluateRun, parseMeasures } from 'quern';
import type { Hit } from 'quern';
import { textbooks, theorems, zipf, type PreparedCorpus, type QuerySet } from './peers/corpora.ts';
import type { Cell, IndexResult, Job, RankResult, TimeResult } from './peers/job.ts';

const windows = process.platform === 'win32';
const home = resolve('.bench-peers');
const venvPython = join(home, 'venv', windows ? 'Scripts/python.exe' : 'bin/python');

/** A row of the table for each query set and k. */
interface Contestant {
  readonly label: string;
  /** As `--engines` has it. Contestants of the same engine share its index. */
  readonly engine: string;
  readonly distinct: boolean;
  /** How often it is timed. */
  readonly passes: number;
}

const contestants: readonly Contestant[] = [
  { label: 'quern', engine: 'quern', distinct: false, passes: 2 },
  { label: 'bm25s', engine: 'bm25s', distinct: false, passes: 2 },
  { label: 'bm25s, distinct terms', engine: 'bm25s', distinct: true, passes: 2 },
  { label: 'tantivy', engine: 'tantivy', distinct: false, passes: 2 },
  { label: 'sqlite', engine: 'sqlite', distinct: false, passes: 1 },
  { label: 'minisearch', engine: 'minisearch', distinct: false, passes: 1 },
];

const corpusNames = ['theorems', 'textbooks', 'zipf'];
const engineNames = [...new Set(contestants.map(({ engine }) => engine))];
const ks = [10, 1000];

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: corpusNames.join(',') },
    engines: { type: 'string', default: engineNames.join(',') },
    quick: { type: 'boolean', default: false },
  },
});
const { quick } = flags;
const chosenCorpora = chosen(flags.only, corpusNames);
const chosenEngines = chosen(flags.engines, engineNames);

/** Of a set, this many queries are timed and this many ranked; a process that indexes or ranks gets these seconds. */
const limits = quick
  ? { timed: 100, ranked: 40, cellSeconds: 4, processSeconds: 120, zipfDocuments: 100_000 }
  : { timed: 1000, ranked: 500, cellSeconds: 10, processSeconds: 600, zipfDocuments: 1_000_000 };
const roundsOf = (corpus: string): number => (quick || corpus === 'zipf' ? 3 : 5);

function chosen(list: string, all: readonly string[]): string[] {
  const names = list.split(',');
  const unknown = names.find((name) => !all.includes(name));
  if (unknown === undefined) return names;
  console.error(`bench: there is no ${JSON.stringify(unknown)}; choose from ${all.join(',')}`);
  process.exit(2);
}

/** What the table says of a contestant on a corpus; what failed is in `notes`. */
interface Findings {
  readonly contestant: Contestant;
  readonly notes: string[];
  bytes?: number;
  indexRate?: number;
  ranking?: RankResult;
  /** Of each pass. */
  readonly timings: TimeResult[];
}

/** Whose scores must be the same. */
const compared = ['quern', 'bm25s'];

/** Installs the peers unless what they are installed from is what is there. */
function installPeers(): void {
  install('requirements.txt', (file) => {
    run(windows ? 'python' : 'python3', ['-m', 'venv', join(home, 'venv')]);
    run(venvPython, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', file]);
  });
  install('package.json', () => run('npm', ['install', '--silent', '--no-package-lock', '--prefix', home]));
}

function install(name: string, steps: (file: string) => void): void {
  const wanted = resolve('bench/peers', name);
  const done = join(home, `${name}.installed`);
  if (existsSync(done) && readFileSync(done, 'utf8') === readFileSync(wanted, 'utf8')) return;
  console.error(`installing the peers of bench/peers/${name}`);
  copyFileSync(wanted, join(home, name));
  steps(wanted);
  copyFileSync(wanted, done);
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2], shell: windows });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

/** Does a job in a process of its own; a string says why there is no result. */
function resultOf<T>(engine: string, job: Job, scratch: string): T | string {
  const python = ['bm25s', 'tantivy'].includes(engine);
  const [jobPath, resultPath] = [join(scratch, 'job.json'), join(scratch, 'result.json')];
  writeFileSync(jobPath, JSON.stringify(job));
  const program = python
    ? ['-B', resolve('bench/peers', `${engine}_peer.py`)]
    : [
        '--expose-gc',
        '--max-old-space-size=8192',
        fileURLToPath(new URL(`peers/${engine}.js`, import.meta.url)),
      ];
  const timeout = 1000 * limits.processSeconds;
  const { status, error, stderr } = spawnSync(
    python ? venvPython : process.execPath,
    [...program, jobPath, resultPath],
    { encoding: 'utf8', stdio: ['ignore', 2, 'pipe'], timeout: job.action === 'time' ? undefined : timeout },
  );
  if (status === 0) return JSON.parse(readFileSync(resultPath, 'utf8')) as T;
  if (error && 'code' in error && error.code === 'ETIMEDOUT') return `stopped after ${timeout / 1000} s`;
  const lines = stderr.split('\n').filter((line) => /error|fatal/i.test(line));
  return `failed: ${lines.at(python ? -1 : 0)?.trim() ?? `exit status ${status}`}`;
}

async function bytesOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).size);
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
}

const versions = new Map<string, string>();

async function findingsOn(corpus: PreparedCorpus): Promise<Findings[]> {
  const scratch = await mkdtemp(join(home, 'run-'));
  try {
    const jobOf = (engine: string, action: Job['action'], distinct = false): Job => ({
      action,
      corpus: corpus.folder,
      index: join(scratch, action === 'index-texts' ? `${engine}-texts` : engine),
      terms: corpus.terms,
      packages: home,
      sets: corpus.sets.map(({ name }) => name),
      ks,
      distinct,
      rounds: roundsOf(corpus.name),
      cellSeconds: limits.cellSeconds,
    });
    const say = (text: string): void => console.error(`${corpus.name}, ${text}`);

    const indexed = new Map<string, Pick<Findings, 'notes' | 'bytes' | 'indexRate'>>();
    for (const engine of chosenEngines) {
      const made = resultOf<IndexResult>(engine, jobOf(engine, 'index'), scratch);
      if (typeof made === 'string') {
        say(`${engine}: indexing ${made}`);
        indexed.set(engine, { notes: [`indexing ${made}`] });
        continue;
      }
      versions.set(engine, made.version);
      const texts = corpus.hasTexts ? jobOf(engine, 'index-texts') : undefined;
      const fromTexts = texts && resultOf<IndexResult>(engine, texts, scratch);
      if (texts) await rm(texts.index, { recursive: true, force: true });
      const timed = fromTexts ?? made;
      indexed.set(engine, {
        notes: [made.remark, typeof timed === 'string' ? `indexing texts ${timed}` : undefined].filter(
          (note) => note !== undefined,
        ),
        bytes: await bytesOf(jobOf(engine, 'index').index),
        indexRate: typeof timed === 'string' ? undefined : corpus.documents / timed.seconds,
      });
      say(`${engine}: indexed in ${made.seconds.toFixed(1)} s`);
    }

    const all: Findings[] = contestants
      .filter(({ engine }) => indexed.has(engine))
      .map((contestant) => {
        const { notes, ...facts } = indexed.get(contestant.engine)!;
        return { contestant, ...facts, notes: [...notes], timings: [] };
      });
    const ready = all.filter(({ bytes }) => bytes !== undefined);
    const judged = corpus.sets.some(({ qrels }) => qrels !== undefined);
    for (const findings of ready) {
      const { engine, distinct, label } = findings.contestant;
      // Without judgements rankings are made to compare scores.
      if (!judged && !compared.includes(label)) continue;
      const ranking = resultOf<RankResult>(engine, jobOf(engine, 'rank', distinct), scratch);
      if (typeof ranking === 'string') findings.notes.push(`ranking ${ranking}`);
      else findings.ranking = ranking;
      say(`${label}: ${typeof ranking === 'string' ? ranking : 'ranked'}`);
    }
    checkScores(corpus, all);
    for (let pass = 1; pass <= 2; pass++) {
      for (const findings of ready) {
        const { engine, distinct, label, passes } = findings.contestant;
        if (pass > passes) continue;
        const timing = resultOf<TimeResult>(engine, jobOf(engine, 'time', distinct), scratch);
        if (typeof timing === 'string') findings.notes.push(`searching ${timing}`);
        else findings.timings.push(timing);
        say(`${label}: ${typeof timing === 'string' ? timing : `timed (${pass} of ${passes})`}`);
      }
    }
    return all;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Throws unless the first 20 queries of every set get the same ten scores from Quern and bm25s. */
function checkScores(corpus: PreparedCorpus, all: readonly Findings[]): void {
  const rankingOf = (label: string): RankResult | undefined => {
    const found = all.find(({ contestant }) => contestant.label === label);
    if (found && !found.ranking)
      throw new Error(`${corpus.name}: no scores of ${label}: ${found.notes.join()}`);
    return found?.ranking;
  };
  const [ours, theirs] = compared.map(rankingOf);
  if (!ours || !theirs) return;
  for (const { name } of corpus.sets) {
    for (const [i, { scores }] of ours[name].slice(0, 20).entries()) {
      const others = theirs[name][i].scores;
      const agree =
        scores.length === others.length &&
        scores.every((score, rank) => Math.abs(others[rank] / score - 1) < 1e-4);
      if (!agree) {
        throw new Error(
          `${corpus.name}, ${name}, query ${i}: quern scores ${scores.join(' ')}, bm25s ${others.join(' ')}`,
        );
      }
    }
  }
}

const [ndcg] = parseMeasures(['ndcg@10']);

/** nDCG@10 over the topics of the set, ties broken as trec_eval does. */
function ndcgOf(corpus: PreparedCorpus, { name, topics, qrels }: QuerySet, ranking?: RankResult): string {
  if (!ranking || !qrels) return '';
  const rankings = topics.map((topic, i): [string, Hit[]] => {
    const { documents, scores } = ranking[name][i];
    const hits = documents.map((document, rank) => ({
      id: corpus.ids![document],
      score: scores[rank],
      rank: rank + 1,
    }));
    return [topic, hits];
  });
  const judged = new Map(topics.map((topic) => [topic, qrels.get(topic)!]));
  const { mean } = evaluateRun({ rankings: new Map(rankings) }, judged, [ndcg], { complete: true });
  return mean[ndcg.name].toFixed(4);
}

/** Three significant digits. */
function short(value: number | undefined): string {
  if (value === undefined) return '-';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, digits === 0 ? ',' : '');
}

function average(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** The means of the passes, of which each is a median of rounds. */
function cellOf({ timings }: Findings, set: string, k: number): Cell | undefined {
  const cells = timings.flatMap((timing) => timing.cells).filter((cell) => cell.set === set && cell.k === k);
  if (cells.length === 0) return undefined;
  const meanOf = (value: (cell: Cell) => number): number => average(cells.map(value));
  const [{ allCores }] = cells;
  return {
    set,
    k,
    queries: Math.round(meanOf(({ queries }) => queries)),
    perSecond: meanOf(({ perSecond }) => perSecond),
    p50: meanOf(({ p50 }) => p50),
    p99: meanOf(({ p99 }) => p99),
    allCores: allCores === undefined ? undefined : meanOf((cell) => cell.allCores!),
  };
}

/** A row for each query set, k and contestant that was timed. */
function speedRows(corpus: PreparedCorpus, all: readonly Findings[]): string[][] {
  return corpus.sets.flatMap((set) =>
    ks.flatMap((k) =>
      all.flatMap((findings) => {
        const cell = cellOf(findings, set.name, k);
        if (!cell) return [];
        const { perSecond, p50, p99, allCores, queries } = cell;
        return [
          [
            corpus.name,
            set.name,
            String(k),
            findings.contestant.label,
            short(perSecond),
            short(p50),
            short(p99),
            short(allCores),
            String(queries),
            ndcgOf(corpus, set, findings.ranking),
          ],
        ];
      }),
    ),
  );
}

/** A row for each contestant. */
function sizeRows(corpus: PreparedCorpus, all: readonly Findings[]): string[][] {
  return all.map(({ contestant, bytes, timings, indexRate, notes }) => [
    corpus.name,
    contestant.label,
    short(bytes && bytes / 1e6),
    short(timings.length > 0 ? average(timings.map(({ memory }) => memory)) / 1e6 : undefined),
    short(indexRate),
    notes.join('; '),
  ]);
}

function ratio(ours?: number, theirs?: number): string {
  return ours !== undefined && theirs !== undefined ? `${short(ours / theirs)} ×` : '-';
}

/** Quern's queries a second by each peer's. */
function ratioRows(corpus: PreparedCorpus, all: readonly Findings[]): string[][] {
  const [quern, ...peers] = all;
  return corpus.sets.flatMap(({ name }) =>
    ks.map((k) => {
      const ours = cellOf(quern, name, k);
      const theirs = peers.map((peer) => cellOf(peer, name, k));
      const manyCores = theirs.filter((_, i) => peers[i].contestant.engine === 'bm25s');
      return [
        corpus.name,
        name,
        String(k),
        ...theirs.map((cell) => ratio(ours?.perSecond, cell?.perSecond)),
        ...manyCores.map((cell) => ratio(ours?.allCores, cell?.allCores)),
      ];
    }),
  );
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function printTable(head: readonly string[], rows: readonly string[][]): void {
  const left = new Set(['corpus', 'queries', 'engine', 'notes']);
  console.log(tableLine(head));
  console.log(`|${head.map((name) => (left.has(name) ? ' --- |' : ' ---: |')).join('')}`);
  for (const row of rows) console.log(tableLine(row));
  console.log();
}

const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
if (!existsSync(data)) {
  console.error(`skipped: there is no ${data}; set QUERN_DATA to the folder of the shared data`);
  process.exit(1);
}
mkdirSync(home, { recursive: true });
installPeers();

const start = performance.now();
const speeds: string[][] = [];
const sizes: string[][] = [];
const ratios: string[][] = [];
const summaries: string[] = [];
for (const name of chosenCorpora) {
  const { timed, ranked, zipfDocuments } = limits;
  const folder = join(home, 'corpora', name === 'zipf' ? `zipf-${zipfDocuments}` : name);
  const source = { data, folder, timed, ranked };
  const makers = { theorems, textbooks, zipf: () => zipf(source, zipfDocuments) };
  const corpus = await makers[name as keyof typeof makers](source);
  const { documents, terms, tokens } = corpus;
  summaries.push(`${name}: ${short(documents)} documents, ${short(terms)} terms, ${short(tokens)} tokens`);
  const all = await findingsOn(corpus);
  speeds.push(...speedRows(corpus, all));
  sizes.push(...sizeRows(corpus, all));
  if (chosenEngines.includes('quern')) ratios.push(...ratioRows(corpus, all));
  // What is known so far: the whole run takes an hour.
  writeFileSync(
    join(home, 'tables.json'),
    JSON.stringify({ summaries, ratios, speeds, sizes }, undefined, 1),
  );
}

const { length: cores, 0: cpu } = cpus();
console.log(
  `npm run bench -- lexical ${process.argv.slice(2).join(' ')}`.trim() +
    `\n\n${cpu?.model.trim()}, ${cores} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB. ` +
    `${[...versions.values()].join('; ')}.\n${summaries.join('; ')}.\n` +
    `Medians of ${roundsOf('theorems')} rounds (zipf: ${roundsOf('zipf')}), of engines timed twice the mean of two such; at ` +
    `most ${limits.timed} queries of a set and ${limits.cellSeconds} s a cell ("timed": for how many there was time). ` +
    `nDCG@10 is over ${limits.ranked} questions at most. Indexing is from terms, of textbooks from its text, until the ` +
    `index is on disk. Memory: what the process grew by from opening the index and a round of searches. ` +
    `quern, bm25s: k1 = 0.9, b = 0.4; tantivy, sqlite: k1 = 1.2, b = 0.75, fixed; minisearch: its BM25+.\n`,
);
const names = ['corpus', 'queries', 'k'];
if (chosenEngines.includes('quern')) {
  const peers = contestants.slice(1).filter(({ engine }) => chosenEngines.includes(engine));
  const manyCores = peers.filter(({ engine }) => engine === 'bm25s');
  const labels = [...peers.map(({ label }) => label), ...manyCores.map(({ label }) => `${label}, all cores`)];
  console.log(`Quern's queries/s by the peer's\n`);
  printTable([...names, ...labels], ratios);
}
const figures = ['queries/s', 'p50 ms', 'p99 ms', 'queries/s, all cores', 'timed', 'nDCG@10'];
printTable([...names, 'engine', ...figures], speeds);
printTable(['corpus', 'engine', 'MB on disk', 'MB memory', 'documents/s indexed', 'notes'], sizes);
console.error(`took ${((performance.now() - start) / 60_000).toFixed(1)} minutes`);
