import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Collection } from '../src/collections/collection.ts';
import { evaluateCollection } from '../src/evaluate/evaluation.ts';
import { parseMeasures } from '../src/evaluate/measures.ts';
import { scorings, type Scoring } from '../src/lexical/bm25.ts';
import { openCollectionIndex, type CollectionIndex } from '../src/lexical/collection-index.ts';
import { Rm3Reasoner } from '../src/reason/rm3.ts';
import { combineNamed } from '../src/search/combine.ts';
import { LexicalRetriever } from '../src/search/lexical-retriever.ts';
import { beirCollection, isCollectionHere } from './beir-collection.ts';
import { goldenFile, largestDifference } from './golden-file.ts';

interface Expansion {
  readonly figures: Readonly<Record<string, number>>;
  /** Topic → term weights, or the ascending weights alone. */
  readonly queries: Readonly<Record<string, Readonly<Record<string, number>> | readonly number[]>>;
}

const golden = goldenFile<{ collections: Readonly<Record<string, Record<Scoring, Expansion>>> }>(
  'bm25/rm3.json',
);
const measures = parseMeasures(['ndcg@10', 'map', 'recall@1000']);

describe.each(Object.entries(golden.collections))('rm3 on %s', (name, expansions) => {
  describe.skipIf(!isCollectionHere(name))('against Anserini’s estimate in NumPy', () => {
    let collection: Collection;
    let opened: CollectionIndex;

    beforeAll(async () => {
      collection = await beirCollection(name);
      opened = await openCollectionIndex(collection);
    });
    afterAll(() => opened?.close());

    it.each(scorings)('measures the same with %s', async (scoring) => {
      const pipeline = {
        reasoner: new Rm3Reasoner(opened.index, scoring),
        combine: combineNamed('replace'),
        retriever: new LexicalRetriever(opened.index, scoring),
      };
      const evaluation = await evaluateCollection(collection, pipeline, { name: 'rm3', k: 1000, measures });
      expect(largestDifference(evaluation.measures.mean, expansions[scoring].figures)).toBeLessThan(1e-4);
    });

    it.each(scorings)('expands queries to the same weights with %s', async (scoring) => {
      const reasoner = new Rm3Reasoner(opened.index, scoring);
      const expected = Object.entries(expansions[scoring].queries);
      expect(expected.length).toBeGreaterThanOrEqual(10);
      for (const [topic, weights] of expected) {
        const { text } = collection.topics.find(({ id }) => id === topic)!;
        const ours = (await reasoner.reason(text)).weights!;
        const comparable = Array.isArray(weights)
          ? [...ours.values()].sort((a, b) => a - b)
          : Object.fromEntries(ours);
        expect(largestDifference(comparable, weights)).toBeLessThan(1e-9);
      }
    });
  });
});
