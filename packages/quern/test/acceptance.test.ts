/** The figures that Quern promises on real collections, by the paths that users take. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BRIGHT_SUBSETS } from '../src/collections/bright-subsets.ts';
import { openCollection, type Collection } from '../src/collections/collection.ts';
import { compareRuns } from '../src/evaluate/comparison.ts';
import { evaluateCollection, type Evaluation } from '../src/evaluate/evaluation.ts';
import { parseMeasures } from '../src/evaluate/measures.ts';
import type { Scoring } from '../src/lexical/bm25.ts';
import { openCollectionIndex, type CollectionIndex } from '../src/lexical/collection-index.ts';
import { RecordedReasoner } from '../src/reason/recorded.ts';
import { reasonerNamed } from '../src/reason/reasoners.ts';
import { combineNamed } from '../src/search/combine.ts';
import { LexicalRetriever } from '../src/search/lexical-retriever.ts';
import { beirCollection } from './beir-collection.ts';
import { goldenFile } from './golden-file.ts';
import { quern, quernJson } from './run-quern.ts';
import { dataPath, sharedData } from './shared-data.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface EvaluationRecord {
  readonly collection: string;
  readonly scoring: string;
  readonly queries: number;
  readonly measures: Readonly<Record<string, number>>;
}

describe.skipIf(!sharedData)('BRIGHT theoremqa_theorems, through the command line', () => {
  const index = join(temporaryFolder(), 'theoremqa.index');

  function evaluated(...options: string[]): Promise<EvaluationRecord> {
    const collection = ['eval', 'bright:theoremqa_theorems', '--data', sharedData!, '--index', index];
    return quernJson<EvaluationRecord>([...collection, ...options]);
  }

  beforeAll(async () => {
    await evaluated('--measures', 'ndcg@10');
  });

  it('reaches the published figures of query-side BM25, its default', async () => {
    const { collection, scoring, queries, measures } = await evaluated();
    expect({ collection, scoring, queries }).toEqual({
      collection: 'bright:theoremqa_theorems',
      scoring: 'bm25q',
      queries: 76,
    });
    expect(Math.abs(measures['ndcg@10']! - 0.049)).toBeLessThanOrEqual(0.001);
    expect(Math.abs(measures['recall@100']! - 0.184)).toBeLessThanOrEqual(0.001);
    expect(Math.abs(measures['recall@1000']! - 0.42)).toBeLessThanOrEqual(0.001);
  });

  it.each([
    ['plain BM25', 0.0212, 0.001, 0.0212, ['--scoring', 'bm25']],
    ['the reasoned queries of TongSearch-QR-7B', 0.222, 0.005, 0.2223, reasonedBy('TongSearch-QR-7B')],
    ['the reasoned queries of TongSearch-QR-1.5B', 0.161, 0.005, 0.1611, reasonedBy('TongSearch-QR-1.5B')],
  ])('reaches the ndcg@10 of %s, and does not change', async (_, target, tolerance, now, options) => {
    const { measures } = await evaluated(...options);
    expect(Math.abs(measures['ndcg@10']! - target)).toBeLessThanOrEqual(tolerance);
    expect(measures['ndcg@10']!.toFixed(4)).toBe(String(now));
  });

  it('refuses an analyzer that did not make its terms', async () => {
    const args = ['eval', 'bright:theoremqa_theorems', '--data', sharedData!, '--analyzer', 'english'];
    const { code, stdout, stderr } = await quern(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('english+english');
  });

  it('refuses an analyzer that did not make its index', async () => {
    const args = ['eval', 'bright:theoremqa_theorems', '--data', sharedData!, '--index', index];
    const { code, stderr } = await quern([...args, '--analyzer', 'english', '--json']);
    expect(code).toBe(1);
    expect(stderr).toContain('english+english');
  });
});

describe.skipIf(!sharedData)('the published reasoned queries', () => {
  it.each(['TongSearch-QR-7B', 'TongSearch-QR-1.5B'])('of %s cover every BRIGHT topic', async (model) => {
    const reasoner = await RecordedReasoner.open(dataPath(`bright/reasoned/${model}.json.gz`));
    const counts: Record<string, number> = {};
    const distinct = new Set<string>();
    for (const subset of BRIGHT_SUBSETS) {
      const { topics } = await openCollection(`bright:${subset}`, { data: sharedData });
      for (const { text } of topics) {
        const { text: reasoned } = await reasoner.reason(text);
        expect(reasoned.trim()).not.toBe('');
        distinct.add(text);
      }
      counts[subset] = topics.length;
    }
    expect(counts).toEqual({
      biology: 103,
      earth_science: 116,
      economics: 103,
      psychology: 101,
      robotics: 101,
      stackoverflow: 117,
      sustainable_living: 108,
      leetcode: 142,
      pony: 112,
      aops: 111,
      theoremqa_questions: 194,
      theoremqa_theorems: 76,
    });
    expect(distinct.size).toBe(1308);
  });
});

describe.skipIf(!sharedData)('textbooks with recorded reasoned queries', () => {
  const measures = parseMeasures(['ndcg@10']);
  const recorded = `file:${sharedData && dataPath('textbooks/reasoned.json')}`;
  const { collections } = goldenFile<{ collections: { textbooks: Record<Scoring, Record<string, number>> } }>(
    'bm25/figures.json',
  );
  let collection: Collection;
  let opened: CollectionIndex;
  let question: Evaluation;

  async function evaluated(of: Collection, scoring: Scoring, reasoner: string, combine: string) {
    return evaluateCollection(
      of,
      {
        reasoner: await reasonerNamed(reasoner),
        combine: combineNamed(combine),
        retriever: new LexicalRetriever(opened.index, scoring),
      },
      { name: `${scoring} ${reasoner} ${combine}`, k: 1000, measures },
    );
  }

  beforeAll(async () => {
    collection = await beirCollection('textbooks', 'reasoned-test');
    opened = await openCollectionIndex(collection);
    question = await evaluated(collection, 'bm25', 'none', 'replace');
  });
  afterAll(() => opened?.close());

  it('finds as well as the oracle on the test split', async () => {
    const test = await beirCollection('textbooks', 'test');
    const { mean } = (await evaluated(test, 'bm25', 'none', 'replace')).measures;
    expect(Math.abs(mean['ndcg@10']! - collections.textbooks.bm25['ndcg@10']!)).toBeLessThan(1e-4);
  });

  it('starts from what the bare question reaches', () => {
    expect(question.measures.topics).toBe(120);
    expect(Math.abs(question.measures.mean['ndcg@10']! - 0.632)).toBeLessThanOrEqual(0.006);
  });

  it.each([
    ['replace', 'bm25', 0.735],
    ['replace', 'bm25q', 0.743],
    ['concat:1', 'bm25', 0.733],
    ['concat:3', 'bm25', 0.734],
  ] as const)('gains significantly with %s and %s', async (combine, scoring, target) => {
    const reasoned = await evaluated(collection, scoring, recorded, combine);
    expect(Math.abs(reasoned.measures.mean['ndcg@10']! - target)).toBeLessThanOrEqual(0.006);
    const [pair] = compareRuns(question.run, [reasoned.run], collection.qrels, measures).comparisons;
    expect(pair!.difference).toBeCloseTo(
      reasoned.measures.mean['ndcg@10']! - question.measures.mean['ndcg@10']!,
      12,
    );
    expect(pair!.randomisation.p).toBeLessThan(0.001);
  });
});

function reasonedBy(model: string): string[] {
  return ['--reasoner', `file:${join(sharedData ?? '', 'bright/reasoned', `${model}.json.gz`)}`];
}
