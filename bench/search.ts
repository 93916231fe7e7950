/**
 * How fast is a search with reasoned queries, on one core, against what one would write in plain JavaScript?
 *
 * Indexes BRIGHT's `theoremqa_theorems` (shared data: `QUERN_DATA`, else `../shared/data`) and searches it with the
 * published reasoned queries of TongSearch-QR-7B under `bm25q`, k = 1,000. The baseline adds up precomputed impacts from
 * compressed columns and keeps the best in a binary heap; it scores alike, which is checked, but it neither breaks ties by
 * id nor makes hits of what it found. Both get the final weights of the terms; what a search costs from the text on, the
 * analysis included, is measured beside it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { analyzerNamed, defaultBm25Parameters, indexCorpus, LexicalIndex, openCorpus } from 'quern';
import type { CorpusStatistics, TermVector, TermWeights } from 'quern';

const ROUNDS = 5;
const K = 1000;

interface Ranking {
  readonly documents: readonly number[];
  readonly sums: Float64Array;
}

/** The baseline: returns a search over these documents. */
function plainSearch(
  corpus: readonly TermVector[],
  { documentsWithTerms: n, averageLength }: CorpusStatistics,
): (weights: TermWeights) => Ranking {
  const lengths = corpus.map(({ vector }) => [...vector.values()].reduce((a, b) => a + b, 0));
  const lists = new Map<string, { documents: number[]; frequencies: number[] }>();
  for (const [document, { vector }] of corpus.entries()) {
    for (const [term, frequency] of vector) {
      let list = lists.get(term);
      if (!list) lists.set(term, (list = { documents: [], frequencies: [] }));
      list.documents.push(document);
      list.frequencies.push(frequency);
    }
  }
  const { k1, b } = defaultBm25Parameters;
  const columns = new Map<string, { documents: Uint32Array; impacts: Float64Array }>();
  for (const [term, { documents, frequencies }] of lists) {
    const idf = Math.log((n + 1) / (documents.length + 0.5));
    const impacts = Float64Array.from(
      frequencies,
      (tf, i) => idf * (tf / (tf + k1 * (1 - b + (b * lengths[documents[i]]) / averageLength))),
    );
    columns.set(term, { documents: Uint32Array.from(documents), impacts });
  }
  const sums = new Float64Array(corpus.length);
  return (weights) => {
    sums.fill(0);
    for (const [term, weight] of weights) {
      const column = columns.get(term);
      if (!column) continue;
      const { documents, impacts } = column;
      for (let i = 0; i < documents.length; i++) sums[documents[i]] += weight * impacts[i];
    }
    // A binary heap of the best K, the least at the root.
    const heap: number[] = [];
    for (let document = 0; document < sums.length; document++) {
      const sum = sums[document];
      if (sum === 0 || (heap.length === K && sum <= sums[heap[0]])) continue;
      let slot = heap.length < K ? heap.push(document) - 1 : 0;
      for (; slot > 0 && sums[heap[(slot - 1) >> 1]] > sum; slot = (slot - 1) >> 1) {
        heap[slot] = heap[(slot - 1) >> 1];
      }
      if (slot === 0 && heap.length === K) {
        for (let child = 1; child < K; child = 2 * slot + 1) {
          if (child + 1 < K && sums[heap[child + 1]] < sums[heap[child]]) child++;
          if (sums[heap[child]] >= sum) break;
          heap[slot] = heap[child];
          slot = child;
        }
      }
      heap[slot] = document;
    }
    return { documents: heap.sort((x, y) => sums[y] - sums[x]), sums };
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function secondsOf(work: () => void): number {
  const before = performance.now();
  work();
  return (performance.now() - before) / 1000;
}

const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data', 'bright');
if (!existsSync(data)) {
  console.error(`skipped: there is no ${data}; set QUERN_DATA to the folder of the shared data`);
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'quern-bench-search-'));
try {
  const corpus = await openCorpus(join(data, 'theoremqa_theorems'));
  if (corpus.kind !== 'vectors') throw new Error('theoremqa_theorems is not a corpus of vectors');
  const vectors: TermVector[] = [];
  for await (const { document } of corpus.documents()) vectors.push(document);

  const out = join(folder, 'index');
  const buildStart = performance.now();
  const summary = await indexCorpus(
    { ...corpus, documents: async function* documents() { for (const document of vectors) yield { document, where: document.id }; } }, // prettier-ignore
    { out },
  );
  const buildSeconds = (performance.now() - buildStart) / 1000;
  const openSeconds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const openStart = performance.now();
    await (await LexicalIndex.open(out)).close();
    openSeconds.push((performance.now() - openStart) / 1000);
  }

  const index = await LexicalIndex.open(out);
  const plain = plainSearch(vectors, index.statistics);
  const reasoned = gunzipSync(readFileSync(join(data, 'reasoned/TongSearch-QR-7B.json.gz')));
  const texts = Object.values(JSON.parse(reasoned.toString('utf8')) as Record<string, string>);
  const analyzer = analyzerNamed(index.analyzer);
  const weightsOf = (text: string): TermWeights => index.queryWeights(analyzer.terms(text), 'bm25q');
  const queries = texts.map(weightsOf);

  // The warm-up, which checks that both find the same documents; where scores tie, the baseline's order is its own.
  for (const weights of queries) {
    const { documents, sums } = plain(weights);
    const hits = index.search(weights, { k: K }).slice(0, 10);
    for (const [i, { id, score }] of hits.entries()) {
      const theirs = documents[i];
      if (vectors[theirs].id !== id && Math.abs(sums[theirs] / score - 1) > 1e-6) {
        throw new Error(`rank ${i + 1}: ${id} with ${score}, but the baseline has ${vectors[theirs].id}`);
      }
    }
  }
  const readBefore = index.postingsRead;
  for (const weights of queries) index.search(weights, { k: K });
  const postings = (index.postingsRead - readBefore) / queries.length;

  // They take turns, so that a busy moment of the machine slows both alike.
  const seconds = { index: [] as number[], texts: [] as number[], plain: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    seconds.index.push(secondsOf(() => queries.forEach((weights) => index.search(weights, { k: K }))));
    seconds.texts.push(secondsOf(() => texts.forEach((text) => index.search(weightsOf(text), { k: K }))));
    seconds.plain.push(secondsOf(() => queries.forEach(plain)));
  }
  await index.close();

  const { length: cores, 0: cpu } = cpus();
  const rate = (times: readonly number[]): string => (queries.length / median(times)).toFixed(0).padStart(6);
  console.log(
    `theoremqa_theorems: ${summary.documents} documents, ${summary.terms} terms, ${summary.postings} postings, ` +
      `${(summary.bytes / 1e6).toFixed(1)} MB\n` +
      `${queries.length} reasoned queries (7B), bm25q, k = ${K}, ${postings.toFixed(0)} postings a query\n` +
      `${cpu?.model.trim()}, ${cores} cores, one used; Node ${process.versions.node}; median of ${ROUNDS} rounds\n\n` +
      `${rate(seconds.index)} queries/s  quern\n` +
      `${rate(seconds.texts)} queries/s  quern, from the text on\n` +
      `${rate(seconds.plain)} queries/s  plain typed arrays and a heap, the same top 10\n` +
      `${(median(seconds.plain) / median(seconds.index)).toFixed(2).padStart(6)} x the baseline's speed\n\n` +
      `build ${(summary.documents / buildSeconds).toFixed(0)} documents/s from vectors in memory ` +
      `(${buildSeconds.toFixed(2)} s, durable on disk), open ${(1000 * median(openSeconds)).toFixed(1)} ms`,
  );
} finally {
  await rm(folder, { recursive: true });
}
