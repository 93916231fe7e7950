/**
 * How fast is a training set curated, and in how much memory?
 *
 *     npm run bench -- curate [--megabytes 2000] [--rows 1000000] [--rounds 1] [--keep FOLDER]
 *
 * Generated data: a Stack Exchange dump of so many megabytes (questions with HTML, code and answers, ids in the order of their
 * days as real dumps have them, some rows malformed), and a Parquet file in the schema of the preferences data with so
 * many rows of the nine domains and others. Each is curated in a process of its own, whose peak of memory is the system's
 * own figure. Beside it, as far as Python has it (`QUERN_PYTHON`, else `.bench-peers/venv`'s, with pyarrow): the same file
 * read by ElementTree's iterparse, which does no more than count its rows, and by pyarrow in batches.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { curate, type CurateOptions } from 'quern';
import { writeDump, writePreferences } from './collections/generated-posts.js';

const { values: flags } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '2000' },
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '1' },
    keep: { type: 'string' },
    child: { type: 'string' },
  },
});

if (flags.child !== undefined) {
  const { source, options } = JSON.parse(flags.child) as { source: string; options: CurateOptions };
  const started = performance.now();
  const stages: { stage: string; seconds: number; out: number }[] = [];
  let last = started;
  await curate([source], {
    ...options,
    onStage: ({ stage, questionsOut }) => {
      const now = performance.now();
      stages.push({ stage, seconds: (now - last) / 1000, out: questionsOut });
      last = now;
    },
  });
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, stages }));
} else {
  await compare();
}

interface Ran {
  readonly seconds: number;
  readonly megabytes: number;
  readonly stages: readonly { readonly stage: string; readonly seconds: number; readonly out: number }[];
}

async function compare(): Promise<void> {
  const work = flags.keep ?? (await mkdtemp(join(tmpdir(), 'quern-bench-curate-')));
  mkdirSync(work, { recursive: true });
  console.log(
    `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}; ${flags.rounds} round(s), medians`,
  );
  try {
    const dump = join(work, 'math.stackexchange.com');
    mkdirSync(dump, { recursive: true });
    const posts = join(dump, 'Posts.xml');
    const rows = existsSync(posts) ? undefined : await writeDump(posts, Number(flags.megabytes) * 1e6);
    const bytes = statSync(posts).size;
    console.log(`\nPosts.xml, ${(bytes / 1e9).toFixed(2)} GB${rows === undefined ? '' : `, ${rows} rows`}`);
    const counted = peer('xml', posts);
    report('quern curate, 1,200 questions', rounds(posts, work, {}), bytes, rows ?? counted?.rows);
    report(
      'quern curate, all questions',
      rounds(posts, work, { perDomain: 'all' }),
      bytes,
      rows ?? counted?.rows,
    );
    reportPeer(counted, bytes);

    const parquet = join(work, 'preferences.parquet');
    if (!existsSync(parquet)) await writePreferences(parquet, Number(flags.rows));
    const size = statSync(parquet).size;
    console.log(`\npreferences.parquet, ${(size / 1e9).toFixed(2)} GB, ${flags.rows} rows`);
    report('quern curate, nine domains', rounds(parquet, work, {}), size, Number(flags.rows));
    reportPeer(peer('parquet', parquet), size);
  } finally {
    if (flags.keep === undefined) await rm(work, { recursive: true, force: true });
  }
}

function rounds(source: string, work: string, options: Omit<CurateOptions, 'out'>): Ran[] {
  return Array.from({ length: Number(flags.rounds) }, () => {
    const out = join(work, 'out');
    const child = JSON.stringify({ source, options: { ...options, out } });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), '--child', child],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
    spawnSync('rm', ['-rf', out]);
    return JSON.parse(stdout) as Ran;
  });
}

function report(name: string, ran: readonly Ran[], bytes: number, rows: number | undefined): void {
  const { seconds, megabytes, stages } = ran.toSorted((a, b) => a.seconds - b.seconds)[ran.length >> 1];
  const rate = rows === undefined ? '' : `, ${Math.round(rows / seconds)} rows/s`;
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s${rate}, peak ${megabytes.toFixed(0)} MB`,
  );
  for (const each of stages) {
    const own =
      each.stage === 'parse' && rows !== undefined ? `, ${Math.round(rows / each.seconds)} rows/s` : '';
    console.log(`  ${each.stage}: ${each.seconds.toFixed(1)} s${own} → ${each.out} questions`);
  }
}

interface Peer {
  readonly name: string;
  readonly seconds: number;
  readonly rows: number;
  readonly megabytes: number;
}

function reportPeer(ran: Peer | undefined, bytes: number): void {
  if (!ran) {
    console.log('  (no Python with pyarrow: no peer)');
    return;
  }
  const { name, seconds, rows, megabytes } = ran;
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s, ${Math.round(rows / seconds)} rows/s, peak ${megabytes.toFixed(0)} MB`,
  );
}

function peer(kind: 'xml' | 'parquet', path: string): Peer | undefined {
  const python = process.env['QUERN_PYTHON'] ?? resolve('.bench-peers/venv/bin/python');
  const script = resolve('bench/peers/curate_peer.py');
  const { status, stdout } = spawnSync(python, [script, kind, path], { encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) as Peer) : undefined;
}
