import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { segmentFileOf } from '../../test/segment-file.ts';
import { compareHits } from '../collections/ranking-order.ts';
import type { Hit, TermWeights } from '../collections/records.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { defaultBm25Parameters, type Bm25Parameters } from './bm25.ts';
import { IndexBuilder, type BuildOptions, type BuildSummary } from './index-builder.ts';
import { IndexWriter } from './index-writer.ts';
import { LexicalIndex } from './lexical-index.ts';

interface Vector {
  readonly id: string;
  readonly frequencies: ReadonlyMap<string, number>;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-lexical-index-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Builds and opens an index of these vectors, hands it to `use`, and closes it. */
async function withIndex(
  folder: string,
  vectors: readonly Vector[],
  use: (index: LexicalIndex, summary: BuildSummary) => Promise<void> | void,
  options: Partial<BuildOptions> = {},
): Promise<void> {
  const out = join(folder, 'index');
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace'), ...options });
  for (const [i, { id, frequencies }] of vectors.entries()) {
    await builder.addVector(id, frequencies, `line ${i + 1}`);
  }
  const summary = await builder.finish();
  const index = await LexicalIndex.open(out);
  try {
    await use(index, summary);
  } finally {
    await index.close();
  }
}

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

/** BM25's document side, straight from the formula, over all documents; terms in byte order, in double precision. */
function naiveRanking(
  vectors: readonly Vector[],
  weights: TermWeights,
  {
    k,
    excluded = [],
    parameters = defaultBm25Parameters,
  }: {
    k: number;
    excluded?: readonly string[];
    parameters?: Bm25Parameters;
  },
): Hit[] {
  const { k1, b } = parameters;
  const lengths = vectors.map(({ frequencies }) => sum(frequencies.values()));
  const n = lengths.filter((length) => length > 0).length;
  const averageLength = sum(lengths) / n;
  const terms = [...weights.keys()].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
  const idf = new Map(
    terms.map((term) => {
      const df = vectors.filter(({ frequencies }) => frequencies.has(term)).length;
      return [term, Math.log((n + 1) / (df + 0.5))];
    }),
  );
  const hits = [];
  for (const [i, { id, frequencies }] of vectors.entries()) {
    let score = 0;
    for (const term of terms) {
      const tf = frequencies.get(term) ?? 0;
      const norm = k1 * (1 - b + (b * lengths[i]) / averageLength);
      if (tf > 0) score += weights.get(term)! * (idf.get(term)! * (tf / (tf + norm)));
    }
    if (score > 0 && !excluded.includes(id)) hits.push({ id, score: Math.fround(score) });
  }
  return hits.sort(compareHits).slice(0, k).map((hit, i) => ({ ...hit, rank: i + 1 })); // prettier-ignore
}

// Few terms and frequencies, so that documents share terms and scores tie; ids and terms from all of Unicode.
const term = fc.oneof(
  fc.constantFrom(...'abcdefghij', '\u{1f600}', '\uff21', 'constructor', '__proto__'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
);
const someFrequencies = fc
  .array(fc.tuple(term, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 }))), { maxLength: 12 })
  .map((pairs) => new Map(pairs));
const corpus = fc.uniqueArray(
  fc.record({ id: fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), frequencies: someFrequencies }),
  { selector: ({ id }) => id, maxLength: 300, size: 'max' },
);
const queryTerms = fc.array(term, { maxLength: 30 });
const parameters = fc.oneof(
  fc.constant(defaultBm25Parameters),
  fc.record({ k1: fc.constantFrom(0, 0.5, 1.2, 20), b: fc.constantFrom(0, 0.75, 1) }),
);

describe('search', () => {
  it('ranks as scoring every document by the formula does, exactly, for both scorings', async () => {
    const folder = await temporaryFolder();
    const cases = fc.record({
      vectors: corpus,
      query: queryTerms,
      k: fc.integer({ min: 1, max: 400 }),
      parameters,
      excludedShare: fc.constantFrom(0, 0, 0.3, 1),
      postingsPerPass: fc.constantFrom(1, 7, 100, 1 << 20),
    });
    await fc.assert(
      fc.asyncProperty(cases, async (each) => {
        const excluded = each.vectors.slice(0, each.vectors.length * each.excludedShare).map(({ id }) => id);
        await withIndex(
          folder,
          each.vectors,
          (index) => {
            for (const scoring of ['bm25', 'bm25q'] as const) {
              const weights = index.queryWeights(each.query, scoring, each.parameters);
              const options = {
                k: each.k,
                excluded: [...excluded, 'unknown id'],
                parameters: each.parameters,
              };
              const hits = index.search(weights, options);
              expect(hits).toEqual(naiveRanking(each.vectors, weights, options));
              const reversed = new Map([...weights].toReversed());
              expect(index.search(reversed, options)).toEqual(hits);
            }
          },
          { postingsPerPass: each.postingsPerPass },
        );
      }),
      { numRuns: 60 },
    );
  });

  it('is the same over several blocks of documents, and with ties by id across them', async () => {
    // 70,000 documents are three blocks. Lengths repeat, so that many scores tie.
    const vectors = Array.from({ length: 70_000 }, (_, i): Vector => {
      const frequencies = new Map([[`m${i % 7}`, 1 + (i % 3)]]);
      if (i % 5 === 0) frequencies.set('fifth', 1);
      if (i % 30_011 === 0) frequencies.set('rare', 2);
      return { id: `d${(i * 48_271) % 70_001}`, frequencies };
    });
    await withIndex(await temporaryFolder(), vectors, (index) => {
      for (const query of [['rare'], ['fifth', 'rare', 'm3'], ['m0', 'm1', 'fifth', 'fifth']]) {
        const weights = index.queryWeights(query, 'bm25q');
        const options = { k: 1000, excluded: [vectors[30_011].id, vectors[0].id, vectors[69_999].id] };
        expect(index.search(weights, options)).toEqual(naiveRanking(vectors, weights, options));
      }
      const everything = index.queryWeights(['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'], 'bm25');
      expect(index.search(everything, { k: 100_000 })).toEqual(
        naiveRanking(vectors, everything, { k: 100_000 }),
      );
    });
  });

  const small: Vector[] = [
    { id: 'a', frequencies: new Map([['x', 2], ['y', 1]]) }, // prettier-ignore
    { id: 'b', frequencies: new Map([['x', 1]]) },
    { id: 'c', frequencies: new Map() },
    { id: 'd', frequencies: new Map([['x', 1]]) },
  ];

  it('says how many postings it read: those of the terms that have a weight, whether excluded or not', async () => {
    await withIndex(await temporaryFolder(), small, (index) => {
      expect(index.postingsRead).toBe(0);
      index.search(new Map([['x', 1]]), { k: 1 });
      expect(index.postingsRead).toBe(3);
      index.search(new Map([['x', 1], ['y', 1]]), { k: 9, excluded: ['a'] }); // prettier-ignore
      expect(index.postingsRead).toBe(7);
      index.search(new Map([['x', 0], ['unknown', 1]]), { k: 9 }); // prettier-ignore
      expect(index.postingsRead).toBe(7);
    });
  });

  it('puts ties in descending byte order of ids, and leaves out documents that have no term of the query', async () => {
    await withIndex(await temporaryFolder(), small, (index) => {
      const hits = index.search(new Map([['x', 1]]), { k: 9 });
      expect(hits.map(({ id, rank }) => [id, rank])).toEqual([['a', 1], ['d', 2], ['b', 3]]); // prettier-ignore
      expect(index.search(new Map([['y', 1]]), { k: 9 }).map(({ id }) => id)).toEqual(['a']);
      expect(index.search(new Map(), { k: 9 })).toEqual([]);
    });
  });

  it('adds up in ascending order of terms, whatever order the weights come in', async () => {
    // In this order 1 + 2^-24 absorbs both 2^-53 and becomes 1 as a 32-bit float; in the other one they tip it over.
    const shares = [['a', 1 + 2 ** -24], ['b', 2 ** -53], ['c', 2 ** -53]] as const; // prettier-ignore
    const vectors = [{ id: 'd', frequencies: new Map(shares.map(([text]) => [text, 1])) }];
    await withIndex(await temporaryFolder(), vectors, (index) => {
      const documentWeight = Math.log(2 / 1.5); // N = df = 1, and k1 = 0 leaves only idf
      const weights = shares.map(([text, share]) => [text, share / documentWeight] as const);
      expect(weights.map(([, weight]) => weight * documentWeight)).toEqual(shares.map(([, share]) => share));
      for (const inOrder of [weights, weights.toReversed()]) {
        const hits = index.search(new Map(inOrder), { k: 1, parameters: { k1: 0, b: 0 } });
        expect(hits).toEqual([{ id: 'd', score: 1, rank: 1 }]);
      }
    });
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity])('refuses k = %d', async (k) => {
    await withIndex(await temporaryFolder(), small, (index) => {
      expect(() => index.search(new Map(), { k })).toThrow(expect.objectContaining({ code: 'USAGE' }));
    });
  });

  it.each([-1, Number.NaN, Infinity])('refuses the term weight %d, and names the term', async (weight) => {
    await withIndex(await temporaryFolder(), small, (index) => {
      expect(() => index.search(new Map([['x', weight]]), { k: 1 })).toThrow(
        expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining('"x"') }),
      );
    });
  });

  it('refuses impossible parameters, after possible ones as well', async () => {
    await withIndex(await temporaryFolder(), small, (index) => {
      index.search(new Map([['x', 1]]), { k: 1 });
      const bad = { k: 1, parameters: { k1: -1, b: 0.4 } };
      expect(() => index.search(new Map([['x', 1]]), bad)).toThrow(
        expect.objectContaining({ code: 'USAGE' }),
      );
    });
  });

  it('of an empty index, and of one whose documents have no terms, finds nothing', async () => {
    const folder = await temporaryFolder();
    for (const vectors of [[], [small[2]]]) {
      await withIndex(folder, vectors, (index) => {
        expect(index.search(index.queryWeights(['x'], 'bm25q'), { k: 10 })).toEqual([]);
        expect(index.search(new Map([['x', 1]]), { k: 10 })).toEqual([]);
        expect(index.statistics).toEqual({ documentsWithTerms: 0, averageLength: 0 });
      });
    }
  });
});

describe('contributions', () => {
  it("are the query's terms in the document, and add up to its score", async () => {
    const folder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(corpus, queryTerms, parameters, async (vectors, query, chosen) => {
        await withIndex(folder, vectors, (index) => {
          const weights = index.queryWeights(query, 'bm25q', chosen);
          for (const { id, score } of index.search(weights, { k: 5, parameters: chosen })) {
            const parts = index.contributions(weights, id, chosen);
            expect(Math.fround(sum(parts.map(({ share }) => share))) / score).toBeCloseTo(1, 5);
            expect(parts.map(({ share }) => share)).toEqual(
              parts.map(({ share }) => share).sort((a, b) => b - a),
            );
            const own = vectors.find((vector) => vector.id === id)!.frequencies;
            const expected = [...weights.keys()].filter((text) => own.has(text));
            expect(new Set(parts.map((part) => part.term))).toEqual(new Set(expected));
            for (const part of parts) expect(part.queryWeight).toBe(weights.get(part.term));
          }
        });
      }),
      { numRuns: 25 },
    );
  });

  it('of an unknown document throw NOT_FOUND', async () => {
    await withIndex(await temporaryFolder(), [], (index) => {
      expect(() => index.contributions(new Map(), 'x')).toThrow(
        expect.objectContaining({ code: 'NOT_FOUND' }),
      );
    });
  });
});

describe('an index', () => {
  it('gives back every vector, and counts exactly: documents without terms count, but not in N and avgdl', async () => {
    const folder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(corpus, fc.constantFrom(1, 5, 64, 1 << 20), async (vectors, postingsPerPass) => {
        await withIndex(
          folder,
          vectors,
          async (index, summary) => {
            const all = vectors.flatMap((vector) => [...vector.frequencies]);
            const documentsWithTerms = vectors.filter((vector) => vector.frequencies.size > 0).length;
            const tokens = sum(all.map(([, frequency]) => frequency));
            const facts = {
              analyzer: 'whitespace',
              documents: vectors.length,
              documentsWithTerms,
              terms: new Set(all.map(([text]) => text)).size,
              postings: all.length,
              tokens,
            };
            expect(summary).toMatchObject(facts);
            expect(index.facts).toEqual(facts);
            const averageLength = documentsWithTerms === 0 ? 0 : tokens / documentsWithTerms;
            expect(index.statistics).toEqual({ documentsWithTerms, averageLength });
            const counted = new Map<string, number>();
            for (const [text] of all) counted.set(text, (counted.get(text) ?? 0) + 1);
            for (const [text, count] of counted) expect(index.documentFrequency(text)).toBe(count);
            expect(index.documentFrequency('no such term')).toBe(0);
            for (const { id, frequencies: expected } of vectors) {
              expect(index.has(id)).toBe(true);
              const vector = await index.vector(id);
              expect(vector).toEqual(expected);
              const inOrder = [...expected.keys()].sort((a, b) =>
                Buffer.compare(Buffer.from(a), Buffer.from(b)),
              );
              expect([...vector.keys()]).toEqual(inOrder);
            }
            expect(index.has('no such id')).toBe(false);
            await index.verify();
          },
          { postingsPerPass },
        );
      }),
      { numRuns: 25 },
    );
  });

  it('gives back stored documents, and undefined where none were stored', async () => {
    const folder = await temporaryFolder();
    const text = fc.string({ unit: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\ud83d')) });
    const metadata = fc.option(
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
      {
        nil: undefined,
      },
    );
    const documents = fc.uniqueArray(
      fc.record({ id: fc.string({ unit: 'binary', minLength: 1 }), title: text, text, metadata }),
      { selector: ({ id }) => id, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(documents, fc.boolean(), async (list, store) => {
        const out = join(folder, 'index');
        const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace'), store });
        for (const document of list) await builder.add(document, 'here');
        await builder.finish();
        const index = await LexicalIndex.open(out);
        try {
          expect(index.hasStore).toBe(store);
          for (const { id, ...rest } of list) {
            // What JSON cannot hold (a key __proto__, -0) does not come back; everything it can hold does.
            const expected = store ? (JSON.parse(JSON.stringify(rest)) as object) : undefined;
            expect(await index.document(id)).toEqual(expected);
          }
          await expect(index.document('no such id')).rejects.toMatchObject({ code: 'NOT_FOUND' });
          await expect(index.vector('no such id')).rejects.toMatchObject({ code: 'NOT_FOUND' });
          await index.verify();
        } finally {
          await index.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('refuses, once it is closed, whatever is asked of it', async () => {
    const vectors = [{ id: 'a', frequencies: new Map([['x', 2]]) }];
    const folder = await temporaryFolder();
    let closed: LexicalIndex | undefined;
    await withIndex(folder, vectors, (index) => void (closed = index));
    const query = new Map([['x', 1]]);
    expect(() => closed!.search(query, { k: 1 })).toThrow('this index is closed');
    for (const asked of [closed!.vector('a'), closed!.document('a'), closed!.searchAll([query], { k: 1 })]) {
      await expect(asked).rejects.toMatchObject({ code: 'USAGE' });
    }
  });

  it('that is not there is NOT_FOUND, with the folder and what to do', async () => {
    const folder = await temporaryFolder();
    for (const path of [folder, join(folder, 'missing')]) {
      await expect(LexicalIndex.open(path)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        where: path,
        hint: expect.stringContaining('quern index'),
      });
    }
  });

  it('with anything added to a segment is CORRUPT_FILE, for readers and writers', async () => {
    const folder = await temporaryFolder();
    const frequencies = new Map([['x', 1]]);
    await withIndex(folder, [{ id: 'a', frequencies }], () => undefined);
    const index = join(folder, 'index');
    const path = await segmentFileOf(index);
    const content = await readFile(path);
    // Its own content: a table is at the end, as it should be.
    await writeFile(path, Buffer.concat([content, content]));
    for (const opened of [LexicalIndex.open(index), IndexWriter.open(index)]) {
      await expect(opened).rejects.toMatchObject({ code: 'CORRUPT_FILE', where: path });
    }
  });
});
