import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { indexOf } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { QuernError } from '../errors.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { BoundedReasoner } from '../reason/bounded.ts';
import { NoReasoner } from '../reason/none.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from '../reason/reasoner.ts';
import { Rm3Reasoner } from '../reason/rm3.ts';
import { SeveralReasoner } from '../reason/several.ts';
import { combineNamed } from './combine.ts';
import { defaultEarlyStop } from './early-stop.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { reasoningAbout } from './reasoning.ts';
import type { Reasoning, ReasoningOptions, ReasoningPlan } from './reasoning-plan.ts';
import { answer } from './pipeline.ts';
import type { Retriever } from './retriever.ts';
import type { Rounds } from './rounds.ts';

const folder = temporaryFolder();
const texts = {
  a: 'ash one first',
  b: 'ash two second',
  c: 'ash elm three third',
  d: 'elm four fourth',
  e: 'oak five fifth',
  f: `${'filler '.repeat(30)}ash six`,
};
let index: LexicalIndex;
let bare: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, texts, 'whitespace', { store: true });
  bare = await indexOf(folder, texts);
});
afterAll(async () => {
  await index?.close();
  await bare?.close();
});

type Line = string | Error | Partial<ReasonedQuery> | 'wait';

/** Says its lines, one a call, and remembers how it was asked; `wait` lasts until it is stopped. */
class ScriptedReasoner implements Reasoner {
  readonly id: string = 'scripted';
  readonly takesPassages = true;
  readonly asked: ReasonOptions[] = [];
  readonly #lines: Line[];

  constructor(...lines: Line[]) {
    this.#lines = lines;
  }

  /** The passages of each call. */
  get shown(): (readonly string[])[] {
    return this.asked.map(({ passages = [] }) => passages);
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    this.asked.push(options);
    const line = this.#lines.shift() ?? 'nothing more';
    if (line instanceof Error) throw line;
    if (line === 'wait') {
      return new Promise((_, reject) => {
        options.signal?.addEventListener('abort', () => reject(new QuernError('ABORTED', 'stopped')));
      });
    }
    const changes = typeof line === 'string' ? { text: line } : line;
    return reasonedQuery(query, {
      reasoner: this.id,
      promptTokens: 70,
      completionTokens: 30,
      milliseconds: 5,
      ...changes,
    });
  }

  async close(): Promise<void> {}
}

function planOf(reasoner: Reasoner, more: Partial<ReasoningPlan> = {}): ReasoningPlan {
  return {
    reasoner,
    combine: combineNamed('replace'),
    retriever: new LexicalRetriever(index, 'bm25'),
    ...more,
  };
}

function about(
  reasoner: Reasoner,
  rounds: Rounds,
  more: Partial<ReasoningPlan> = {},
  options: ReasoningOptions = {},
): Promise<Reasoning> {
  return reasoningAbout(planOf(reasoner, { rounds, ...more }), 'why', options);
}

function idsShown({ rounds = [] }: Reasoning): string[][] {
  return rounds.map(({ passages }) => passages.map(({ id }) => id));
}

/** How often a model is asked where it may take so many tokens; a call takes 100. */
async function callsWithin(tokens: number): Promise<number> {
  const scripted = new ScriptedReasoner('ash', 'elm', 'oak');
  await about(scripted, { count: 3, tokens, passages: 1 });
  return scripted.asked.length;
}

const learnt: Partial<ReasonedQuery> = { text: 'ash^1', weights: new Map([['ash', 1]]) };

function threeReasoners(): SeveralReasoner {
  return new SeveralReasoner('join:x,y,z', [
    { reasoner: new ScriptedReasoner('ash', 'elm'), sample: 0 },
    { reasoner: new ScriptedReasoner('oak', ''), sample: 0 },
    { reasoner: new ScriptedReasoner(learnt, learnt), sample: 0 },
  ]);
}

describe('rounds', () => {
  it('show the best passages for what was written so far, of documents that were not shown', async () => {
    const scripted = new ScriptedReasoner('ash', 'elm', 'oak', 'ash');
    const reasoning = await about(scripted, { count: 4, passages: 2 });
    const ids = idsShown(reasoning);
    expect(ids[0]).toEqual([]);
    expect(ids.slice(1).every((shown) => shown.length > 0 && shown.length <= 2)).toBe(true);
    expect(new Set(ids.flat()).size).toBe(ids.flat().length);
    const retriever = new LexicalRetriever(index, 'bm25');
    const first = (await retriever.search('ash', { k: 2 })).map(({ id }) => id);
    expect(ids[1]).toEqual(first);
    const second = await retriever.search('ash\n\nelm', { k: 2, excluded: first });
    expect(ids[2]).toEqual(second.map(({ id }) => id));
    expect(scripted.shown).toEqual(reasoning.rounds?.map(({ passages }) => passages.map(({ text }) => text)));
    for (const { id, text } of reasoning.rounds!.flatMap(({ passages }) => passages)) {
      expect(texts[id as keyof typeof texts]).toContain(text);
    }
  });

  it('show of long documents as many words as they may', async () => {
    const scripted = new ScriptedReasoner('ash six', 'x');
    await about(scripted, { count: 2, passages: 1, passageWords: 3 });
    expect(scripted.shown[1]).toEqual(['filler ash six']);
  });

  it('show no document without a text', async () => {
    const scripted = new ScriptedReasoner('ash', 'elm');
    const retriever: Retriever = {
      id: 'other',
      search: async () => ['x', 'y', 'z'].map((id, i) => ({ id, score: 3 - i, rank: i + 1 })),
      document: async (id) => ({ x: ' \n', y: 'words of y' })[id],
    };
    const reasoning = await about(scripted, { count: 2, passageWords: 2 }, { retriever });
    expect(reasoning.rounds?.[1].passages).toEqual([{ id: 'y', text: 'words of' }]);
  });

  it('never show documents that are excluded, nor does the reasoner learn from them', async () => {
    const scripted = new ScriptedReasoner('ash', 'ash', 'ash');
    const reasoning = await about(scripted, { count: 3 }, {}, { excluded: ['a', 'c'] });
    expect(idsShown(reasoning).flat().toSorted()).toEqual(['b', 'f']);
    expect(scripted.asked.map(({ excluded }) => excluded)).toEqual([
      ['a', 'c'],
      ['a', 'c'],
    ]);
  });

  it('are searched together, or the last alone, and cost the sum', async () => {
    const all = await about(new ScriptedReasoner('ash', 'elm'), { count: 2 });
    expect(all.reasoned).toMatchObject({
      text: 'ash\n\nelm',
      promptTokens: 140,
      completionTokens: 60,
      milliseconds: 10,
    });
    expect(all.reasoned.parts).toBeUndefined();
    const last = await about(new ScriptedReasoner('ash', 'elm'), { count: 2, keep: 'last' });
    expect(last.reasoned).toMatchObject({ text: 'elm', promptTokens: 140, completionTokens: 60 });
    expect(last.rounds?.map(({ reasoned }) => reasoned.text)).toEqual(['ash', 'elm']);
  });

  it('end when nothing new is found', async () => {
    const scripted = new ScriptedReasoner('oak', 'oak', 'oak', 'oak');
    expect(idsShown(await about(scripted, { count: 4 }))).toEqual([[], ['e']]);
    expect(scripted.asked).toHaveLength(2);
  });

  it('end when prompts and completions have taken the tokens that they may', async () => {
    expect(await callsWithin(100)).toBe(1);
    expect(await callsWithin(101)).toBe(2);
    expect(await callsWithin(200)).toBe(2);
    expect(await callsWithin(201)).toBe(3);
  });

  it('keep what there is where a later one comes too late', async () => {
    for (const bounded of [false, true]) {
      const scripted = new ScriptedReasoner('ash', 'wait');
      const reasoner = bounded ? new BoundedReasoner(scripted) : scripted;
      const reasoning = await about(reasoner, { count: 3, deadline: 300 });
      expect(reasoning.reasoned).toMatchObject({ text: 'ash', finish: 'stop' });
      expect(reasoning.rounds?.map(({ reasoned }) => reasoned.failure?.code)).toEqual([undefined, 'TIMEOUT']);
      expect(scripted.asked.at(-1)?.signal?.aborted).toBe(true);
    }
  });

  it('do not begin after the deadline', async () => {
    const scripted = new ScriptedReasoner('ash', 'elm');
    await about(scripted, { count: 2, deadline: 1e-9 });
    expect(scripted.asked).toHaveLength(1);
  });

  it('do not begin where finding passages took until the deadline', async () => {
    const scripted = new ScriptedReasoner('ash', 'elm');
    const retriever = new LexicalRetriever(index, 'bm25');
    const search = retriever.search.bind(retriever);
    retriever.search = async (...asked) => {
      await setTimeout(250);
      return search(...asked);
    };
    const { reasoned, rounds } = await about(scripted, { count: 3, deadline: 200 }, { retriever });
    expect(reasoned).toMatchObject({ text: 'ash', finish: 'stop' });
    expect(rounds).toHaveLength(1);
    expect(scripted.asked).toHaveLength(1);
  });

  it('keep what there is where a later one fails, and say why', async () => {
    const error = new QuernError('NETWORK', 'gone');
    for (const strict of [false, true]) {
      const scripted = new ScriptedReasoner('ash', error, 'oak');
      const reasoner = new BoundedReasoner(scripted, { strict });
      const { reasoned, rounds = [] } = await about(reasoner, { count: 3, keep: strict ? 'last' : 'all' });
      expect(reasoned).toMatchObject({ text: 'ash', finish: 'stop' });
      expect(reasoned.failure).toBeUndefined();
      expect(rounds.map(({ reasoned: { finish } }) => finish)).toEqual(['stop', 'failed']);
      expect(rounds[1].reasoned.failure).toMatchObject({ code: 'NETWORK' });
      expect(scripted.asked).toHaveLength(2);
    }
  });

  it('throw what the first one throws', async () => {
    const error = new QuernError('NETWORK', 'gone');
    await expect(about(new ScriptedReasoner(error), { count: 2 })).rejects.toBe(error);
    const bounded = new BoundedReasoner(new ScriptedReasoner(error, 'ash'));
    const { reasoned, rounds } = await about(bounded, { count: 2 });
    expect(reasoned).toMatchObject({ finish: 'failed', text: '' });
    expect(rounds).toHaveLength(1);
  });

  it('stop when they are told to, in a later one too', async () => {
    const stop = new AbortController();
    const scripted = new ScriptedReasoner('ash', 'wait');
    const asked = about(scripted, { count: 2 }, {}, { signal: stop.signal });
    await expect.poll(() => scripted.asked.length, { interval: 5 }).toBe(2);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('show what the question finds where the text has nothing to search by', async () => {
    const scripted = new ScriptedReasoner('unknown words', 'elm');
    const plan = planOf(scripted, { rounds: { count: 2, passages: 1 } });
    const { rounds = [] } = await reasoningAbout(plan, 'oak');
    expect(rounds[1].passages).toEqual([{ id: 'e', text: texts.e }]);
  });

  it('need a reasoner that takes passages and an index that has texts, before anything is asked', async () => {
    const rm3 = new Rm3Reasoner(index, 'bm25');
    await expect(about(rm3, { count: 2 })).rejects.toMatchObject({ code: 'USAGE' });
    expect((await about(rm3, { count: 1 })).rounds).toHaveLength(1);
    expect((await about(new NoReasoner(), { count: 2 })).reasoned.finish).toBe('skipped');
    const scripted = new ScriptedReasoner('ash', 'elm');
    const retriever = new LexicalRetriever(bare, 'bm25');
    await expect(about(scripted, { count: 2 }, { retriever })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('--store'),
    });
    expect(scripted.asked).toHaveLength(0);
    expect((await about(scripted, { count: 1 }, { retriever })).reasoned.text).toBe('ash');
  });

  it.each([
    { count: 0 },
    { count: 1.5 },
    { count: 2, passages: 0 },
    { count: 2, passageWords: -1 },
    { count: 2, tokens: NaN },
    { count: 2, deadline: 0 },
    { count: 2, deadline: NaN },
    { count: 2, keep: 'first' as 'last' },
  ])('cannot be %o', async (rounds) => {
    const scripted = new ScriptedReasoner();
    await expect(about(scripted, rounds)).rejects.toMatchObject({ code: 'USAGE' });
    expect(scripted.asked).toHaveLength(0);
  });

  it('of several reasoners are joined as one round of them is', async () => {
    const rounds = { count: 2, passages: 1 };
    const { reasoned } = await reasoningAbout(planOf(threeReasoners(), { rounds, join: 'rrf' }), 'ash');
    expect(reasoned.parts?.map(({ text, weights }) => [text, weights !== undefined])).toEqual([
      ['ash\n\nelm', false],
      ['oak', false],
      ['ash^1', true],
    ]);
    expect(reasoned.text).toBe('ash\n\nelm\n\noak\n\nash^1');
    const plan = planOf(threeReasoners(), { rounds: { ...rounds, keep: 'last' }, join: 'rrf' });
    const answered = await answer(plan, 'ash', { k: 5 });
    expect(answered.searches.map(({ text }) => text)).toEqual(['elm', 'oak', undefined]);
  });

  it('ask again only those of several who take passages, and take each text once', async () => {
    const model = new ScriptedReasoner('ash', 'elm', 'oak');
    const recorded: Reasoner & { asked: number } = {
      id: 'file:x',
      asked: 0,
      reason: async (query) => {
        recorded.asked++;
        return reasonedQuery(query, { text: 'hazel', reasoner: 'file:x' });
      },
      close: async () => {},
    };
    const several = new SeveralReasoner('join:file:x,m', [
      { reasoner: recorded, sample: 0 },
      { reasoner: model, sample: 0 },
    ]);
    for (const earlyStop of [undefined, defaultEarlyStop]) {
      const { reasoned } = await about(several, { count: 2, passages: 1 }, { earlyStop });
      expect(reasoned.parts?.map(({ text }) => text)[0]).toBe('hazel');
      expect(reasoned.text.match(/hazel/g)).toHaveLength(1);
    }
    expect(recorded.asked).toBe(2);
    expect(model.asked).toHaveLength(4);
  });

  it('count the looks at the ranking in a round that fails', async () => {
    const reasoner: Reasoner = {
      id: 'failing',
      takesPassages: true,
      reason: async (query, { enough, passages = [] } = {}) => {
        if (passages.length === 0) return reasonedQuery(query, { text: 'ash' });
        await enough?.('elm oak ash elm ');
        throw new Error('no');
      },
      close: async () => {},
    };
    const earlyStop = { ...defaultEarlyStop, every: 2 };
    const { rounds, probing } = await about(reasoner, { count: 2 }, { earlyStop });
    expect(rounds?.at(-1)?.reasoned.finish).toBe('failed');
    expect(probing?.probes).toBe(2);
  });

  it('show what the searches of all of several find together', async () => {
    const several = new SeveralReasoner('join:x,y', [
      { reasoner: new ScriptedReasoner('four', 'four'), sample: 0 },
      { reasoner: new ScriptedReasoner('five', 'five'), sample: 0 },
    ]);
    const { rounds = [] } = await about(several, { count: 2, passages: 2 }, { join: 'rrf' });
    expect(rounds[1].passages.map(({ id }) => id)).toEqual(['e', 'd']);
  });

  it('keep what some of several say in a round in which others fail or come too late', async () => {
    const error = new QuernError('NETWORK', 'gone');
    for (const [last, code] of [
      ['wait', 'TIMEOUT'],
      [error, 'NETWORK'],
    ] as const) {
      const several = new SeveralReasoner('join:x,y', [
        { reasoner: new ScriptedReasoner('ash', 'elm'), sample: 0 },
        { reasoner: new ScriptedReasoner('oak', last), sample: 0 },
      ]);
      const rounds = { count: 2, passages: 1, deadline: 300 };
      const { reasoned, rounds: asked = [] } = await about(several, rounds);
      expect(reasoned.text).toBe('ash\n\nelm\n\noak');
      expect(asked[1].reasoned.parts?.map(({ failure }) => failure?.code)).toEqual([undefined, code]);
      // Three calls of 100 tokens have ended.
      expect(reasoned.promptTokens + reasoned.completionTokens).toBe(300);
    }
  });
});
