import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Collection } from '../src/collections/collection.ts';
import { evaluateCollection, type Evaluation } from '../src/evaluate/evaluation.ts';
import { parseMeasures } from '../src/evaluate/measures.ts';
import { scorings, type Scoring } from '../src/lexical/bm25.ts';
import { openCollectionIndex, type CollectionIndex } from '../src/lexical/collection-index.ts';
import { NoReasoner } from '../src/reason/none.ts';
import { combineNamed } from '../src/search/combine.ts';
import { LexicalRetriever } from '../src/search/lexical-retriever.ts';
import { beirCollection, isCollectionHere } from './beir-collection.ts';
import { goldenFile, largestDifference } from './golden-file.ts';

type Figures = Readonly<Record<string, number>>;

interface CollectionFigures extends Readonly<Record<Scoring, Figures>> {
  readonly documents: number;
  readonly documentsWithTerms: number;
  readonly terms: number;
  readonly tokens: number;
  readonly topics: number;
}

/** Topic → the first hits. */
type Rankings = Readonly<Record<string, readonly (readonly [id: string, score: number])[]>>;

const figures = goldenFile<{ collections: Readonly<Record<string, CollectionFigures>> }>('bm25/figures.json');
const rankings = goldenFile<{ collections: Readonly<Record<string, Record<Scoring, Rankings>>> }>(
  'bm25/rankings.json',
);
const measures = parseMeasures(['ndcg@10', 'map', 'recall@1000']);

describe.each(Object.entries(figures.collections))('%s', (name, golden) => {
  describe.skipIf(!isCollectionHere(name))('against bm25s and gensim', () => {
    let collection: Collection;
    let opened: CollectionIndex;
    const evaluations = new Map<Scoring, Evaluation>();

    beforeAll(async () => {
      collection = await beirCollection(name);
      opened = await openCollectionIndex(collection);
      for (const scoring of scorings) {
        const retriever = new LexicalRetriever(opened.index, scoring);
        const pipeline = { reasoner: new NoReasoner(), combine: combineNamed('replace'), retriever };
        const options = { name: scoring, k: 1000, measures };
        evaluations.set(scoring, await evaluateCollection(collection, pipeline, options));
      }
    });
    afterAll(() => opened?.close());

    it('has the same documents, terms and tokens', () => {
      const { documents, documentsWithTerms, terms, tokens } = opened.index.facts;
      const { bm25: _, bm25q: __, topics, ...counts } = golden;
      expect({ documents, documentsWithTerms, terms, tokens }).toEqual(counts);
      expect(collection.qrels.size).toBe(topics);
    });

    it.each(scorings)('measures the same with %s', (scoring) => {
      const { mean } = evaluations.get(scoring)!.measures;
      expect(largestDifference(mean, golden[scoring])).toBeLessThan(1e-4);
    });

    const shown = rankings.collections[name];
    if (!shown) return;
    it.each(scorings)('ranks and scores the same with %s', (scoring) => {
      const expected = Object.entries(shown[scoring]);
      expect(expected.length).toBeGreaterThanOrEqual(10);
      for (const [topic, first] of expected) {
        const hits = evaluations.get(scoring)!.run.rankings.get(topic)!.slice(0, first.length);
        expect(hits.map(({ id }) => id)).toEqual(first.map(([id]) => id));
        const ratios = hits.map(({ score }, i) => score / first[i]![1]);
        expect(
          largestDifference(
            ratios,
            first.map(() => 1),
          ),
        ).toBeLessThan(1e-5);
      }
    });
  });
});
