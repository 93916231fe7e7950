import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { randomNumbers } from '../../test/random-numbers.ts';
import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';
import type { Aggregation } from './aggregation.ts';
import type { Precision } from './row-layout.ts';
import { VectorIndex } from './vector-index.ts';
import { writeVectorIndex, type VectorDocument, type VectorIndexOptions } from './vector-index-writer.ts';
import { listVectorIndexes } from './vector-manifest.ts';

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-vectors-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function embedderOf(dimensions: number): VectorIndexOptions['embedder'] {
  return { id: 'test:model', dimensions, contentHash: 'ab'.repeat(32), isNormalized: false };
}

/** Documents of one to `passages` passages, around a few centres, so that there are near ones and far ones. */
function documentsOf(count: number, dimensions: number, passages: number, seed = 1): VectorDocument[] {
  const { normal, uniform } = randomNumbers(seed);
  const centres = Array.from({ length: 8 }, () => Float32Array.from({ length: dimensions }, normal));
  return Array.from({ length: count }, (_, i) => ({
    id: `d${i}`,
    vectors: Array.from({ length: 1 + Math.floor(uniform() * passages) }, () => {
      const centre = centres[Math.floor(uniform() * 8)];
      return centre.map((component) => component + 0.5 * normal());
    }),
  }));
}

async function openedIndex(
  documents: readonly VectorDocument[],
  options: Partial<VectorIndexOptions> = {},
): Promise<VectorIndex> {
  const folder = join(await temporary(), 'dense-test');
  const dimensions = documents[0].vectors[0].length;
  await writeVectorIndex(folder, documents, { embedder: embedderOf(dimensions), ...options });
  const index = await VectorIndex.open(folder);
  onTestFinished(() => index.close());
  return index;
}

/** Cosines as plain JavaScript sums them, in double precision. */
function cosine(a: Float32Array, b: Float32Array): number {
  let [product, x, y] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    x += a[i] * a[i];
    y += b[i] * b[i];
  }
  return product / Math.sqrt(x * y);
}

/** The same with a stored vector, which is of length 1 as exactly as its precision allows. */
function storedCosine(stored: Float32Array, query: Float32Array): number {
  let [product, squares] = [0, 0];
  for (let i = 0; i < stored.length; i++) {
    product += stored[i] * query[i];
    squares += query[i] * query[i];
  }
  return product / Math.sqrt(squares);
}

function scoreOf(
  { vectors }: VectorDocument,
  query: Float32Array,
  aggregate: Aggregation,
  similarity = cosine,
): number {
  const cosines = vectors.map((vector) => similarity(vector, query));
  if (aggregate === 'max') return Math.max(...cosines);
  if (aggregate === 'first') return cosines[0];
  const best = cosines.sort((a, b) => b - a).slice(0, aggregate.mean);
  return best.reduce((a, b) => a + b, 0) / best.length;
}

function oracle(
  documents: readonly VectorDocument[],
  query: Float32Array,
  k: number,
  aggregate: Aggregation,
  similarity = cosine,
): Hit[] {
  return documents
    .map((document) => ({ id: document.id, score: scoreOf(document, query, aggregate, similarity), rank: 0 }))
    .sort(compareHits)
    .slice(0, k)
    .map((hit, i) => ({ ...hit, rank: i + 1 }));
}

/** The scores agree place by place, and every document has the score that the oracle gives it. */
function expectAgreement(hits: readonly Hit[], expected: readonly Hit[], of: (id: string) => number): void {
  expect(hits.map(({ rank }) => rank)).toEqual(expected.map(({ rank }) => rank));
  for (const [i, { id, score }] of hits.entries()) {
    expect(Math.abs(score - expected[i].score)).toBeLessThan(3e-7);
    expect(Math.abs(score - of(id))).toBeLessThan(3e-7);
  }
  expect([...hits].sort(compareHits)).toEqual(hits);
}

function isAdmitted(id: string): boolean {
  return Number(id.slice(1)) % 3 === 0;
}

const aggregations: readonly Aggregation[] = ['max', 'first', { mean: 1 }, { mean: 2 }, { mean: 9 }];

describe('VectorIndex', () => {
  it('finds what comparing all vectors in double precision finds, whatever the shapes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          count: fc.integer({ min: 1, max: 90 }),
          dimensions: fc.integer({ min: 1, max: 40 }),
          passages: fc.integer({ min: 1, max: 5 }),
          queries: fc.integer({ min: 1, max: 9 }),
          k: fc.integer({ min: 1, max: 100 }),
          seed: fc.nat(1000),
          aggregate: fc.constantFrom(...aggregations),
        }),
        async ({ count, dimensions, passages, queries, k, seed, aggregate }) => {
          const documents = documentsOf(count, dimensions, passages, seed);
          const index = await openedIndex(documents);
          const { normal } = randomNumbers(seed + 1);
          const asked = Array.from({ length: queries }, () =>
            Float32Array.from({ length: dimensions }, normal),
          );
          let next = 0;
          for await (const hits of index.searchEach(asked, { k, aggregate })) {
            const query = asked[next++];
            const expected = oracle(documents, query, k, aggregate);
            expectAgreement(hits, expected, (id) =>
              scoreOf(documents[Number(id.slice(1))], query, aggregate),
            );
            expect(await index.search(query, { k, aggregate })).toEqual(hits);
          }
          expect(next).toBe(queries);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds with f16 and i8 what comparing all of its own stored vectors finds', async () => {
    const documents = documentsOf(3000, 100, 3);
    const { normal } = randomNumbers(7);
    const queries = Array.from({ length: 6 }, () => Float32Array.from({ length: 100 }, normal));
    for (const precision of ['f16', 'i8'] as const) {
      const index = await openedIndex(documents, { precision });
      const stored = await Promise.all(
        documents.map(async ({ id }) => ({ id, vectors: await index.vectorsOf(id) })),
      );
      for (const query of queries) {
        const hits = await index.search(query, { k: 50, aggregate: 'max' });
        const expected = oracle(stored, query, 50, 'max', storedCosine);
        expectAgreement(hits, expected, (id) =>
          scoreOf(stored[Number(id.slice(1))], query, 'max', storedCosine),
        );
        expect(hits).toHaveLength(50);
      }
    }
  });

  it('keeps vectors as exactly as the precision promises', async () => {
    const documents = documentsOf(200, 384, 1);
    const least: Record<Precision, number> = { f32: 1 - 1e-12, f16: 1 - 1e-6, i8: 0.9998 };
    for (const precision of ['f32', 'f16', 'i8'] as const) {
      const index = await openedIndex(documents, { precision });
      for (const { id, vectors } of documents) {
        const [stored] = await index.vectorsOf(id);
        expect(cosine(stored, vectors[0])).toBeGreaterThan(least[precision]);
      }
    }
  });

  it('leaves out what is excluded or not admitted before the cut at k', async () => {
    const documents = documentsOf(300, 16, 2);
    const index = await openedIndex(documents);
    const query = documents[5].vectors[0];
    const all = await index.search(query, { k: 300, aggregate: 'max' });
    const excluded = all.slice(0, 10).map(({ id }) => id);
    const rest = all.slice(10).map(({ id }) => id);
    const hits = await index.search(query, { k: 7, aggregate: 'max', excluded: [...excluded, 'unknown'] });
    expect(hits.map(({ id }) => id)).toEqual(rest.slice(0, 7));
    const admitted = await index.search(query, { k: 20, aggregate: 'max', isAdmitted });
    expect(admitted.map(({ id }) => id)).toEqual(
      all
        .map(({ id }) => id)
        .filter(isAdmitted)
        .slice(0, 20),
    );
    expect(await index.search(query, { k: 5, aggregate: 'max', isAdmitted: () => false })).toEqual([]);
  });

  it('orders equal scores by descending id, also at the cut', async () => {
    const vector = Float32Array.of(1, 2, 3);
    const documents = Array.from({ length: 500 }, (_, i) => ({ id: `x${i}`, vectors: [vector] }));
    const index = await openedIndex(documents);
    const hits = await index.search(vector, { k: 3, aggregate: 'max' });
    expect(hits.map(({ id }) => id)).toEqual(['x99', 'x98', 'x97']);
    expect(hits.map(({ score }) => score)).toEqual([1, 1, 1]);
  });

  it('compares each query with each vector once', async () => {
    const documents = documentsOf(1000, 24, 4);
    const index = await openedIndex(documents);
    const queries = documents.slice(0, 70).map(({ vectors }) => vectors[0]);
    let rankings = 0;
    for await (const hits of index.searchEach(queries, { k: 10, aggregate: 'max' })) rankings += hits.length;
    expect(rankings).toBe(700);
    expect(index.cosines).toBe(70 * index.vectors);
  });

  it('finds the same whatever the number of threads and of queries at once', async () => {
    const documents = documentsOf(4000, 48, 3, 3);
    const excluded = ['d7', 'd11'];
    for (const precision of ['f32', 'i8'] as const) {
      const index = await openedIndex(documents, { precision });
      const queries = documents.slice(0, 150).map(({ vectors }) => vectors[0]);
      const options = { k: 20, aggregate: 'max', excluded, isAdmitted } as const;
      const rankings = async (threads: number): Promise<Hit[][]> => {
        const all: Hit[][] = [];
        for await (const hits of index.searchEach(queries, { ...options, threads })) all.push(hits);
        return all;
      };
      const [one, three] = [await rankings(1), await rankings(3)];
      expect(index.cosines).toBe(2 * queries.length * index.vectors);
      expect(three).toEqual(one);
      const alone = await Promise.all(queries.map((query) => index.search(query, options)));
      expect(alone).toEqual(one);
    }
  });

  it('stops when it is asked to, and is of no use when closed', async () => {
    const index = await openedIndex(documentsOf(4000, 64, 1));
    const queries = Array.from({ length: 400 }, () => new Float32Array(64).fill(1));
    const stop = new AbortController();
    const searches = index.searchEach(queries, { k: 5, aggregate: 'max', signal: stop.signal });
    await searches.next();
    stop.abort();
    const rest = async (): Promise<void> => {
      while (!(await searches.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'ABORTED' });
    await index.close();
    await expect(index.search(queries[0], { k: 1, aggregate: 'max' })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it('tells what it holds', async () => {
    const documents = documentsOf(20, 5, 3);
    const index = await openedIndex(documents, { facts: { stride: 64 } });
    expect(index.facts).toEqual({ stride: 64 });
    expect(index.embedder).toEqual(embedderOf(5));
    expect([index.documents, index.dimensions, index.precision, index.method]).toEqual([
      20,
      5,
      'f32',
      'exact',
    ]);
    expect(index.vectors).toBe(documents.reduce((sum, { vectors }) => sum + vectors.length, 0));
    expect(index.documentId(3)).toBe('d3');
    expect([index.has('d19'), index.has('d20')]).toEqual([true, false]);
    await index.verify();
  });

  it('refuses vectors and queries that have no cosine, naming the document', async () => {
    const folder = join(await temporary(), 'dense-bad');
    const good = { id: 'a', vectors: [Float32Array.of(1, 0)] };
    const bad: [Float32Array[], RegExp][] = [
      [[Float32Array.of(0, 0)], /document "b": is zero/],
      [[Float32Array.of(1, NaN)], /document "b": .*not a finite/],
      [[Float32Array.of(1, 2), Float32Array.of(1, Infinity)], /document "b", passage 2: .*not a finite/],
      [[Float32Array.of(1, 2, 3)], /document "b": has 3 dimensions, not 2/],
      [[], /document "b": has no vector/],
    ];
    for (const [vectors, message] of bad) {
      const written = writeVectorIndex(folder, [good, { id: 'b', vectors }], { embedder: embedderOf(2) });
      await expect(written).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: expect.stringMatching(message),
      });
      await expect(readdir(folder)).rejects.toThrow('ENOENT');
    }
    await expect(writeVectorIndex(folder, [good, good], { embedder: embedderOf(2) })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    const index = await openedIndex([good]);
    for (const query of [Float32Array.of(0, 0), Float32Array.of(1, NaN), Float32Array.of(1)]) {
      await expect(index.search(query, { k: 1, aggregate: 'max' })).rejects.toMatchObject({
        code: 'BAD_INPUT',
      });
    }
  });

  it('stays as it was where the one that is to replace it fails, and is replaced whole otherwise', async () => {
    const folder = join(await temporary(), 'dense-two');
    const options = { embedder: embedderOf(8) };
    await writeVectorIndex(folder, documentsOf(30, 8, 1), options);
    const before = await readdir(folder);
    const failing = function* (): Generator<VectorDocument> {
      yield* documentsOf(5, 8, 1);
      throw new Error('the source broke');
    };
    await expect(writeVectorIndex(folder, failing(), options)).rejects.toThrow('the source broke');
    expect(await readdir(folder)).toEqual(before);
    const old = await VectorIndex.open(folder);
    await writeVectorIndex(folder, documentsOf(7, 8, 1, 5), options);
    expect(await readdir(folder)).toEqual(['dense.json', 'documents-2.quern', 'vectors-2.quern']);
    const index = await VectorIndex.open(folder);
    expect([old.documents, index.documents]).toEqual([30, 7]);
    expect(await old.search(new Float32Array(8).fill(1), { k: 99, aggregate: 'max' })).toHaveLength(30);
  });

  it('notices every file that was cut or changed', async () => {
    const folder = join(await temporary(), 'dense-damaged');
    await writeVectorIndex(folder, documentsOf(9, 4, 2), { embedder: embedderOf(4) });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const whole = await readFile(path);
      for (let at = 0; at < whole.length; at += Math.max(1, Math.floor(whole.length / 40))) {
        const flipped = Buffer.from(whole);
        flipped[at] ^= 4;
        await writeFile(path, flipped);
        await expect(VectorIndex.open(folder)).rejects.toMatchObject({
          code: expect.stringMatching(/^(CORRUPT_FILE|WRONG_VERSION)$/),
        });
        await writeFile(path, whole);
        await truncate(path, at);
        await expect(VectorIndex.open(folder)).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
        await writeFile(path, whole);
      }
      await rm(path);
      await expect(VectorIndex.open(folder)).rejects.toMatchObject({
        code: name === 'dense.json' ? 'NOT_FOUND' : 'CORRUPT_FILE',
      });
      await writeFile(path, whole);
    }
    await (await VectorIndex.open(folder)).verify();
  });
});

describe('a vector index with a graph', () => {
  it('finds nearly all of the best, as it says, and scores them exactly', async () => {
    const documents = documentsOf(6000, 32, 2, 11);
    const exact = await openedIndex(documents);
    const { normal } = randomNumbers(12);
    const queries = documents.slice(0, 60).map(({ vectors }) => vectors[0].map((x) => x + 0.3 * normal()));
    for (const precision of ['f32', 'f16'] as const) {
      const index = await openedIndex(documents, { method: 'hnsw', precision });
      expect(index.recall).toMatchObject({ at: 10, queries: 200 });
      expect(index.recall!.mean).toBeGreaterThan(0.95);
      for (const aggregate of ['max', 'first', { mean: 2 }] as const) {
        let found = 0;
        for (const query of queries) {
          const hits = await index.search(query, { k: 10, aggregate, isAdmitted, excluded: ['d3'] });
          const best = await exact.search(query, { k: 10, aggregate, isAdmitted, excluded: ['d3'] });
          const scores = new Map(best.map(({ id, score }) => [id, score]));
          const common = hits.filter(({ id }) => scores.has(id));
          found += common.length;
          const tolerance = precision === 'f32' ? 0 : 1e-3;
          for (const { id, score } of common) {
            expect(Math.abs(score - scores.get(id)!)).toBeLessThanOrEqual(tolerance);
          }
          expect(hits.every(({ id }) => isAdmitted(id) && id !== 'd3')).toBe(true);
        }
        expect(found / (10 * queries.length)).toBeGreaterThan(0.95);
      }
      // Far fewer vectors than there are.
      await index.search(queries[0], { k: 10, aggregate: 'max' });
      const before = index.cosines;
      await index.search(queries[0], { k: 10, aggregate: 'max' });
      expect(index.cosines - before).toBeLessThan(index.vectors / 8);
      await index.verify();
      expect(await index.vectorsOf('d9')).toHaveLength(documents[9].vectors.length);
    }
  });

  it('compares all where many are asked for or few admitted, several searches at a time', async () => {
    const documents = documentsOf(1500, 20, 2, 4);
    const exact = await openedIndex(documents);
    const index = await openedIndex(documents, { method: 'hnsw' });
    const searches = documents.slice(0, 20).map(async ({ vectors: [query] }, i) => {
      const options =
        i % 2 === 0
          ? ({ k: 1200, aggregate: 'max' } as const)
          : ({ k: 5, aggregate: 'max', isAdmitted: (id: string) => id.endsWith('77') } as const);
      expect(await index.search(query, options)).toEqual(await exact.search(query, options));
      return index.search(query, { k: 1, aggregate: 'max' });
    });
    const firsts = await Promise.all(searches);
    expect(firsts.map(([{ id }]) => id)).toEqual(documents.slice(0, 20).map(({ id }) => id));
  });

  it('is the same each time it is built', async () => {
    const documents = documentsOf(800, 12, 2);
    const folder = await temporary();
    const options = { embedder: embedderOf(12), method: 'hnsw' } as const;
    const [one, two] = [
      await writeVectorIndex(join(folder, 'a'), documents, options),
      await writeVectorIndex(join(folder, 'b'), documents, options),
    ];
    expect(two).toEqual(one);
    expect(await readdir(join(folder, 'a'))).toEqual([
      'dense.json',
      'documents-1.quern',
      'graph-1.quern',
      'vectors-1.quern',
    ]);
  });

  it('trusts no graph that was changed, and no vectors when it verifies them', async () => {
    const folder = join(await temporary(), 'dense-graph');
    await writeVectorIndex(folder, documentsOf(300, 8, 1), { embedder: embedderOf(8), method: 'hnsw' });
    for (const name of ['graph-1.quern', 'vectors-1.quern']) {
      const path = join(folder, name);
      const whole = await readFile(path);
      await truncate(path, whole.length - 1);
      await expect(VectorIndex.open(folder)).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: path });
      for (let at = 0; at < whole.length; at += Math.floor(whole.length / 20)) {
        const flipped = Buffer.from(whole);
        flipped[at] ^= 16;
        await writeFile(path, flipped);
        const verified = VectorIndex.open(folder).then((index) =>
          index.verify().finally(() => index.close()),
        );
        await expect(verified).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: path });
      }
      await writeFile(path, whole);
    }
  });
});

describe('the recall of an index', () => {
  it('is absent where all 32-bit floats are compared, and high where precision is less', async () => {
    const documents = documentsOf(2000, 64, 2, 9);
    expect((await openedIndex(documents)).recall).toBeUndefined();
    const least = { f16: 0.995, i8: 0.95 };
    for (const precision of ['f16', 'i8'] as const) {
      const { recall } = await openedIndex(documents, { precision });
      expect(recall).toMatchObject({ at: 10, queries: 200 });
      expect(recall!.mean).toBeGreaterThan(least[precision]);
      expect(recall!.mean).toBeLessThanOrEqual(1);
    }
  });
});

describe('listVectorIndexes', () => {
  it('lists those of an index folder, unreadable ones with the reason, and no unfinished ones', async () => {
    const folder = await temporary();
    for (const name of ['dense-b', 'dense-a', 'other']) {
      await writeVectorIndex(join(folder, name), documentsOf(3, 4, 1), { embedder: embedderOf(4) });
    }
    await writeVectorIndex(join(folder, 'dense-c'), documentsOf(3, 4, 1), { embedder: embedderOf(4) });
    await rm(join(folder, 'dense-c', 'dense.json'));
    await truncate(join(folder, 'dense-b', 'dense.json'), 20);
    const [a, b, ...others] = await listVectorIndexes(folder);
    expect(a).toMatchObject({ folder: join(folder, 'dense-a'), manifest: { documents: 3 } });
    expect(b).toMatchObject({
      error: { code: 'CORRUPT_FILE', where: join(folder, 'dense-b', 'dense.json') },
    });
    expect(others).toEqual([]);
  });
});
