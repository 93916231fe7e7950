/**
 * How fast are searches among vectors, and what do they leave out?
 *
 *     npm run bench -- vectors [--counts 20000,200000] [--ks 10,100] [--rounds 5]
 *
 * Synthetic vectors of 384 dimensions around 1,000 centres, and queries near some of them. Quern compares all vectors as f32,
 * f16 and i8, and goes by its graph; beside it a plain loop over typed arrays, usearch's exact search and its graph alone,
 * numpy and faiss. One query at a time, and all at once; on one thread, and on all cores. Recall is against the plain loop, in
 * double precision. Python is `QUERN_PYTHON`, else `.bench-peers/venv`'s, with numpy and faiss-cpu; without it they are left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { VectorIndex, writeVectorIndex } from 'quern';
import type { Precision, VectorDocument } from 'quern';
import { exactSearch, Index, MetricKind, ScalarKind } from 'usearch';

const dimensions = 384;
const centreCount = 1000;
/** Queries asked at once, asked one at a time, and whose recall is measured. */
const [batch, single, judged] = [256, 32, 64];
const cores = availableParallelism();

const { values: flags } = parseArgs({
  options: {
    counts: { type: 'string', default: '20000,200000' },
    ks: { type: 'string', default: '10,100' },
    rounds: { type: 'string', default: '5' },
  },
});
const counts = flags.counts.split(',').map(Number);
const ks = flags.ks.split(',').map(Number);
const rounds = Number(flags.rounds);

type Found = readonly (readonly number[])[];

/** A search that is timed: the numbers of the vectors that it finds for queries. */
interface Contestant {
  readonly name: string;
  readonly threads: number;
  readonly single?: (query: Float32Array, k: number) => Promise<readonly number[]> | readonly number[];
  readonly batch?: (queries: readonly Float32Array[], k: number) => Promise<Found> | Found;
}

interface Row {
  readonly name: string;
  readonly threads: number;
  readonly k: number;
  readonly mode: 'single' | 'batch';
  readonly perSecond: number;
  readonly recall: number;
}

const work = await mkdtemp(join(tmpdir(), 'quern-bench-vectors-'));
try {
  console.log(`${cpus()[0].model}, ${cores} cores, Node ${process.version}; ${rounds} rounds, medians`);
  for (const count of counts) await compare(count);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function compare(count: number): Promise<void> {
  const { vectors, queries } = syntheticVectors(count);
  const truth = new Map(
    ks.map((k) => [k, queries.slice(0, judged).map((query) => plainSearch(vectors, query, k))]),
  );
  const indexes = new Map<string, VectorIndex>();
  for (const [name, precision, method] of [
    ['quern f32', 'f32', 'exact'],
    ['quern f16', 'f16', 'exact'],
    ['quern i8', 'i8', 'exact'],
    ['quern hnsw', 'f32', 'hnsw'],
  ] as const) {
    const start = performance.now();
    indexes.set(name, await builtIndex(vectors, precision, method));
    const { recall } = indexes.get(name)!;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${name}: built in ${seconds} s, recall@10 at build ${recall?.mean.toFixed(4) ?? 'not measured'}`,
    );
  }
  const graph = usearchGraph(vectors);
  const rows: Row[] = [];
  rows.push(...(await timed(contestants(indexes, vectors, graph), queries, truth)));
  rows.push(...pythonRows(vectors, queries, truth));
  report(count, rows);
  for (const index of indexes.values()) await index.close();
}

function contestants(
  indexes: ReadonlyMap<string, VectorIndex>,
  vectors: Float32Array,
  graph: Index,
): Contestant[] {
  const ours = [...indexes].flatMap(([name, index]) =>
    (name === 'quern hnsw' ? [1] : [1, cores]).map((threads): Contestant => ({
      name,
      threads,
      single: async (query, k) => numbersOf(await index.search(query, { k, aggregate: 'max', threads })),
      batch: async (queries, k) => {
        const all: number[][] = [];
        for await (const hits of index.searchEach(queries, { k, aggregate: 'max', threads })) {
          all.push(numbersOf(hits));
        }
        return all;
      },
    })),
  );
  const usearchExact = [1, cores].map((threads): Contestant => ({
    name: 'usearch exact',
    threads,
    batch: (queries, k) => {
      const found = exactSearch(vectors, flat(queries), dimensions, k, MetricKind.IP, threads);
      return queries.map((_, i) => Array.from('counts' in found ? found.get(i).keys : found.keys, Number));
    },
    single: (query, k) =>
      Array.from(exactSearch(vectors, query, dimensions, k, MetricKind.IP, threads).keys, Number),
  }));
  return [
    ...ours,
    { name: 'plain loop', threads: 1, single: (query, k) => plainSearch(vectors, query, k) },
    ...usearchExact,
    {
      name: 'usearch hnsw',
      threads: 1,
      single: (query, k) => Array.from(graph.search(query, k, 1).keys, Number),
    },
  ];
}

/** Each round times all of them, so that a change in the machine's speed falls on all. */
async function timed(
  all: readonly Contestant[],
  queries: readonly Float32Array[],
  truth: ReadonlyMap<number, Found>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const k of ks) {
    for (const mode of ['single', 'batch'] as const) {
      const asked = mode === 'single' ? queries.slice(0, single) : queries;
      const entered = all.filter((contestant) => contestant[mode]);
      const times = entered.map((): number[] => []);
      const recalls: number[] = [];
      for (const contestant of entered) {
        recalls.push(recallOf(await answers(contestant, mode, asked, k), truth.get(k)!));
      }
      for (let round = 0; round < rounds; round++) {
        for (const [i, contestant] of entered.entries()) {
          const start = performance.now();
          await answers(contestant, mode, asked, k);
          times[i].push(performance.now() - start);
        }
      }
      for (const [i, { name, threads }] of entered.entries()) {
        const perSecond = (1000 * asked.length) / median(times[i]);
        rows.push({ name, threads, k, mode, recall: recalls[i], perSecond });
      }
    }
  }
  return rows;
}

async function answers(
  contestant: Contestant,
  mode: 'single' | 'batch',
  queries: readonly Float32Array[],
  k: number,
): Promise<Found> {
  if (mode === 'batch') return contestant.batch!(queries, k);
  const found: (readonly number[])[] = [];
  for (const query of queries) found.push(await contestant.single!(query, k));
  return found;
}

function pythonRows(
  vectors: Float32Array,
  queries: readonly Float32Array[],
  truth: ReadonlyMap<number, Found>,
): Row[] {
  const own = resolve('.bench-peers', 'venv', 'bin', 'python');
  const python = process.env['QUERN_PYTHON'] ?? (existsSync(own) ? own : 'python3');
  const paths = { vectors: join(work, 'vectors.f32'), queries: join(work, 'queries.f32') };
  writeFileSync(paths.vectors, vectors);
  writeFileSync(paths.queries, flat(queries));
  return [1, cores].flatMap((threads) => {
    const job = JSON.stringify({ ...paths, dimensions, ks, rounds, threads, single, batch, judged });
    const { status, stdout, stderr, error } = spawnSync(
      python,
      [resolve('bench/peers/vectors_peer.py'), job],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      },
    );
    if (status !== 0) {
      console.log(`numpy and faiss are left out: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
      return [];
    }
    const results = JSON.parse(stdout) as (Omit<Row, 'threads' | 'recall'> & { found: Found })[];
    return results.map(({ found, ...row }) => ({
      ...row,
      threads,
      recall: recallOf(found, truth.get(row.k)!),
    }));
  });
}

function report(count: number, rows: readonly Row[]): void {
  for (const k of ks) {
    for (const mode of ['single', 'batch'] as const) {
      const table = rows.filter((row) => row.k === k && row.mode === mode);
      const base = table.find(({ name, threads }) => name === 'quern f32' && threads === 1)!;
      console.log(
        `\n${count} vectors, k ${k}, ${mode === 'single' ? 'one query at a time' : `${batch} queries at once`}`,
      );
      for (const { name, threads, perSecond, recall } of table) {
        console.log(
          `  ${`${name}, ${threads} thread${threads === 1 ? '' : 's'}`.padEnd(36)}${perSecond.toFixed(1).padStart(10)} queries/s` +
            `${(perSecond / base.perSecond).toFixed(2).padStart(8)} x${recall.toFixed(4).padStart(10)} recall`,
        );
      }
    }
  }
}

async function builtIndex(
  vectors: Float32Array,
  precision: Precision,
  method: 'exact' | 'hnsw',
): Promise<VectorIndex> {
  const folder = join(work, `${precision}-${method}-${vectors.length}`);
  const embedder = { id: 'synthetic', dimensions, contentHash: '0'.repeat(64), isNormalized: true };
  await writeVectorIndex(folder, documentsOf(vectors), { embedder, precision, method });
  return VectorIndex.open(folder);
}

function* documentsOf(vectors: Float32Array): Generator<VectorDocument> {
  for (let i = 0; i * dimensions < vectors.length; i++) {
    yield { id: String(i), vectors: [vectors.subarray(i * dimensions, (i + 1) * dimensions)] };
  }
}

function usearchGraph(vectors: Float32Array): Index {
  const graph = new Index({
    dimensions,
    metric: MetricKind.IP,
    quantization: ScalarKind.F16,
    connectivity: 16,
    expansion_add: 128,
    expansion_search: 128,
    multi: false,
  });
  const keys = BigUint64Array.from({ length: vectors.length / dimensions }, (_, i) => BigInt(i));
  graph.add(keys, vectors, cores);
  return graph;
}

/** What one would write: all products, and the best of them by sorting. */
function plainSearch(vectors: Float32Array, query: Float32Array, k: number): number[] {
  const count = vectors.length / dimensions;
  const scores = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0, at = i * dimensions; j < dimensions; j++) sum += vectors[at + j] * query[j];
    scores[i] = sum;
  }
  const bound = Float64Array.from(scores).sort()[count - k];
  const best: number[] = [];
  for (let i = 0; i < count; i++) if (scores[i] >= bound) best.push(i);
  return best.sort((a, b) => scores[b] - scores[a]).slice(0, k);
}

function syntheticVectors(count: number): { vectors: Float32Array; queries: Float32Array[] } {
  let state = 20_261_126;
  const noise = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32 - 0.5;
  };
  const centres = Array.from({ length: centreCount }, () => Float32Array.from({ length: dimensions }, noise));
  const near = (centre: Float32Array): Float32Array => {
    const vector = centre.map((component) => component + noise());
    const length = Math.hypot(...vector);
    return vector.map((component) => component / length);
  };
  const vectors = new Float32Array(count * dimensions);
  for (let i = 0; i < count; i++) vectors.set(near(centres[(i * 7919) % centreCount]), i * dimensions);
  return { vectors, queries: Array.from({ length: batch }, (_, i) => near(centres[(i * 31) % centreCount])) };
}

function recallOf(found: Found, truth: Found): number {
  const count = Math.min(found.length, truth.length);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const best = new Set(truth[i]);
    sum += found[i].filter((number) => best.has(number)).length / best.size;
  }
  return sum / count;
}

function numbersOf(hits: readonly { readonly id: string }[]): number[] {
  return hits.map(({ id }) => Number(id));
}

function flat(queries: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(queries.length * dimensions);
  for (const [i, query] of queries.entries()) all.set(query, i * dimensions);
  return all;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
