import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allTerms, columnsOf, randomCorpus, seeded, type Corpus } from '../../test/segment-columns.ts';
import { lengthNorm, saturation } from './bm25.ts';
import { DenseCodes } from './dense-codes.ts';
import type { SaturationParameters } from './saturations.ts';
import { blockSize } from './search-memory.ts';
import { SegmentSearch, type QueryTerms, type SearchPath } from './segment-search.ts';

/** The ranking straight from the formula: the score summed in ascending order of terms, rounded, ties by place. */
function naiveRanking(
  corpus: Corpus,
  { numbers, weights }: QueryTerms,
  parameters: SaturationParameters,
  k: number,
  excluded: readonly number[],
): { document: number; score: number }[] {
  const sums = new Map<number, number>();
  for (const [i, term] of numbers.entries()) {
    const { documents, frequencies } = corpus.postings[term];
    for (const [j, document] of documents.entries()) {
      const norm = lengthNorm(corpus.lengths[document], parameters.averageLength, parameters);
      const share = weights[i] * saturation(frequencies[j], norm);
      sums.set(document, (sums.get(document) ?? 0) + share);
    }
  }
  for (const document of [...corpus.deleted, ...excluded]) sums.delete(document);
  return Array.from(sums, ([document, sum]) => ({ document, score: Math.fround(sum) }))
    .sort((a, b) => b.score - a.score || corpus.places[b.document] - corpus.places[a.document])
    .slice(0, k);
}

function ranking(
  search: SegmentSearch,
  path: SearchPath,
  terms: QueryTerms,
  parameters: SaturationParameters,
  k: number,
  excluded: readonly number[] = [],
) {
  const { documents, scores, postingsRead } = search.run({ terms, k, floor: 0, excluded, path, parameters });
  return { hits: Array.from(documents, (document, i) => ({ document, score: scores[i] })), postingsRead };
}

describe('searching a segment', () => {
  it('finds on both paths what the formula says, whatever the corpus, the query, k and what is left out', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(1, 3, 10, 100, 1000, 50_000),
        fc.boolean(),
        fc.constantFrom({ k1: 0.9, b: 0.4 }, { k1: 1.2, b: 0.75 }, { k1: 0, b: 0 }),
        fc.constantFrom(4, 1, 0.5, 0.1, 0.01, 0.001),
        fc.boolean(),
        (seed, terms, k, sameWeights, bm25, blocks, byDocument) => {
          const corpus = randomCorpus(seed, terms, blocks);
          const columns = columnsOf(corpus);
          if (byDocument) new DenseCodes(columns).layOut(Uint32Array.from(corpus.postings.keys()));
          const search = new SegmentSearch(columns);
          const random = seeded(seed + 1);
          const query = allTerms(corpus, (term) =>
            sameWeights
              ? 1
              : Math.log(corpus.lengths.length / (1 + corpus.postings[term].documents.length)) + random(),
          );
          // Not all of the corpus's terms, but some at least.
          const asked = query.numbers.filter((term) => term === 0 || random() < 0.8);
          const positive = {
            numbers: asked,
            weights: Float64Array.from(asked, (term) => Math.max(query.weights[term], 0.01)),
          };
          const last = corpus.lengths.length - 1;
          const excluded = [0, blockSize - 1, blockSize, last].filter((document) => document <= last);
          // The other parameters on the same search: what it keeps from query to query must not show.
          for (const each of [bm25, { k1: 2, b: 1 }]) {
            const parameters = { ...each, averageLength: 22 };
            const expected = naiveRanking(corpus, positive, parameters, k, excluded);
            for (const path of ['exhaustive', 'pruned'] as const) {
              expect(ranking(search, path, positive, parameters, k, excluded).hits).toEqual(expected);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads each posting once on the exhaustive path, and a part of them on the pruned one', () => {
    // A few documents have rare terms; what nearly all have is not worth reading once those are found.
    const documents = 6 * blockSize;
    const every = (step: number, from = 0): Corpus['postings'][number] => {
      const list = Array.from({ length: Math.ceil((documents - from) / step) }, (_, i) => from + i * step);
      return { documents: list, frequencies: list.map(() => 1) };
    };
    const corpus: Corpus = {
      lengths: new Uint32Array(documents).fill(20),
      postings: [every(1), every(2), every(3), every(5), every(900), every(1000), every(1100, 7)],
      isRare: () => false,
      deleted: [],
      places: Uint32Array.from({ length: documents }, (_, i) => i),
    };
    const search = new SegmentSearch(columnsOf(corpus));
    const idf = (term: number): number =>
      Math.log((documents + 1) / (corpus.postings[term].documents.length + 0.5));
    const query = allTerms(corpus, idf);
    const parameters = { k1: 0.9, b: 0.4, averageLength: 20 };
    const all = corpus.postings.reduce((sum, { documents: list }) => sum + list.length, 0);
    const exhaustive = ranking(search, 'exhaustive', query, parameters, 10);
    expect(exhaustive.postingsRead).toBe(all);
    const pruned = ranking(search, 'pruned', query, parameters, 10);
    expect(pruned.hits).toEqual(exhaustive.hits);
    expect(pruned.postingsRead).toBeLessThan(all / 12);
  });

  it('leaves out what scores below the floor, and keeps what equals it', () => {
    const corpus = randomCorpus(8, 10);
    const search = new SegmentSearch(columnsOf(corpus));
    const query = allTerms(corpus, () => 1);
    const parameters = { k1: 0.9, b: 0.4, averageLength: 22 };
    const expected = naiveRanking(corpus, query, parameters, 100, []);
    const floor = expected[20].score;
    for (const path of ['exhaustive', 'pruned'] as const) {
      const { scores } = search.run({ terms: query, k: 100, floor, excluded: [], path, parameters });
      expect([...scores]).toEqual(expected.map(({ score }) => score).filter((score) => score >= floor));
    }
  });

  it('adds up in ascending order of terms where the order decides how a score is rounded', () => {
    // With k1 = 0 shares are weights. 1 + 2^-24 is half way between two floats, and three times 2^-54 are lost in it one
    // by one, but lift it when they are added first, as terms of few postings are on the pruned path.
    const documents = 5 * blockSize;
    const everywhere = Array.from({ length: documents }, (_, i) => i);
    const one = { documents: [3 * blockSize + 5], frequencies: [1] };
    const all = { documents: everywhere, frequencies: everywhere.map(() => 1) };
    const corpus: Corpus = {
      lengths: new Uint32Array(documents).fill(5),
      postings: [all, all, one, one, one],
      isRare: () => false,
      deleted: [],
      places: Uint32Array.from(everywhere),
    };
    const weights = [1, 2 ** -24, 2 ** -54, 2 ** -54, 2 ** -54];
    expect(Math.fround(weights[2] * 3 + weights[0] + weights[1])).toBe(1 + 2 ** -23);
    const search = new SegmentSearch(columnsOf(corpus));
    const parameters = { k1: 0, b: 0, averageLength: 5 };
    // The document alone is asked for; all others are as good, and come after it or are left out.
    const query = allTerms(corpus, (term) => weights[term]);
    const k = documents;
    for (const path of ['exhaustive', 'pruned'] as const) {
      const { hits } = ranking(search, path, query, parameters, k);
      expect(hits.find(({ document }) => document === one.documents[0])).toEqual({
        document: one.documents[0],
        score: 1,
      });
    }
    const few = ranking(search, 'pruned', query, parameters, 10);
    expect(few.hits).toEqual(ranking(search, 'exhaustive', query, parameters, 10).hits);
    expect(few.hits.every(({ score }) => score === 1)).toBe(true);
  });

  it('keeps the order of scores that only just differ, or are the smallest there are', () => {
    const extreme = fc.constantFrom(1e-45, 3e-45, 1e-42, 1e-30, 1, 1 + 2 ** -23, 1 + 1e-12, 7.25, 1e30);
    fc.assert(
      fc.property(
        fc.array(extreme, { minLength: 1, maxLength: 300 }),
        fc.option(extreme),
        fc.integer({ min: 1, max: 400 }),
        fc.boolean(),
        (weights, everywhere, k, byDocument) => {
          const documents = everywhere === null ? weights.length : blockSize + weights.length;
          const first = documents - weights.length;
          const ones = weights.map((_, i) => ({ documents: [first + i], frequencies: [1] }));
          const corpus = uniform(everywhere === null ? ones : [...ones, inAll(documents)], documents);
          const columns = columnsOf(corpus);
          if (byDocument) new DenseCodes(columns).layOut(Uint32Array.of(weights.length));
          const search = new SegmentSearch(columns);
          const query = allTerms(corpus, (term) => weights[term] ?? everywhere);
          const expected = naiveRanking(corpus, query, shares, k, []);
          for (const path of ['exhaustive', 'pruned'] as const) {
            expect(ranking(search, path, query, shares, k).hits).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps hits whose scores are rounded among the smallest floats', () => {
    const smallest = 2 ** -149;
    const documents = 2 * blockSize;
    const one = { documents: [5], frequencies: [1] };
    const cases = [
      // Lifted by what is added in another order to where a float would be rounded up.
      { postings: [inAll(documents), one, one, one], weights: [1.5 * (1 - 2 ** -53), 2 ** -54, 2 ** -54, 2 ** -54] },
      // A tie at two units, once by rounding.
      { postings: [inAll(documents), one], weights: [1.5, 0.5] },
    ]; // prettier-ignore
    for (const { postings, weights } of cases) {
      const corpus = uniform(postings, documents);
      const query = allTerms(corpus, (term) => weights[term] * smallest);
      const search = new SegmentSearch(columnsOf(corpus));
      const expected = naiveRanking(corpus, query, shares, 1, []);
      for (const path of ['exhaustive', 'pruned'] as const) {
        expect(ranking(search, path, query, shares, 1).hits).toEqual(expected);
      }
    }
  });

  it('finds all of many hits that lie far below the best one', () => {
    const documents = 3 * blockSize;
    const corpus = uniform([inAll(documents), { documents: [5], frequencies: [1] }], documents);
    const query = allTerms(corpus, (term) => [2 ** -40, 1][term]);
    const search = new SegmentSearch(columnsOf(corpus));
    for (const path of ['exhaustive', 'pruned'] as const) {
      const { hits } = ranking(search, path, query, shares, 10);
      expect(hits).toEqual(naiveRanking(corpus, query, shares, 10, []));
      expect(hits).toHaveLength(10);
    }
  });

  it('finds hits that have none of the terms that come first', () => {
    const documents = 20_000;
    const few = {
      documents: Array.from({ length: 400 }, (_, i) => 50 * i),
      frequencies: Array<number>(400).fill(1),
    };
    const many = Array.from({ length: 10_000 }, (_, i) => 2 * i + 1);
    const corpus = uniform([few, { documents: many, frequencies: many.map(() => 1) }], documents);
    const search = new SegmentSearch(columnsOf(corpus));
    // So rare and heavy that the first term promises more than the second, of which most hits are.
    const query = allTerms(corpus, (term) => [25, 10][term]);
    for (const path of ['exhaustive', 'pruned'] as const) {
      const { hits } = ranking(search, path, query, shares, 1000);
      expect(hits).toEqual(naiveRanking(corpus, query, shares, 1000, []));
      expect(hits).toHaveLength(1000);
    }
  });

  it('reaches every block for terms that lie by document alone', () => {
    const documents = 3 * blockSize;
    const corpus = uniform([inAll(documents), inAll(documents), inAll(documents)], documents);
    const columns = columnsOf(corpus);
    new DenseCodes(columns).layOut(Uint32Array.of(0));
    expect(columns.denseCodes[0]).toBeGreaterThan(0);
    const search = new SegmentSearch(columns);
    const query = { numbers: Uint32Array.of(0), weights: Float64Array.of(1) };
    for (const path of ['exhaustive', 'pruned'] as const) {
      expect(ranking(search, path, query, shares, 1).hits).toEqual([{ document: documents - 1, score: 1 }]);
    }
  });

  it('adds up rare postings too where it adds up again', () => {
    const documents = 5 * blockSize;
    const [at, all] = [3 * blockSize + 5, inAll(documents)];
    const one = { documents: [at], frequencies: [1] };
    const rare = { documents: [at], frequencies: [2] };
    const corpus = { ...uniform([rare, all, all, one, one, one], documents), isRare: (f: number) => f === 2 };
    const weights = [0.5, 1, 2 ** -24, 2 ** -54, 2 ** -54, 2 ** -54];
    const query = allTerms(corpus, (term) => weights[term]);
    const search = new SegmentSearch(columnsOf(corpus));
    for (const path of ['exhaustive', 'pruned'] as const) {
      expect(ranking(search, path, query, shares, 1).hits).toEqual([{ document: at, score: 1.5 }]);
    }
  });
});

/** Parameters with which a term's share of a score is its weight. */
const shares = { k1: 0, b: 0, averageLength: 5 };

/** The postings of a term that every document has once. */
function inAll(documents: number): Corpus['postings'][number] {
  const all = Array.from({ length: documents }, (_, i) => i);
  return { documents: all, frequencies: all.map(() => 1) };
}

/** A corpus whose documents are all of one length. */
function uniform(postings: Corpus['postings'], documents: number): Corpus {
  const places = Uint32Array.from({ length: documents }, (_, i) => i);
  return { lengths: new Uint32Array(documents).fill(5), postings, isRare: () => false, deleted: [], places };
}
