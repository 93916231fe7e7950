import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Collection } from '../src/collections/collection.ts';
import { scorings, type Scoring } from '../src/lexical/bm25.ts';
import { openCollectionIndex, type CollectionIndex } from '../src/lexical/collection-index.ts';
import { LexicalRetriever } from '../src/search/lexical-retriever.ts';
import { queryFacts, type FactName } from '../src/search/query-facts.ts';
import { beirCollection, isCollectionHere } from './beir-collection.ts';
import { goldenFile } from './golden-file.ts';

type Topics = Readonly<Record<string, Readonly<Record<FactName, number>>>>;

const golden = goldenFile<{ collections: Readonly<Record<string, Readonly<Record<Scoring, Topics>>>> }>(
  'predictors/predictors.json',
);

describe.each(Object.entries(golden.collections))('predictors on %s', (name, expected) => {
  describe.skipIf(!isCollectionHere(name))('against plain loops in Python', () => {
    let collection: Collection;
    let opened: CollectionIndex;

    beforeAll(async () => {
      collection = await beirCollection(name);
      opened = await openCollectionIndex(collection);
    });
    afterAll(() => opened?.close());

    it.each(scorings)('are the same with %s', async (scoring) => {
      const retriever = new LexicalRetriever(opened.index, scoring);
      const topics = Object.entries(expected[scoring]);
      expect(topics.length).toBeGreaterThanOrEqual(15);
      for (const [id, figures] of topics) {
        const { text } = collection.topics.find((topic) => topic.id === id)!;
        const facts = await queryFacts(text, retriever, Object.keys(figures) as FactName[]);
        for (const [fact, value] of Object.entries(facts)) {
          expect(value, `${fact} of topic ${id}`).toBeCloseTo(figures[fact as FactName], 9);
        }
      }
    });
  });
});
