import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someQuery, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { scorings } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { Rm3Reasoner } from './rm3.ts';

const folder = temporaryFolder();
const opened: LexicalIndex[] = [];

async function index(texts: Readonly<Record<string, string>>): Promise<LexicalIndex> {
  const made = await indexOf(folder, texts);
  opened.push(made);
  return made;
}

afterAll(async () => {
  for (const each of opened) await each.close();
});

/** Documents that share nothing with others, so that a term of one other document is in no more than a tenth of all. */
function padding(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`pad${i}`, `filler${i}`]));
}

describe('the relevance model', () => {
  it('is what the formula says', async () => {
    const texts = { a: 'query cause cause effect', b: 'query cause other', ...padding(38) };
    const made = await index(texts);
    const { weights } = await new Rm3Reasoner(made, 'bm25').reason('query');
    const [first, second] = made.search(new Map([['query', 1]]), { k: 2 });
    const score = { a: 0, b: 0, [first!.id]: first!.score, [second!.id]: second!.score };
    const shares = {
      query: score.a / 4 + score.b / 3,
      cause: score.a / 2 + score.b / 3,
      effect: score.a / 4,
      other: score.b / 3,
    };
    const total = score.a + score.b;
    expect(weights!.get('query')).toBeCloseTo(0.5 + (0.5 * shares.query) / total, 12);
    expect(weights!.get('cause')).toBeCloseTo((0.5 * shares.cause) / total, 12);
    expect(weights!.get('effect')).toBeCloseTo((0.5 * shares.effect) / total, 12);
    expect(weights!.get('other')).toBeCloseTo((0.5 * shares.other) / total, 12);
    expect(weights!.size).toBe(4);
  });

  it('takes as many documents and terms as it is told', async () => {
    const texts = {
      a: 'query query one one one two two',
      b: 'query three four five six seven',
      ...padding(38),
    };
    const options = { documents: 1, terms: 2, originalWeight: 0 };
    const { weights } = await new Rm3Reasoner(await index(texts), 'bm25', options).reason('query');
    // The two most frequent terms of `a`; of `query` and `two`, which tie, the one that comes first.
    expect([...weights!.keys()].sort()).toEqual(['one', 'query']);
    expect(weights!.get('one')).toBeCloseTo(0.6, 12);
  });

  it('expands with short words of a–z and 0–9 that at most a tenth of the documents have', async () => {
    const odd = 'query x naïve word-word 3d abcdefghijklmnopqrst abcdefghijklmnopqrstu common rare UPPER';
    const texts = { a: odd, b: 'common', c: 'common', d: 'rare', ...padding(16) };
    const { weights } = await new Rm3Reasoner(await index(texts), 'bm25', { terms: 50 }).reason('query');
    expect([...weights!.keys()].sort()).toEqual(['3d', 'abcdefghijklmnopqrst', 'query', 'rare']);
  });

  it('does not learn from excluded documents', async () => {
    const made = await index({ a: 'query secret', b: 'query open', ...padding(38) });
    const { weights } = await new Rm3Reasoner(made, 'bm25').reason('query', { excluded: ['a', 'unknown'] });
    expect([...weights!.keys()].sort()).toEqual(['open', 'query']);
  });
});

describe('rm3', () => {
  let made: LexicalIndex;
  beforeAll(async () => {
    made = await index({ ...someTexts, ...padding(600) });
  });

  it.each(scorings)('yields weights that sum to 1 and are the same again, with %s', async (scoring) => {
    const reasoner = new Rm3Reasoner(made, scoring);
    await fc.assert(
      fc.asyncProperty(someQuery, async (query) => {
        const { weights, text, finish } = await reasoner.reason(query);
        const known = made.queryWeights(query.split(' '), scoring);
        fc.pre(known.size > 0);
        const sum = [...weights!.values()].reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(1, 9);
        expect([...weights!.keys()]).toEqual(expect.arrayContaining([...known.keys()]));
        expect(finish).toBe('stop');
        const again = await new Rm3Reasoner(made, scoring).reason(query);
        expect({ weights: [...again.weights!], text: again.text }).toEqual({ weights: [...weights!], text });
      }),
    );
  });

  it.each(scorings)('keeps the ranking of the query where its weight is 1, with %s', async (scoring) => {
    const reasoner = new Rm3Reasoner(made, scoring, { originalWeight: 1 });
    await fc.assert(
      fc.asyncProperty(someQuery, async (query) => {
        const { weights = new Map() } = await reasoner.reason(query);
        const plain = made.search(made.queryWeights(query.split(' '), scoring), { k: 100 });
        const expanded = made.search(weights, { k: 100 });
        expect(expanded.map(({ id }) => id)).toEqual(plain.map(({ id }) => id));
      }),
    );
  });

  it('finds documents that have no word of the query', async () => {
    const texts = { a: 'query cause', b: 'query cause', c: 'cause', ...padding(37) };
    const own = await index(texts);
    const { weights } = await new Rm3Reasoner(own, 'bm25').reason('query');
    expect(own.search(weights!, { k: 9 }).map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  });

  it('has a text that shows its weights, the heaviest first', async () => {
    const own = await index({ a: 'query cause cause', ...padding(39) });
    const { text } = await new Rm3Reasoner(own, 'bm25').reason('query');
    expect(text).toBe('query^0.6667 cause^0.3333');
  });

  it('stands aside in an index so small that no term is in at most a tenth of it', async () => {
    const small = await index({ a: 'query cause', b: 'query effect' });
    const { weights, finish } = await new Rm3Reasoner(small, 'bm25').reason('query');
    expect({ weights, finish }).toEqual({ weights: undefined, finish: 'skipped' });
  });

  it('has nothing to say where no document has a word of the query', async () => {
    const { weights, text, finish } = await new Rm3Reasoner(made, 'bm25').reason('yew');
    expect({ weights, text, finish }).toEqual({ weights: undefined, text: '', finish: 'skipped' });
  });

  it('stops when it is told to', async () => {
    const reasoner = new Rm3Reasoner(made, 'bm25');
    await expect(reasoner.reason('ash', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  it.each([
    { documents: 0 },
    { documents: 1.5 },
    { terms: -1 },
    { terms: Number.NaN },
    { originalWeight: 1.1 },
    { originalWeight: Number.NaN },
  ])('refuses %o', (options) => {
    expect(() => new Rm3Reasoner(made, 'bm25', options)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
