import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { endedEarly } from '../reason/early-end.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from '../reason/reasoner.ts';
import { SeveralReasoner } from '../reason/several.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { Background } from './background.ts';
import { combineNamed } from './combine.ts';
import { defaultEarlyStop } from './early-stop.ts';
import type { GateDecision } from './gate.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { answer } from './pipeline.ts';
import { reasoningAbout } from './reasoning.ts';
import type { ReasoningPlan } from './reasoning-plan.ts';
import { StableRanking } from './stable-ranking.ts';

const folder = temporaryFolder();
const earlyStop = { ...defaultEarlyStop, every: 3, overlap: 1, checks: 2 };
const ash = 'ash oak elm '.repeat(40);
const cedar = `${'hazel '.repeat(10)}${'cedar elm maple '.repeat(40)}`;
let index: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, someTexts, 'whitespace', { store: true });
});
afterAll(() => index?.close());

/** Says a text, ended where it is enough, and remembers how it was asked. */
class SayingReasoner implements Reasoner {
  readonly id = 'saying';
  readonly takesPassages = true;
  readonly asked: ReasonOptions[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    this.asked.push(options);
    return endedEarly(reasonedQuery(query, { reasoner: this.id, text: this.#text }), options.enough);
  }

  async close(): Promise<void> {}
}

function planOf(reasoner: Reasoner, more: Partial<ReasoningPlan> = {}): ReasoningPlan {
  const retriever = new LexicalRetriever(index, 'bm25');
  return { reasoner, combine: combineNamed('replace'), retriever, ...more };
}

/** Where a text alone is enough. */
async function endOf(text: string, beside?: string): Promise<number> {
  const watch = new StableRanking(new LexicalRetriever(index, 'bm25'), earlyStop, { beside });
  return (await watch.enough(text))!.length;
}

describe('a gate', () => {
  const decision: GateDecision = { reasons: false, why: 'one document stands out', facts: { margin: 0.8 } };

  it('that says no has nothing asked, and says why the question stands alone', async () => {
    const saying = new SayingReasoner(ash);
    const gate = { decide: async () => decision };
    const plan = planOf(saying, { gate, earlyStop, rounds: { count: 2 } });
    const found = await answer(plan, 'ash cedar', { k: 5 });
    expect(saying.asked).toHaveLength(0);
    expect(found).toMatchObject({ gate: decision, searches: [{ from: 'query' }] });
    expect(found.reasoned).toMatchObject({
      text: '',
      finish: 'skipped',
      skipped: 'one document stands out',
      completionTokens: 0,
      reasoner: 'saying',
    });
    expect([found.rounds, found.probing]).toEqual([undefined, undefined]);
  });

  it('that says yes is told of, and knows what is excluded', async () => {
    const seen: unknown[] = [];
    const gate: ReasoningPlan['gate'] = {
      decide: async (query, { id }, options) => {
        seen.push(query, id, options?.excluded);
        return { ...decision, reasons: true };
      },
    };
    const plan = planOf(new SayingReasoner(ash), { gate });
    const { reasoned, gate: told } = await reasoningAbout(plan, 'why', { excluded: ['d1'] });
    expect(told?.reasons).toBe(true);
    expect(reasoned.text).toBe(ash);
    expect(seen).toEqual(['why', 'bm25', ['d1']]);
  });
});

describe('a text that is watched while it comes', () => {
  it('ends early, and says why and how often the ranking was looked at', async () => {
    const { reasoned, probing } = await reasoningAbout(planOf(new SayingReasoner(ash), { earlyStop }), 'why');
    expect(reasoned).toMatchObject({ finish: 'early', text: ash.slice(0, await endOf(ash)) });
    expect(reasoned.cuts).toMatchObject([
      { kind: 'stable', why: expect.stringContaining('2 looks'), text: '' },
    ]);
    expect(probing?.probes).toBe(3);
  });

  it('is not told twice why it ended, where the reasoner says so', async () => {
    const cut = { kind: 'stable', why: 'as I was told', text: 'the rest' } as const;
    const inner = new SayingReasoner(ash);
    const telling: Reasoner = {
      id: 'telling',
      reason: async (query, options) => ({ ...(await inner.reason(query, options)), cuts: [cut] }),
      close: async () => undefined,
    };
    const { reasoned } = await reasoningAbout(planOf(telling, { earlyStop }), 'why');
    expect(reasoned).toMatchObject({ finish: 'early', cuts: [cut] });
    expect(reasoned.cuts).toHaveLength(1);
  });

  it('is whole, without a cut, where it never is enough', async () => {
    const plan = planOf(new SayingReasoner(ash), { earlyStop: { ...earlyStop, checks: 999 } });
    const { reasoned, probing } = await reasoningAbout(plan, 'why');
    expect(reasoned).toMatchObject({ finish: 'stop', text: ash });
    expect(reasoned.cuts).toBeUndefined();
    expect(probing?.probes).toBe(40);
    const unwatched = await reasoningAbout(planOf(new SayingReasoner(ash)), 'why');
    expect(unwatched.probing).toBeUndefined();
  });

  it('is looked at together with the query that it is concatenated with, and without excluded documents', async () => {
    const combine = combineNamed('concat:2');
    const saying = new SayingReasoner(cedar);
    const { reasoned } = await reasoningAbout(planOf(saying, { combine, earlyStop }), 'ash oak');
    expect(reasoned.text).toBe(cedar.slice(0, await endOf(cedar, 'ash oak ash oak ')));
    const all = Object.keys(someTexts);
    const none = await reasoningAbout(planOf(new SayingReasoner(ash), { earlyStop }), 'why', {
      excluded: all,
    });
    expect(none.reasoned.finish).toBe('stop');
  });

  it('of several is watched each by itself, with ends and reasons of their own', async () => {
    const several = new SeveralReasoner('join:a,b,c', [
      { reasoner: new SayingReasoner(ash), sample: 0 },
      { reasoner: new SayingReasoner(cedar), sample: 0 },
      { reasoner: new SayingReasoner('ash'), sample: 0 },
    ]);
    const { reasoned, probing } = await reasoningAbout(planOf(several, { earlyStop }), 'why');
    const [ofAsh, ofCedar] = [await endOf(ash), await endOf(cedar)];
    expect(reasoned.parts?.map(({ text }) => text)).toEqual([
      ash.slice(0, ofAsh),
      cedar.slice(0, ofCedar),
      'ash',
    ]);
    expect(reasoned.parts?.map(({ finish, cuts = [] }) => [finish, cuts.map(({ kind }) => kind)])).toEqual([
      ['early', ['stable']],
      ['early', ['stable']],
      ['stop', []],
    ]);
    expect(reasoned.cuts).toHaveLength(2);
    const probes = [ash, cedar].map(async (text) => {
      const watch = new StableRanking(new LexicalRetriever(index, 'bm25'), earlyStop);
      await watch.enough(text);
      return watch.probes;
    });
    expect(probing?.probes).toBe((await probes[0]) + (await probes[1]));
  });

  it('is watched anew in each round', async () => {
    const saying = new SayingReasoner(ash);
    const plan = planOf(saying, { earlyStop, rounds: { count: 2, passages: 1 } });
    const { rounds = [], probing } = await reasoningAbout(plan, 'why');
    const end = await endOf(ash);
    expect(rounds.map(({ reasoned }) => reasoned.text.length)).toEqual([end, end]);
    expect(probing?.probes).toBe(6);
    expect(new Set(saying.asked.map(({ enough }) => enough)).size).toBe(2);
  });
});

it.each([
  { combine: combineNamed('interpolate:0.5') },
  { keyTerms: 0.2 },
  { background: Background.of(['elm'], analyzerNamed('whitespace')) },
  { join: 'interpolate' as const },
])('nothing is asked where %o needs term weights and the retriever has none', async (planned) => {
  let asked = 0;
  const counting: Reasoner = {
    id: 'counting',
    reason: async (query) => {
      asked++;
      return reasonedQuery(query, { text: 'elm' });
    },
    close: async () => {},
  };
  const members = [0, 1].map((sample) => ({ reasoner: counting, sample }));
  const reasoner = new SeveralReasoner('2*counting', members);
  const retriever = { id: 'dense', search: async () => [] };
  const plan = { combine: combineNamed('replace'), reasoner, retriever, ...planned };
  await expect(reasoningAbout(plan, 'ash')).rejects.toMatchObject({ code: 'USAGE' });
  expect(asked).toBe(0);
});
