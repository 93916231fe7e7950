import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someQuery, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { scorings } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { isTermRetriever } from './retriever.ts';

const folder = temporaryFolder();
let index: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
});
afterAll(() => index?.close());

describe.each(scorings)('the retriever %s', (scoring) => {
  let retriever: LexicalRetriever;
  beforeAll(() => {
    retriever = new LexicalRetriever(index, scoring);
  });

  it('is named after its scoring and scores by terms', () => {
    expect(retriever.id).toBe(scoring);
    expect(isTermRetriever(retriever)).toBe(true);
    expect(isTermRetriever({ id: 'other', search: async () => [] })).toBe(false);
  });

  it('ranks a text as it ranks its weights, and the same again', async () => {
    await fc.assert(
      fc.asyncProperty(someQuery, fc.integer({ min: 1, max: 70 }), async (query, k) => {
        const hits = await retriever.search(query, { k });
        expect(await retriever.search(retriever.weights(query), { k })).toEqual(hits);
        expect(await retriever.search(query, { k })).toEqual(hits);
        expect(hits.length).toBeLessThanOrEqual(k);
      }),
    );
  });

  it('does not mind the order of the words', async () => {
    await fc.assert(
      fc.asyncProperty(someQuery, async (query) => {
        const reversed = query.split(' ').toReversed().join(' ');
        expect(await retriever.search(reversed, { k: 60 })).toEqual(await retriever.search(query, { k: 60 }));
      }),
    );
  });

  it('removes excluded documents before the cut at k', async () => {
    const someExcluded = fc.subarray([...Object.keys(someTexts), 'unknown']);
    await fc.assert(
      fc.asyncProperty(
        someQuery,
        someExcluded,
        fc.integer({ min: 1, max: 70 }),
        async (query, excluded, k) => {
          const whole = await retriever.search(query, { k: 60 });
          const expected = whole.filter(({ id }) => !excluded.includes(id)).slice(0, k);
          const hits = await retriever.search(query, { k, excluded });
          expect(hits).toEqual(expected.map(({ id, score }, i) => ({ id, score, rank: i + 1 })));
        },
      ),
    );
  });

  it('has shares that add up to a hit’s score', async () => {
    await fc.assert(
      fc.asyncProperty(someQuery, async (query) => {
        const weights = retriever.weights(query);
        for (const { id, score } of await retriever.search(query, { k: 10 })) {
          const shares = retriever.shares(weights, id);
          const sum = shares.reduce((total, { share }) => total + share, 0);
          expect(Math.abs(Math.fround(sum) / score - 1)).toBeLessThan(1e-6);
          for (const { term, queryWeight, documentWeight, share } of shares) {
            expect(queryWeight).toBe(weights.get(term));
            expect(share).toBe(queryWeight * documentWeight);
          }
          expect(shares.map(({ share }) => share)).toEqual(
            shares.map(({ share }) => share).toSorted((a, b) => b - a),
          );
        }
      }),
    );
  });

  it('ranks a text that grows as it ranks the whole, nearly so where weights depend on its length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someQuery, { maxLength: 5 }), async (texts) => {
        const growing = retriever.growing({ k: 60, excluded: ['d3'] });
        for (const text of texts) growing.add(text);
        const whole = await retriever.search(texts.join(' '), { k: 60, excluded: ['d3'] });
        const best = growing.best();
        expect(best.map(({ id }) => id).toSorted()).toEqual(whole.map(({ id }) => id).toSorted());
      }),
    );
  });

  it('gives a text that grows to 200 terms the scores that a search gives', async () => {
    const text = Object.values(someTexts).join(' ').split(' ').slice(0, 200).join(' ');
    const growing = retriever.growing({ k: 60 });
    for (const word of text.split(' ')) growing.add(word);
    const scores = new Map((await retriever.search(text, { k: 60 })).map(({ id, score }) => [id, score]));
    expect(scores.size).toBe(60);
    const best = growing.best();
    expect(best).toHaveLength(60);
    for (const { id, score } of best) expect(Math.abs(score / scores.get(id)! - 1)).toBeLessThan(1e-6);
  });

  it('stops when it is told to', async () => {
    await expect(retriever.search('ash', { k: 1, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

describe('a lexical retriever', () => {
  it('weighs terms by how often the query has them, with bm25', () => {
    const retriever = new LexicalRetriever(index, 'bm25');
    expect([...retriever.weights('oak ash oak yew')]).toEqual([
      ['oak', 2],
      ['ash', 1],
    ]);
  });

  it('weighs rare terms more and repetition less, with bm25q', async () => {
    const own = await indexOf(folder, { a: 'rare common', b: 'common', c: 'common' });
    const retriever = new LexicalRetriever(own, 'bm25q');
    const once = retriever.weights('rare common unknown');
    expect(once.get('rare')).toBeGreaterThan(once.get('common')!);
    const twice = retriever.weights('rare common common');
    expect(twice.get('common')).toBeGreaterThan(once.get('common')!);
    expect(twice.get('common')).toBeLessThan(2 * once.get('common')!);
    expect(once.has('unknown')).toBe(false);
    await own.close();
  });

  it('takes k1 and b of its own', async () => {
    const flat = new LexicalRetriever(index, 'bm25', { k1: 0, b: 0 });
    // Without saturation and lengths a score is the sum of idf over distinct terms: all documents of one word tie.
    const scores = (await flat.search('ash', { k: 60 })).map(({ score }) => score);
    expect(new Set(scores).size).toBe(1);
  });

  it('shows the terms of a text and their places', async () => {
    const english = await indexOf(folder, { a: 'Walking dogs' }, 'english');
    expect(new LexicalRetriever(english, 'bm25').spans('The dog’s walks')).toEqual([
      { term: 'dog', start: 4, end: 9 },
      { term: 'walk', start: 10, end: 15 },
    ]);
    await english.close();
  });
});
