import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someQuery, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { scorings } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { HybridRetriever } from './hybrid-retriever.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { factNames, queryFacts } from './query-facts.ts';
import { queryTraits } from './query-traits.ts';

const folder = temporaryFolder();
let index: LexicalIndex;
let retriever: LexicalRetriever;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
  retriever = new LexicalRetriever(index, 'bm25');
});
afterAll(() => index?.close());

describe('queryFacts', () => {
  it.each(scorings)('gives a finite number for every name and every query, with %s', async (scoring) => {
    const ranked = new LexicalRetriever(index, scoring);
    await fc.assert(
      fc.asyncProperty(someQuery, async (query) => {
        const facts = await queryFacts(query, ranked, factNames);
        expect(Object.keys(facts)).toEqual([...factNames]);
        expect(Object.values(facts).every(Number.isFinite)).toBe(true);
        expect(facts).toMatchObject(queryTraits(query));
      }),
    );
  });

  it('searches only where a fact needs a ranking', async () => {
    const before = index.postingsRead;
    await queryFacts('ash oak', retriever, ['words', 'maxIdf', 'knownTerms']);
    expect(index.postingsRead).toBe(before);
    await queryFacts('ash oak', retriever, ['gap']);
    expect(index.postingsRead).toBeGreaterThan(before);
  });

  it('leaves excluded documents out of the ranking that it looks at', async () => {
    const [best, second] = await retriever.search('ash oak', { k: 2 });
    const { gap, lead } = await queryFacts('ash oak', retriever, ['gap', 'lead']);
    const without = await queryFacts('ash oak', retriever, ['gap', 'lead'], { excluded: [best.id] });
    expect(gap).toBeCloseTo((best.score - second.score) / best.score, 12);
    expect(without).not.toEqual({ gap, lead });
  });

  it('are those of the lexical part of a hybrid', async () => {
    const other = { id: 'other', search: async () => [] };
    const lexical = new LexicalRetriever(index, 'bm25');
    const hybrid = new HybridRetriever([
      { retriever: other, weight: 1 },
      { retriever: lexical, weight: 1 },
    ]);
    expect(await queryFacts('ash beech', hybrid, factNames)).toEqual(
      await queryFacts('ash beech', lexical, factNames),
    );
  });
  it('tells traits without an index, and says what it needs one for', async () => {
    const other = { id: 'other', search: async () => [] };
    expect(await queryFacts('why oak', other, ['words', 'asks'])).toEqual({ words: 2, asks: 1 });
    await expect(queryFacts('why oak', other, ['words', 'nqc'])).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE', what: 'other has no index to tell words, nqc' }),
    );
  });

  it('stops on request', async () => {
    const signal = AbortSignal.abort();
    await expect(queryFacts('ash', retriever, ['clarity'], { signal })).rejects.toThrow(
      expect.objectContaining({ code: 'ABORTED' }),
    );
  });
});
