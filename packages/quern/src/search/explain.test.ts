import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someQuery, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { scorings, type Scoring } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { NoReasoner } from '../reason/none.ts';
import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { Rm3Reasoner } from '../reason/rm3.ts';
import { SeveralReasoner } from '../reason/several.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { Background } from './background.ts';
import { combineNamed } from './combine.ts';
import { explainAnswer, type Explanation } from './explain.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { answer, type Answer, type Pipeline } from './pipeline.ts';

const folder = temporaryFolder();
let index: LexicalIndex;
let stored: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
  stored = await indexOf(folder, someTexts, 'whitespace', { store: true });
});
afterAll(async () => {
  await index?.close();
  await stored?.close();
});

async function explained(
  query: string,
  reasoner: Reasoner,
  combine: string,
  scoring: Scoring = 'bm25',
): Promise<{ answered: Answer; explanation: Explanation }> {
  const retriever = new LexicalRetriever(index, scoring);
  const pipeline = { reasoner, combine: combineNamed(combine), retriever };
  const answered = await answer(pipeline, query, { k: 10 });
  return { answered, explanation: explainAnswer(answered, retriever) };
}

function saying(text: string): Reasoner {
  const none = new NoReasoner();
  const reason = async (query: string): Promise<ReasonedQuery> => ({ ...(await none.reason(query)), text });
  return { id: 'saying', reason, close: () => none.close() };
}

describe.each(scorings)('an explanation with %s', (scoring) => {
  it.each(['replace', 'concat:2', 'interpolate:0.3'])(
    'of %s has shares that add up to scores',
    async (combine) => {
      await fc.assert(
        fc.asyncProperty(someQuery, someQuery, async (query, text) => {
          const { answered, explanation } = await explained(query, saying(text), combine, scoring);
          expect(explanation.hits.map(({ id }) => id)).toEqual(answered.hits.map(({ id }) => id));
          for (const [i, { terms }] of explanation.hits.entries()) {
            const sum = terms.reduce((total, { share }) => total + share, 0);
            expect(Math.abs(Math.fround(sum) / answered.hits[i]!.score - 1)).toBeLessThan(1e-6);
          }
        }),
      );
    },
  );

  it('of rm3 has shares that add up to scores', async () => {
    const { answered, explanation } = await explained(
      'ash elm',
      new Rm3Reasoner(index, scoring),
      'replace',
      scoring,
    );
    expect(answered.hits.length).toBe(10);
    for (const [i, { terms }] of explanation.hits.entries()) {
      const sum = terms.reduce((total, { share }) => total + share, 0);
      expect(Math.abs(Math.fround(sum) / answered.hits[i]!.score - 1)).toBeLessThan(1e-6);
    }
  });
});

describe('an explanation', () => {
  it('tells where each term comes from', async () => {
    const { explanation } = await explained('ash oak', saying('oak elm yew'), 'concat:1');
    const [search] = explanation.searches;
    expect(search!.from).toBe('both');
    expect(search!.text).toBe('ash oak oak elm yew');
    // `yew` is in no document, so it is not searched.
    expect(search!.terms.map(({ term, weight, origin }) => [term, weight, origin])).toEqual([
      ['oak', 2, 'both'],
      ['ash', 1, 'query'],
      ['elm', 1, 'reasoned'],
    ]);
    for (const { term, documents } of search!.terms) expect(documents).toBe(index.documentFrequency(term));
    const origins = new Map(search!.terms.map(({ term, origin }) => [term, origin]));
    for (const { terms } of explanation.hits) {
      for (const { term, origin } of terms) expect(origin).toBe(origins.get(term));
    }
  });

  it('of a query without a reasoned one has no term from elsewhere', async () => {
    const { explanation } = await explained('ash oak', new NoReasoner(), 'replace');
    expect(explanation.searches.map(({ from }) => from)).toEqual(['query']);
    expect(explanation.searches[0]!.terms.map(({ origin }) => origin)).toEqual(['query', 'query']);
  });

  it('of a reasoned query alone knows which of its terms the query had', async () => {
    const { explanation } = await explained('ash oak', saying('oak elm'), 'replace');
    expect(explanation.searches[0]!.terms.map(({ term, origin }) => [term, origin])).toEqual([
      ['elm', 'reasoned'],
      ['oak', 'both'],
    ]);
  });

  it('of two fused searches shows both, and the ranks that add up to the score', async () => {
    const { answered, explanation } = await explained('ash', saying('elm'), 'rrf');
    expect(explanation.searches.map(({ from, text }) => [from, text])).toEqual([
      ['query', 'ash'],
      ['reasoned', 'elm'],
    ]);
    const retriever = new LexicalRetriever(index, 'bm25');
    const byAsh = await retriever.search('ash', { k: 1000 });
    for (const [i, { id, score }] of answered.hits.entries()) {
      const { terms, ranks = [] } = explanation.hits[i]!;
      expect(terms).toEqual([]);
      for (const { from, search } of ranks) expect(explanation.searches[search].from).toBe(from);
      expect(ranks.find(({ from }) => from === 'query')?.rank).toBe(byAsh.find((hit) => hit.id === id)?.rank);
      expect(ranks.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(score, 7);
    }
  });

  it('lists terms by weight and shares by size, the largest first', async () => {
    const { explanation } = await explained('ash ash ash oak elm elm', saying('oak'), 'concat:1', 'bm25q');
    const weights = explanation.searches[0]!.terms.map(({ weight }) => weight);
    expect(weights).toEqual(weights.toSorted((a, b) => b - a));
    for (const { terms } of explanation.hits) {
      const shares = terms.map(({ share }) => share);
      expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    }
  });

  it('says how each search went about it, as it would for as many hits', async () => {
    const { answered, explanation } = await explained('oak elm', saying('oak'), 'rrf');
    expect(answered.depth).toBe(1000);
    expect(explanation.searches.map(({ plan }) => plan?.segments)).toEqual(
      answered.searches.map(({ weights }) => index.plan(weights!, { k: 1000 }).segments),
    );
    expect(explanation.searches[0].plan?.segments).toMatchObject([
      { path: 'exhaustive', terms: 2, documents: 60 },
    ]);
  });
});

/** Says one text after the other. */
function sayingInTurn(...texts: string[]): Reasoner {
  const none = new NoReasoner();
  const reason = async (query: string): Promise<ReasonedQuery> => ({
    ...(await none.reason(query)),
    reasoner: 'turns',
    finish: 'stop',
    text: texts.shift() ?? '',
  });
  return { id: 'turns', takesPassages: true, reason, close: () => none.close() };
}

async function explainedPlan(
  query: string,
  reasoner: Reasoner,
  more: Partial<Pipeline>,
): Promise<Explanation> {
  const retriever = new LexicalRetriever(stored, 'bm25');
  const pipeline = { reasoner, combine: combineNamed('replace'), retriever, ...more };
  const answered = await answer(pipeline, query, { k: 10 });
  return explainAnswer(answered, retriever, { background: more.background });
}

function originsOf({ searches }: Explanation): Record<string, string> {
  return Object.fromEntries(searches.flatMap(({ terms }) => terms.map(({ term, origin }) => [term, origin])));
}

describe('an explanation of what was reasoned in other ways', () => {
  it('knows what a model wrote only after it was shown passages', async () => {
    const rounds = { count: 2, passages: 1 };
    const explanation = await explainedPlan('ash oak', sayingInTurn('elm oak', 'elm cedar ash'), { rounds });
    expect(originsOf(explanation)).toEqual({ elm: 'reasoned', oak: 'both', cedar: 'feedback', ash: 'both' });
    const once = await explainedPlan('ash', sayingInTurn('elm'), { rounds: { count: 1 } });
    expect(originsOf(once)).toEqual({ elm: 'reasoned' });
  });

  it('knows what RM3 learnt from documents, also beside another reasoner', async () => {
    const weights = new Map([
      ['ash', 1],
      ['cedar', 1],
    ]);
    const learning: Reasoner = {
      id: 'learning',
      reason: async (query) => ({ ...(await sayingInTurn('').reason(query)), reasoner: 'learning', weights }),
      close: async () => undefined,
    };
    expect(originsOf(await explainedPlan('ash', learning, {}))).toEqual({ ash: 'query', cedar: 'feedback' });
    const both = new SeveralReasoner('join:all', [
      { reasoner: learning, sample: 0 },
      { reasoner: sayingInTurn('elm ash'), sample: 0 },
    ]);
    const explanation = await explainedPlan('ash', both, { join: 'rrf' });
    expect(originsOf(explanation)).toEqual({ ash: 'both', cedar: 'feedback', elm: 'reasoned' });
    expect(explanation.searches.map(({ reasoner }) => reasoner)).toEqual(['learning', 'turns']);
  });

  it('names the words of a text that no document has, once each, in their order', async () => {
    const { searches } = await explainedPlan('ash', sayingInTurn('yew elm zelkova yew'), {});
    expect(searches[0].unknown).toEqual(['yew', 'zelkova']);
    const plain = await explainedPlan('yew ash', sayingInTurn(''), {});
    expect(plain.searches[0].unknown).toEqual(['yew']);
  });

  it('tells how key terms were raised, and only where they were', async () => {
    const raised = await explainedPlan('hazel', sayingInTurn('elm oak'), { keyTerms: 0.4 });
    expect(raised.searches[0].kept).toEqual({ terms: ['hazel'], before: 0, after: 0.4 });
    const had = await explainedPlan('hazel', sayingInTurn('elm hazel'), { keyTerms: 0.4 });
    expect('kept' in had.searches[0]).toBe(false);
  });

  it('tells what the background multiplied each weight by, but not for the question', async () => {
    const background = Background.of(['elm', 'elm oak'], analyzerNamed('whitespace'), 1);
    const { searches } = await explainedPlan('ash', sayingInTurn('elm cedar'), {
      background,
      combine: combineNamed('rrf'),
    });
    const factors = searches.map(({ terms }) => terms.map((each) => [each.term, each.background]));
    expect(factors).toEqual([
      [['ash', undefined]],
      [
        ['cedar', 1],
        ['elm', background.factor('elm')],
      ],
    ]);
    for (const { weight, background: factor } of searches[1].terms) expect(weight).toBe(factor);
  });
});
