import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someQuery, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { Hit } from '../collections/records.ts';
import { scorings } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { NoReasoner } from '../reason/none.ts';
import type { ReasonOptions, ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { Rm3Reasoner } from '../reason/rm3.ts';
import { combineNamed } from './combine.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { answer, type Answer } from './pipeline.ts';
import type { Retriever, SearchOptions } from './retriever.ts';

const folder = temporaryFolder();
let index: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
});
afterAll(() => index?.close());

/** Makes of every query what it is told, and remembers how it was asked. */
class FixedReasoner implements Reasoner {
  readonly id = 'fixed';
  readonly asked: (ReasonOptions | undefined)[] = [];
  readonly #made: Partial<ReasonedQuery>;

  constructor(made: Partial<ReasonedQuery>) {
    this.#made = made;
  }

  async reason(query: string, options?: ReasonOptions): Promise<ReasonedQuery> {
    this.asked.push(options);
    return { ...(await new NoReasoner().reason(query)), reasoner: this.id, finish: 'stop', ...this.#made };
  }

  async close(): Promise<void> {}
}

const allCombinations = ['replace', 'concat:1', 'concat:3', 'interpolate:0.5', 'rrf'];
/** Texts with a word that documents have. */
const someText = someQuery.filter((text) => /ash|beech|cedar|elm/.test(text));
const k = 60;

function answered(
  query: string,
  reasoned: Partial<ReasonedQuery>,
  combine: string,
  options: { scoring?: 'bm25' | 'bm25q'; k?: number; excluded?: string[] } = {},
): Promise<Answer> {
  const retriever = new LexicalRetriever(index, options.scoring ?? 'bm25');
  const pipeline = { reasoner: new FixedReasoner(reasoned), combine: combineNamed(combine), retriever };
  return answer(pipeline, query, { k: options.k ?? k, excluded: options.excluded });
}

function ids(hits: readonly Hit[]): string[] {
  return hits.map(({ id }) => id);
}

describe.each(scorings)('with %s', (scoring) => {
  const retrieve = (text: string): Promise<Hit[]> => new LexicalRetriever(index, scoring).search(text, { k });

  it.each(allCombinations)('%s of nothing is the bare query', async (combine) => {
    await fc.assert(
      fc.asyncProperty(someQuery, fc.constantFrom('', ' \n\t'), async (query, text) => {
        const { hits, searches } = await answered(query, { text }, combine, { scoring });
        expect(hits).toEqual(await retrieve(query));
        expect(searches.map(({ from, text: searched }) => [from, searched])).toEqual([['query', query]]);
      }),
    );
  });

  it('replace searches the reasoned query alone', async () => {
    await fc.assert(
      fc.asyncProperty(someQuery, someText, async (query, text) => {
        const { hits, searches } = await answered(query, { text }, 'replace', { scoring });
        expect(hits).toEqual(await retrieve(text));
        expect(searches.map(({ from }) => from)).toEqual(['reasoned']);
      }),
    );
  });

  it.each([1, 3, 7])(
    'concat:%i searches the query so many times and then the reasoned query',
    async (times) => {
      await fc.assert(
        fc.asyncProperty(someText, someText, async (query, text) => {
          const { hits, searches } = await answered(query, { text }, `concat:${times}`, { scoring });
          const whole = `${`${query} `.repeat(times)}${text}`;
          expect(searches.map(({ from, text: searched }) => [from, searched])).toEqual([['both', whole]]);
          expect(hits).toEqual(await retrieve(whole));
        }),
      );
    },
  );

  it('interpolate:1 ranks as the query does, and interpolate:0 as the reasoned query', async () => {
    await fc.assert(
      fc.asyncProperty(someText, someText, async (query, text) => {
        const one = await answered(query, { text }, 'interpolate:1', { scoring });
        const zero = await answered(query, { text }, 'interpolate:0', { scoring });
        expect(ids(one.hits)).toEqual(ids(await retrieve(query)));
        expect(ids(zero.hits)).toEqual(ids(await retrieve(text)));
      }),
    );
  });

  it('interpolate of a query with itself, and rrf with itself, keep its ranking', async () => {
    await fc.assert(
      fc.asyncProperty(someText, async (query) => {
        const expected = ids(await retrieve(query));
        for (const combine of ['interpolate:0.5', 'rrf']) {
          const { hits } = await answered(query, { text: query }, combine, { scoring });
          expect(ids(hits)).toEqual(expected);
        }
      }),
    );
  });

  it.each(allCombinations)('%s is the same twice, apart from milliseconds', async (combine) => {
    await fc.assert(
      fc.asyncProperty(someQuery, someQuery, async (query, text) => {
        const { milliseconds: _, ...first } = await answered(query, { text }, combine, { scoring });
        const { milliseconds: __, ...second } = await answered(query, { text }, combine, { scoring });
        expect(second).toEqual(first);
      }),
    );
  });

  it.each(allCombinations)('%s removes excluded documents before the cut at k', async (combine) => {
    const someExcluded = fc.subarray([...Object.keys(someTexts), 'unknown']);
    const settings = [someQuery, someQuery, someExcluded, fc.integer({ min: 1, max: 30 })] as const;
    await fc.assert(
      fc.asyncProperty(...settings, async (query, text, excluded, depth) => {
        const whole = await answered(query, { text }, combine, { scoring, excluded });
        const cut = await answered(query, { text }, combine, { scoring, excluded, k: depth });
        expect(ids(whole.hits).filter((id) => excluded.includes(id))).toEqual([]);
        expect(cut.hits).toEqual(whole.hits.slice(0, depth));
        // Nobody else is lost: those found without exclusion are there, but for the excluded.
        const free = await answered(query, { text }, combine, { scoring });
        expect(new Set(ids(whole.hits))).toEqual(
          new Set(ids(free.hits).filter((id) => !excluded.includes(id))),
        );
      }),
    );
  });
});

describe('concat', () => {
  it('weighs a word of the query once for every time', async () => {
    const { searches } = await answered('ash oak', { text: 'oak elm' }, 'concat:3');
    expect(Object.fromEntries(searches[0]!.weights!)).toEqual({ ash: 3, oak: 4, elm: 1 });
  });

  it('refuses a reasoned query that is term weights', async () => {
    const weights = new Map([['oak', 1]]);
    await expect(answered('ash', { text: 'oak^1', weights }, 'concat:1')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('fixed'),
    });
  });
});

describe('interpolate', () => {
  it('weighs both sides by their sums', async () => {
    const { searches } = await answered('ash ash oak', { text: 'oak elm elm elm' }, 'interpolate:0.25');
    const [{ from, text, weights }] = searches as [Answer['searches'][number]];
    expect({ from, text }).toEqual({ from: 'both', text: undefined });
    expect(weights!.get('ash')).toBeCloseTo((0.25 * 2) / 3, 12);
    expect(weights!.get('oak')).toBeCloseTo(0.25 / 3 + 0.75 / 4, 12);
    expect(weights!.get('elm')).toBeCloseTo((0.75 * 3) / 4, 12);
  });

  it('leaves the other side alone where one has no known word', async () => {
    const left = await answered('ash oak', { text: 'yew' }, 'interpolate:0.5');
    expect(ids(left.hits)).toEqual(ids((await answered('ash oak', {}, 'replace')).hits));
    const right = await answered('yew', { text: 'ash oak' }, 'interpolate:0.5');
    expect(ids(right.hits)).toEqual(ids(left.hits));
  });

  it('takes term weights as the reasoned query', async () => {
    const weights = new Map([['elm', 5]]);
    const { searches } = await answered('ash', { text: 'elm^5', weights }, 'interpolate:0.5');
    expect(Object.fromEntries(searches[0]!.weights!)).toEqual({ ash: 0.5, elm: 0.5 });
  });

  it('needs a retriever that scores by terms', async () => {
    const retriever: Retriever = { id: 'opaque', search: async () => [] };
    const pipeline = {
      reasoner: new FixedReasoner({ text: 'oak' }),
      combine: combineNamed('interpolate:0.5'),
      retriever,
    };
    await expect(answer(pipeline, 'ash', { k })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('opaque'),
    });
  });
});

describe('rrf', () => {
  it('fuses the rankings of the query and of the reasoned query', async () => {
    const { hits, searches } = await answered('ash', { text: 'elm' }, 'rrf');
    expect(searches.map(({ from }) => from)).toEqual(['query', 'reasoned']);
    const retriever = new LexicalRetriever(index, 'bm25');
    const ranks = await Promise.all(
      ['ash', 'elm'].map(
        async (text) => new Map((await retriever.search(text, { k })).map(({ id, rank }) => [id, rank])),
      ),
    );
    for (const { id, score } of hits) {
      const expected = ranks.reduce((sum, each) => sum + (each.has(id) ? 1 / (60 + each.get(id)!) : 0), 0);
      expect(score).toBeCloseTo(expected, 8);
    }
  });

  it('lets the query stand alone where nothing of the reasoned query can be searched', async () => {
    const bare = await answered('ash', { text: '' }, 'replace');
    expect(bare.hits.length).toBeGreaterThan(0);
    for (const combine of ['replace', 'concat:2', 'interpolate:0.5', 'rrf']) {
      for (const reasoned of [{ text: 'unheard of' }, { text: ' \n' }, { text: 'elm', weights: new Map() }]) {
        const { hits, searches } = await answered('ash', reasoned, combine);
        expect(searches.map(({ from }) => from)).toEqual(['query']);
        expect(hits).toEqual(bare.hits);
      }
    }
  });

  it('searches deeper than k, so that the cut does not change what is fused', async () => {
    const whole = await answered('ash', { text: 'elm fir' }, 'rrf');
    const cut = await answered('ash', { text: 'elm fir' }, 'rrf', { k: 3 });
    expect(cut.hits).toEqual(whole.hits.slice(0, 3));
  });
});

describe('an answer', () => {
  it('uses the weights of a reasoner instead of its text', async () => {
    const weights = new Map([['elm', 0.5]]);
    const { hits, searches } = await answered('ash', { text: 'oak', weights }, 'replace');
    expect(searches).toEqual([{ from: 'reasoned', reasoner: 'fixed', weights }]);
    expect(hits).toEqual(index.search(weights, { k }));
  });

  it('ranks by rm3 what rm3 weighs', async () => {
    const retriever = new LexicalRetriever(index, 'bm25');
    const reasoner = new Rm3Reasoner(index, 'bm25');
    const { hits } = await answer({ reasoner, combine: combineNamed('replace'), retriever }, 'ash elm', {
      k,
    });
    expect(hits).toEqual(index.search((await reasoner.reason('ash elm')).weights!, { k }));
  });

  it('says what it was made of', async () => {
    const { query, reasoned, combine, retriever, milliseconds } = await answered(
      'ash',
      { text: 'oak' },
      'concat:2',
    );
    expect({ query, combine, retriever }).toEqual({ query: 'ash', combine: 'concat:2', retriever: 'bm25' });
    expect(reasoned).toMatchObject({ query: 'ash', text: 'oak', reasoner: 'fixed', finish: 'stop' });
    expect(Object.keys(milliseconds)).toEqual(['reason', 'search']);
  });

  it('hands what is excluded and the signal to the reasoner and the retriever', async () => {
    const reasoner = new FixedReasoner({ text: 'oak' });
    const searched: SearchOptions[] = [];
    const retriever: Retriever = {
      id: 'opaque',
      search: async (_, options) => {
        searched.push(options);
        return [];
      },
    };
    const { signal } = new AbortController();
    const excluded = ['d1'];
    await answer({ reasoner, combine: combineNamed('replace'), retriever }, 'ash', {
      k: 7,
      excluded,
      signal,
    });
    expect(reasoner.asked).toEqual([{ excluded, signal }]);
    expect(searched).toEqual([{ k: 7, excluded, signal }]);
  });

  it('gives text to a retriever that does not score by terms', async () => {
    const searched: unknown[] = [];
    const retriever: Retriever = {
      id: 'opaque',
      search: async (query) => {
        searched.push(query);
        return [{ id: 'x', score: 1, rank: 1 }];
      },
    };
    const pipeline = {
      reasoner: new FixedReasoner({ text: 'oak' }),
      combine: combineNamed('rrf'),
      retriever,
    };
    const { searches, hits } = await answer(pipeline, 'ash', { k });
    expect(searched).toEqual(['ash', 'oak']);
    expect(searches).toEqual([
      { from: 'query', text: 'ash' },
      { from: 'reasoned', text: 'oak', reasoner: 'fixed' },
    ]);
    expect(ids(hits)).toEqual(['x']);
  });
});
