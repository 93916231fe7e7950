import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { TermWeights } from '../collections/records.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { interpolated, meanWeights } from '../lexical/term-weights.ts';
import { joinedReasoned } from '../reason/joined-reasoned.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { Background } from './background.ts';
import { combineNamed } from './combine.ts';
import { joinNamed, joins, type Join } from './join.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { answerReasoned } from './pipeline.ts';
import type { Retriever } from './retriever.ts';
import { searchesFor, type RetrievedWith, type SearchPlanning } from './searches.ts';

const folder = temporaryFolder();
const query = 'ash hazel';
const texts = ['elm oak', 'oak cedar', 'larch elm elm'];
let index: LexicalIndex;
let retriever: LexicalRetriever;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
  retriever = new LexicalRetriever(index, 'bm25');
});
afterAll(() => index?.close());

/** A retriever that knows nothing of terms. */
const plain: Retriever = { id: 'dense', search: async () => [] };
const failedPart = reasonedQuery(query, {
  text: '',
  finish: 'failed',
  failure: { code: 'NETWORK', message: 'no answer' },
});
const emptyPart = reasonedQuery(query, { text: '', finish: 'skipped', reasoner: 'none' });
const weightsPart = reasonedQuery(query, {
  text: '',
  reasoner: 'rm3',
  weights: new Map([
    ['hazel', 3],
    ['elm', 1],
  ]),
});
const allCombinations = ['replace', 'concat:2', 'interpolate:0.3', 'rrf'];

function partsOf(count: number): ReasonedQuery[] {
  return texts.slice(0, count).map((text, i) => reasonedQuery(query, { text, reasoner: `r${i}` }));
}

function searched(
  parts: readonly ReasonedQuery[],
  combine: string,
  join: Join,
  more: Partial<SearchPlanning> = {},
): RetrievedWith[] {
  const reasoned = joinedReasoned(query, 'join:all', parts);
  return searchesFor(query, reasoned, { combine: combineNamed(combine), join, retriever, ...more });
}

/** What one reasoned text comes to with the query, as the combination says. */
function weightsOf(combine: string, text: string): TermWeights {
  const weights = retriever.weights(text);
  if (combine === 'concat:2') return retriever.weights(`${query} ${query} ${text}`);
  return combine === 'interpolate:0.3' ? interpolated(retriever.weights(query), weights, 0.3) : weights;
}

/** Two reasoned queries for a retriever that knows nothing of terms. */
function texted(combine: string, join: Join, more: Partial<SearchPlanning> = {}): RetrievedWith[] {
  return searched(partsOf(2), combine, join, { retriever: plain, ...more });
}

function usage(): Error {
  return expect.objectContaining({ code: 'USAGE' }) as Error;
}

describe.each([1, 2, 3])('%i reasoned queries of one query', (count) => {
  describe.each(allCombinations)('with %s', (combine) => {
    const own = (): TermWeights[] => (combine === 'rrf' ? [retriever.weights(query)] : []);

    it('joined by concat are searched as one text', () => {
      const all = searched(partsOf(count), combine, 'concat');
      const whole = texts.slice(0, count).join('\n\n');
      expect(all.map(({ weights }) => weights)).toEqual([...own(), weightsOf(combine, whole)]);
    });

    it('joined by interpolate are searched by the mean of their weights', () => {
      const all = searched(partsOf(count), combine, 'interpolate');
      const each = texts.slice(0, count).map((text) => weightsOf(combine, text));
      const expected = count === 1 ? each[0] : meanWeights(each);
      expect(all.map(({ weights }) => weights)).toEqual([...own(), expected]);
    });

    it('joined by rrf are searched one by one, each under its name', async () => {
      const all = searched(partsOf(count), combine, 'rrf');
      const each = texts.slice(0, count).map((text) => weightsOf(combine, text));
      expect(all.map(({ weights }) => weights)).toEqual([...own(), ...each]);
      expect(all.flatMap(({ reasoner }) => reasoner ?? [])).toEqual(['r0', 'r1', 'r2'].slice(0, count));
      const planning = { combine: combineNamed(combine), join: 'rrf' as const, retriever };
      const reasoned = joinedReasoned(query, 'join:all', partsOf(count));
      const { rankings, hits } = await answerReasoned(planning, query, reasoned, { k: 20 });
      expect(rankings).toHaveLength(all.length);
      expect(hits.length).toBeGreaterThan(0);
    });

    it.each(joins)('joined by %s are not disturbed by parts that failed or are empty', (join) => {
      const some = partsOf(count);
      const disturbed = [failedPart, ...some, emptyPart];
      const { weights } = searched(disturbed, combine, join).at(-1)!;
      expect(weights).toEqual(searched(some, combine, join).at(-1)!.weights);
    });
  });
});

describe('several reasoned queries', () => {
  it.each(joins)('joined by %s leave the query alone where none of them has a text', (join) => {
    for (const combine of allCombinations) {
      const all = searched([failedPart, emptyPart], combine, join);
      expect(all.map(({ from, text }) => [from, text])).toEqual([['query', query]]);
    }
  });

  it.each(joins)('joined by %s leave out the one whose words are all unknown', (join) => {
    const unknown = reasonedQuery(query, { text: 'yew yew' });
    const all = searched([...partsOf(1), unknown], 'interpolate:0.3', join);
    expect(all.map(({ weights }) => weights)).toEqual([weightsOf('interpolate:0.3', texts[0])]);
  });

  it('of which one yields term weights are interpolated or fused, but not concatenated', () => {
    const parts = [...partsOf(1), weightsPart];
    const mean = meanWeights([retriever.weights(texts[0]), weightsPart.weights!]);
    expect(searched(parts, 'replace', 'interpolate').map(({ weights }) => weights)).toEqual([mean]);
    expect(searched(parts, 'rrf', 'rrf').map(({ reasoner }) => reasoner)).toEqual([undefined, 'r0', 'rm3']);
    expect(() => searched(parts, 'replace', 'concat')).toThrow(usage());
    expect(() => searched(parts, 'concat:1', 'rrf')).toThrow(usage());
    // Alone, it is not concatenated with anything.
    expect(searched([weightsPart, failedPart], 'replace', 'concat').map(({ weights }) => weights)).toEqual([
      weightsPart.weights,
    ]);
  });

  it('cannot be interpolated, weighed or kept where the retriever has no term weights', () => {
    expect(texted('concat:1', 'rrf').map(({ text }) => text)).toEqual([
      `${query} ${texts[0]}`,
      `${query} ${texts[1]}`,
    ]);
    expect(() => texted('replace', 'interpolate')).toThrow(usage());
    expect(() => texted('interpolate:0.5', 'concat')).toThrow(usage());
    expect(() => texted('replace', 'concat', { keyTerms: 0.2 })).toThrow(usage());
    const background = Background.of(['elm'], analyzerNamed('whitespace'));
    expect(() => texted('replace', 'concat', { background })).toThrow(usage());
    expect(() => searched([weightsPart], 'replace', 'concat', { retriever: plain })).toThrow(usage());
  });

  it('keep the key terms of the query in each search but that of the query itself', () => {
    const all = searched(partsOf(2), 'rrf', 'rrf', { keyTerms: 0.4 });
    expect(all.map(({ kept }) => kept?.after)).toEqual([undefined, 0.4, 0.4]);
    for (const { weights } of all.slice(1)) {
      const total = [...weights!.values()].reduce((sum, weight) => sum + weight, 0);
      expect((weights!.get('ash')! + weights!.get('hazel')!) / total).toBeCloseTo(0.4, 9);
    }
  });

  it('are weighed by the background, and the query is not', () => {
    const background = Background.of(['elm ash', 'elm', 'oak'], analyzerNamed('whitespace'), 1);
    const all = searched(partsOf(2), 'rrf', 'rrf', { background });
    expect(all[0].weights).toEqual(retriever.weights(query));
    expect(all[1].weights).toEqual(background.applied(retriever.weights(texts[0])));
    // What RM3 learns is weighed by documents already.
    expect(searched([weightsPart], 'replace', 'concat', { background })[0].weights).toBe(weightsPart.weights);
  });

  it('are lowered by the background with the question where they are one text, and alone where they are not', () => {
    const background = Background.of(['ash hazel elm', 'elm ash', 'ash'], analyzerNamed('whitespace'), 2);
    const parts = [reasonedQuery(query, { text: 'hazel elm oak' })];
    const [one] = searched(parts, 'concat:2', 'concat', { background });
    const both = retriever.weights(`${query} ${query} hazel elm oak`);
    expect(one).toMatchObject({ lowered: true, weights: background.applied(both) });
    const [mixed] = searched(parts, 'interpolate:0.3', 'concat', { background });
    const lowered = background.applied(retriever.weights('hazel elm oak'));
    expect(mixed).toMatchObject({
      lowered: true,
      weights: interpolated(retriever.weights(query), lowered, 0.3),
    });
    expect(searched(parts, 'replace', 'concat')[0].lowered).toBeUndefined();
    const isLowered = (all: ReasonedQuery[]): boolean | undefined =>
      searched(all, 'replace', 'interpolate', { background })[0].lowered;
    expect([isLowered(partsOf(2)), isLowered([...partsOf(1), weightsPart])]).toEqual([true, undefined]);
  });

  it('cannot keep a share that is none', () => {
    for (const share of [1, NaN, -1]) {
      expect(() => searched(partsOf(1), 'replace', 'concat', { keyTerms: share })).toThrow(usage());
    }
  });
});

describe('a way of joining', () => {
  it('is named by a string', () => {
    expect(joins.map(joinNamed)).toEqual(joins);
    for (const name of ['', 'concat:2', 'mean', 'RRF', 'toString']) {
      expect(() => joinNamed(name)).toThrow(usage());
    }
  });
});
