/**
 * What does `quern serve` bear, and what does HTTP cost a search?
 *
 * Serves BRIGHT's `theoremqa_theorems` (`bm25q`, k = 10) from a process of its own; autocannon asks from this one, on the same
 * machine. Searches a second and their times at 1, 16 and 256 connections, without a reasoner and with one whose reasoned queries
 * (those of TongSearch-QR-7B, of some 300 words) are in the cache; beside them the same searches in the library, without HTTP, and
 * `GET /healthz`, which costs no more than a request does. Then four times as many requests as it answers, for a minute; then clients
 * that mean no good, beside others.
 *
 *     npm run bench -- serve
 *     npm run bench -- serve --mixed 10     instead: ten minutes of all kinds of requests, and its memory
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import {
  answer,
  combineNamed,
  indexCorpus,
  LexicalIndex,
  LexicalRetriever,
  NoReasoner,
  openCorpus,
  RecordedReasoner,
} from 'quern';
import { hostileClients } from './serve/hostile-clients.ts';
import { load, percentile, searchRequest, type LoadOutcome } from './serve/load.ts';
import { median, watchMemory } from './serve/memory-watch.ts';
import { mixedLoad } from './serve/mixed-load.ts';
import { startModel, startService, type ServiceProcess } from './serve/service-process.ts';

const ROUNDS = 3;
const SECONDS = 5;

const { values: flags } = parseArgs({
  options: { mixed: { type: 'string' }, overload: { type: 'string', default: '60' } },
});
const data = process.env['QUERN_DATA'] ?? resolve('../shared/data');
const recorded = join(data, 'bright/reasoned/TongSearch-QR-7B.json.gz');
const questions = gunzipSync(
  readFileSync(join(data, 'bright/topics/topics.bright-theoremqa-theorems-original.jsonl.gz')),
)
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { query: string }).query);

const folder = await mkdtemp(join(tmpdir(), 'quern-bench-'));
const index = join(folder, 'theorems.index');
const corpus = await openCorpus(join(data, 'bright/theoremqa_theorems/vectors.jsonl.gz'), {
  format: 'vectors',
});
await indexCorpus(corpus, { out: index, analyzer: 'english+english' });
const model = await startModel(recorded, flags.mixed === undefined ? 0 : 20);
const { version } = createRequire(import.meta.url)('autocannon/package.json') as { version: string };
console.log(
  `Node ${process.versions.node}, autocannon ${version}, ${cpus()[0].model}, ${cpus().length} cores`,
);
const service = await startService(folder, {
  data: join(folder, 'data'),
  cache: join(folder, 'cache'),
  indexes: { theorems: { index, retriever: 'bm25q' } },
  reasoners: { qr: `openai:tongsearch-qr-7b@${model.url}` },
  log: { level: 'warn' },
});
try {
  await (flags.mixed === undefined ? run(service) : runMixed(service, Number(flags.mixed)));
} finally {
  await service.stop();
  model.child.kill();
  await rm(folder, { recursive: true, force: true });
}

async function run({ url, port, memory, isRunning }: ServiceProcess): Promise<void> {
  const kinds = {
    healthz: [{ method: 'GET' as const, path: '/healthz' }],
    'no reasoner': questions.map((query) => searchRequest({ query, index: 'theorems' })),
    'cached reasoner': questions.map((query) => searchRequest({ query, index: 'theorems', reasoner: 'qr' })),
  };
  // Fills the cache, and warms all up.
  for (const requests of Object.values(kinds))
    await load({ url, connections: 4, seconds: SECONDS, requests });
  const inLibrary = await libraryRates();
  console.log('\nrequests/s, milliseconds at p50 and p99 (medians of rounds)');
  const capacities = new Map<string, number>();
  for (const [kind, requests] of Object.entries(kinds)) {
    for (const connections of [1, 16, 256]) {
      const rounds: LoadOutcome[] = [];
      for (let i = 0; i < ROUNDS; i++)
        rounds.push(await load({ url, connections, seconds: SECONDS, requests }));
      const rate = median(rounds.map(({ rates }) => rates.get(200) ?? 0));
      const at = (share: number): string =>
        median(rounds.map(({ accepted }) => percentile(accepted, share))).toFixed(1);
      const other = rounds.flatMap(({ rates, errors }) =>
        [...rates.keys()].filter((status) => status !== 200).concat(errors > 0 ? [-1] : []),
      );
      const library = inLibrary.get(kind);
      const share =
        library === undefined
          ? ''
          : `, ${(rate / library).toFixed(2)} of the library's ${library.toFixed(0)}`;
      console.log(
        `  ${kind}, ${connections} connections: ${rate.toFixed(0)}/s, ${at(0.5)} ms, ${at(0.99)} ms${share}${other.length > 0 ? `, also ${other.join(' ')}` : ''}`,
      );
      if (connections === 16) capacities.set(kind, rate);
    }
  }

  const seconds = Number(flags.overload);
  for (const kind of ['no reasoner', 'cached reasoner'] as const) {
    const rate = Math.round(4 * capacities.get(kind)!);
    console.log(
      `\n${kind}: ${rate} searches/s asked for, 4 times what 16 connections get; 1,024 connections, ${seconds} s`,
    );
    const before = memory();
    const watched = watchMemory(service);
    const overload = await load({ url, connections: 1024, seconds, requests: kinds[kind], rate });
    const { early, late, most } = watched.course();
    const came = [...overload.rates.values()].reduce((sum, each) => sum + each, 0);
    console.log(
      `  of these ${came.toFixed(0)}/s came: answered ${(overload.rates.get(200) ?? 0).toFixed(0)}/s, refused (429) ${(overload.rates.get(429) ?? 0).toFixed(0)}/s, others ${others(overload)}, without an answer ${overload.errors}`,
    );
    console.log(
      `  answered after ${percentile(overload.accepted, 0.5).toFixed(0)} ms (p50), ${percentile(overload.accepted, 0.99).toFixed(0)} ms (p99), ${overload.accepted.at(-1)!.toFixed(0)} ms (last)`,
    );
    console.log(
      `  memory ${before.toFixed(0)} MB before, ${early.toFixed(0)} MB in the first quarter, ${late.toFixed(0)} MB in the last, at most ${most.toFixed(0)} MB; ${isRunning() ? 'it runs' : 'IT ENDED'}`,
    );
  }

  const usual = await load({ url, connections: 16, seconds: 20, requests: kinds['no reasoner'], rate: 200 });
  const hostile = hostileClients(port);
  const beside = await load({ url, connections: 16, seconds: 20, requests: kinds['no reasoner'], rate: 200 });
  console.log('\n200 searches/s by 16 connections, without and beside hostile clients');
  for (const [name, outcome] of Object.entries({ without: usual, beside })) {
    console.log(
      `  ${name}: ${(outcome.rates.get(200) ?? 0).toFixed(0)}/s, p50 ${percentile(outcome.accepted, 0.5).toFixed(1)} ms, p99 ${percentile(outcome.accepted, 0.99).toFixed(1)} ms, others ${others(outcome)}, without an answer ${outcome.errors}`,
    );
  }
  for (const [kind, { opened, ended, statuses }] of hostile.outcomes()) {
    const said =
      Array.from(statuses, ([status, count]) => `${count} times ${status}`).join(', ') || 'nothing';
    console.log(`  ${kind}: ${opened} opened, ${ended} ended by the service, which said ${said}`);
  }
  hostile.stop();
  console.log(`  ${isRunning() ? 'it runs' : 'IT ENDED'}`);
}

/** Searches a second without HTTP, one after the other. */
async function libraryRates(): Promise<Map<string, number>> {
  const open = await LexicalIndex.open(index);
  const retriever = new LexicalRetriever(open, 'bm25q');
  const rates = new Map<string, number>();
  const reasoners = {
    'no reasoner': new NoReasoner(),
    'cached reasoner': await RecordedReasoner.open(recorded),
  };
  for (const [kind, reasoner] of Object.entries(reasoners)) {
    const pipeline = { reasoner, retriever, combine: combineNamed('replace') };
    const rounds: number[] = [];
    for (let i = -1; i < ROUNDS; i++) {
      const started = performance.now();
      let done = 0;
      while (performance.now() - started < 2000) {
        for (const query of questions) await answer(pipeline, query, { k: 10 });
        done += questions.length;
      }
      if (i >= 0) rounds.push((done * 1000) / (performance.now() - started));
    }
    rates.set(kind, median(rounds));
  }
  await open.close();
  return rates;
}

async function runMixed(of: ServiceProcess, minutes: number): Promise<void> {
  const documents = Array.from({ length: 2000 }, (_, i) =>
    JSON.stringify({ _id: `d${i}`, title: `Document ${i}`, text: questions[i % questions.length].repeat(3) }),
  ).join('\n');
  const descriptors = of.descriptors();
  const pages = of.filePages();
  const watched = watchMemory(of);
  const outcomes = await mixedLoad({
    url: of.url,
    questions,
    seconds: minutes * 60,
    corpus: `${documents}\n`,
  });
  const { early, late, most, samples } = watched.course();
  console.log(`\n${minutes} minutes of mixed load`);
  for (const [kind, count] of [...outcomes].sort()) console.log(`  ${kind}: ${count}`);
  console.log(
    `  memory: ${samples[0].toFixed(0)} MB at the start, median ${early.toFixed(0)} MB in the first quarter after warming up, ${late.toFixed(0)} MB in the last, at most ${most.toFixed(0)} MB`,
  );
  const everyMinute = samples.filter((_, i) => i % 60 === 59).map((megabytes) => megabytes.toFixed(0));
  console.log(`  each minute: ${everyMinute.join(' ')} MB`);
  console.log(`  pages of files: ${pages.toFixed(0)} MB before, ${of.filePages().toFixed(0)} MB after`);
  console.log(
    `  open files: ${descriptors} before, ${of.descriptors()} after; ${of.isRunning() ? 'it runs' : 'IT ENDED'}`,
  );
}

function others({ rates }: LoadOutcome): string {
  const rest = [...rates].filter(([status]) => status !== 200 && status !== 429);
  return rest.length === 0
    ? 'none'
    : rest.map(([status, each]) => `${status}: ${each.toFixed(1)}/s`).join(', ');
}
