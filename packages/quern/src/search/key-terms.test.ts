import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someQuery, someTexts, words } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { scorings } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { keyTerms, withKeyTerms } from './key-terms.ts';
import { LexicalRetriever } from './lexical-retriever.ts';

const folder = temporaryFolder();
let index: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
});
afterAll(() => index?.close());

const someWeights = fc
  .dictionary(fc.constantFrom<string>(...words), fc.double({ min: 0.001, max: 100, noNaN: true }))
  .map((record) => new Map(Object.entries(record)));
const someShare = fc.integer({ min: 0, max: 95 }).map((percent) => percent / 100);

function sum(weights: Iterable<number>): number {
  return [...weights].reduce((total, weight) => total + weight, 0);
}

function shareOf(weights: ReadonlyMap<string, number>, terms: readonly string[]): number {
  return sum(terms.map((term) => weights.get(term) ?? 0)) / sum(weights.values());
}

function rarity(term: string): number {
  return index.documentFrequency(term);
}

describe.each(scorings)('key terms with %s', (scoring) => {
  let retriever: LexicalRetriever;
  beforeAll(() => {
    retriever = new LexicalRetriever(index, scoring);
  });

  it('are at most five that documents have, none rarer left out', () => {
    fc.assert(
      fc.property(someQuery, (query) => {
        const terms = keyTerms(query, retriever);
        const known = [...new Set(query.split(' '))].filter((term) => index.documentFrequency(term) > 0);
        expect(terms).toHaveLength(Math.min(5, known.length));
        expect(terms.map(rarity)).toEqual(
          known
            .map(rarity)
            .toSorted((a, b) => a - b)
            .slice(0, 5),
        );
      }),
    );
  });

  it('have exactly the share afterwards where they had less, and all else keeps its weight', () => {
    fc.assert(
      fc.property(someWeights, someQuery, someShare, (weights, query, share) => {
        const terms = keyTerms(query, retriever);
        fc.pre(terms.length > 0 && weights.size > 0 && shareOf(weights, terms) < share);
        const { weights: made, kept } = withKeyTerms(weights, query, retriever, share);
        const raised = new Map(made);
        expect(shareOf(raised, terms)).toBeCloseTo(share, 9);
        expect(kept).toEqual({ terms, before: shareOf(weights, terms), after: share });
        const own = retriever.weights(query);
        const ratios = terms.map((term) => (raised.get(term)! - (weights.get(term) ?? 0)) / own.get(term)!);
        for (const ratio of ratios) expect(ratio / ratios[0]).toBeCloseTo(1, 3);
        for (const term of terms) raised.set(term, 0);
        for (const term of terms) weights.set(term, 0);
        expect(raised).toEqual(weights);
      }),
    );
  });

  it('change nothing where they have the share already, and where the query has none', () => {
    fc.assert(
      fc.property(someWeights, someQuery, someShare, (weights, query, share) => {
        const terms = keyTerms(query, retriever);
        const before = weights.size === 0 ? 0 : shareOf(weights, terms);
        fc.pre(terms.length === 0 || before >= share || weights.size === 0);
        const { weights: same, kept } = withKeyTerms(weights, query, retriever, share);
        expect(same).toBe(weights);
        expect(kept).toEqual({ terms, before, after: before });
      }),
    );
  });
});

it.each([1, 1.5, -0.1, NaN])('a share of %s is none', (share) => {
  const retriever = new LexicalRetriever(index, 'bm25');
  expect(() => withKeyTerms(new Map([['ash', 1]]), 'elm', retriever, share)).toThrow(
    expect.objectContaining({ code: 'USAGE' }) as Error,
  );
});
