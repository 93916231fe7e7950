import { describe, expect, it } from 'vitest';
import type { LogTraffic } from '../collections/log-collection.ts';
import { defaultClickRules } from '../collections/click-levels.ts';
import { defaultLogRules } from '../collections/query-log-filters.ts';
import type { QueryLogFacts } from '../collections/query-log.ts';
import { joinedReasoned } from '../reason/joined-reasoned.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import type { Evaluation, TopicAnswer } from './evaluation.ts';
import { evaluateRun, parseMeasures } from './measures.ts';
import { reasoningCost } from './reasoning-cost.ts';
import { trafficSection } from './report-traffic.ts';
import { bootstrapInterval } from './statistics.ts';
import { trafficReport, weightedIntervals } from './traffic.ts';

const facts: QueryLogFacts = {
  rows: 120,
  searches: 120,
  split: 'all',
  cut: null,
  rules: defaultLogRules,
  clickRules: defaultClickRules,
  leftOut: [{ fault: 'searches a day', searches: 20, sessions: 1 }],
  elsewhere: 0,
  seen: null,
  kept: { queries: 5, searches: 100 },
  clicks: 70,
  clicksOnUnknown: 3,
  clicksWithoutPosition: 0,
};

/** Four queries that were searched for 40, 20, 10 and 10 times, and 20 searches of one that nothing is known of. */
const traffic: LogTraffic = {
  facts,
  judged: new Map([
    ['a', { searches: 40, spellings: 4 }],
    ['b', { searches: 20, spellings: 2 }],
    ['c', { searches: 10, spellings: 1 }],
    ['d', { searches: 10, spellings: 1 }],
  ]),
  unknown: { queries: 1, searches: 20, spellings: 2 },
  judgements: { documents: 4, bySingleClick: 1 },
};
const qrels = new Map([...traffic.judged.keys()].map((id) => [id, new Map([[`${id} good`, 3]])]));

function answered(topic: string, told: Partial<ReasonedQuery> = {}): TopicAnswer {
  return {
    topic: { id: topic, text: topic, excluded: [] },
    query: topic,
    reasoned: {
      query: topic,
      text: 'reasoned',
      reasoner: 'thinker',
      finish: 'stop',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: 0,
      cached: false,
      ...told,
    },
    combine: 'replace',
    retriever: 'bm25',
    searches: [],
    depth: 10,
    milliseconds: { reason: 0, search: 0 },
  };
}

/** An evaluation in which the good document of each topic stands at a rank, below others that `run` alone has. */
function evaluation(name: string, ranks: Readonly<Record<string, number>>): Evaluation {
  const rankings = new Map(
    Object.entries(ranks).map(([id, at]) => [
      id,
      Array.from({ length: 10 }, (_, i) => ({
        id: i + 1 === at ? `${id} good` : `${name} ${id} ${i}`,
        score: 10 - i,
        rank: i + 1,
      })),
    ]),
  );
  const run = { name, rankings };
  return {
    collection: 'log',
    run,
    measures: evaluateRun(run, qrels, parseMeasures(['ndcg@10'])),
    answers: Object.keys(ranks).map((id) => answered(id)),
    milliseconds: { reason: 0, search: 0, total: 0 },
  };
}

const baseline = evaluation('bm25', { a: 3, b: 1, c: 2, d: 5 });
/** It helps `a`, hurts `b`, and leaves the others as they are. */
const thinker = evaluation('<b>thinker</b>', { a: 1, b: 2, c: 2, d: 5 });

describe('the report on traffic', () => {
  const report = trafficReport({ traffic, qrels, baseline, others: [thinker] });
  const [reasoner] = report.reasoners;

  it('counts a query as often as it was searched for', () => {
    expect(report.judged).toEqual({ queries: 4, searches: 80, ofAll: 0.8 });
    expect(report.unknown).toEqual({ queries: 1, searches: 20, ofAll: 0.2 });
    expect(reasoner.helped).toMatchObject({ queries: 1, searches: 40, ofJudged: 0.5, ofAll: 0.4 });
    expect(reasoner.hurt).toMatchObject({ queries: 1, searches: 20, ofJudged: 0.25, ofAll: 0.2 });
    expect(reasoner.same).toMatchObject({ queries: 2, searches: 20, ofJudged: 0.25, ofAll: 0.2 });
    const gains = 40 * (1 - 1 / 2) + 20 * (1 / Math.log2(3) - 1);
    expect(reasoner.difference).toBeCloseTo(gains / 80, 12);
    expect(reasoner.mean).toBeCloseTo(report.baselineMean + reasoner.difference, 12);
  });

  it('has intervals around its shares, and is the same each time', () => {
    for (const { ofJudged, interval } of [reasoner.helped, reasoner.same, reasoner.hurt]) {
      expect(interval.low).toBeLessThanOrEqual(ofJudged);
      expect(interval.high).toBeGreaterThanOrEqual(ofJudged);
    }
    expect(trafficReport({ traffic, qrels, baseline, others: [thinker] })).toEqual(report);
  });

  it('says how many of the first hits nobody can have clicked', () => {
    expect(reasoner.newInFirstTen).toBeCloseTo(0.9, 12);
    expect(report.caveats.join(' ')).toContain('90 % are not among those of bm25');
  });

  it('counts one document in the singular', () => {
    const one = { ...report, judgements: { ...report.judgements, documents: 1 } };
    expect(trafficSection(one).source).toContain('on 1 document<');
    expect(trafficSection(report).source).toContain('on 4 documents<');
  });

  it('becomes a section of a page whose texts are escaped', () => {
    const { source } = trafficSection(report);
    expect(source).toContain('&lt;b&gt;thinker&lt;/b&gt;');
    expect(source).not.toContain('<b>thinker');
    for (const caveat of report.caveats.slice(0, 3)) expect(source).toContain(caveat);
    expect(source).toContain('more than 100 searches a day: 1 session');
    expect(trafficSection(trafficReport({ traffic, qrels, baseline, others: [] })).source).toContain(
      'Position bias',
    );
  });
});

describe('the cost of reasoning', () => {
  it('is what each search takes, and what each spelling takes once', () => {
    const told = { promptTokens: 100, completionTokens: 400, milliseconds: 2000 };
    const answers = ['a', 'b', 'c', 'd'].map((id) =>
      answered(id, { ...told, cost: { amount: 0.01, currency: 'USD' } }),
    );
    const cost = reasoningCost(answers, traffic);
    // 100 searches in 10 spellings.
    expect(cost.completionTokens).toEqual({
      perThousand: 400_000,
      perThousandCached: 40_000,
      all: 40_000,
      allCached: 4000,
      queries: 4,
    });
    expect(cost.promptTokens?.all).toBe(10_000);
    expect(cost.milliseconds?.allCached).toBe(20_000);
    expect(cost.money[0].currency).toBe('USD');
    expect(cost.money[0].all).toBeCloseTo(1, 12);
    expect(cost.money[0].allCached).toBeCloseTo(0.1, 12);
  });

  it('weighs queries by their searches, and puts the mean of the known ones to the others', () => {
    const answers = [
      answered('a', { completionTokens: 100 }),
      answered('b', { completionTokens: 400 }),
      answered('c', { cached: true }),
      answered('d', { cached: true }),
    ];
    const { completionTokens } = reasoningCost(answers, traffic);
    expect(completionTokens).toMatchObject({ queries: 2, all: ((100 * 40 + 400 * 20) / 60) * 100 });
    expect(completionTokens?.allCached).toBeCloseTo(((100 * 4 + 400 * 2) / 6) * 10, 9);
  });

  it('is not known of what was recorded before, but for its tokens where these were recorded as well', () => {
    const recorded = ['a', 'b', 'c', 'd'].map((id) => answered(id, { cached: true }));
    expect(reasoningCost(recorded, traffic)).toEqual({
      promptTokens: null,
      completionTokens: null,
      milliseconds: null,
      money: [],
    });
    const cached = ['a', 'b', 'c', 'd'].map((id) =>
      answered(id, { cached: true, completionTokens: 7, cost: { amount: 0, currency: 'USD' } }),
    );
    expect(reasoningCost(cached, traffic)).toMatchObject({
      completionTokens: { all: 700 },
      milliseconds: null,
      money: [],
    });
  });
});

function usd(amount: number): Pick<ReasonedQuery, 'cost'> {
  return { cost: { amount, currency: 'USD' } };
}

describe('the cost of reasoning in several calls about a query', () => {
  const call: ReasonedQuery = {
    ...answered('a').reasoned,
    promptTokens: 10,
    completionTokens: 30,
    milliseconds: 50,
  };
  const inRounds = (rounds: readonly ReasonedQuery[]): TopicAnswer[] =>
    ['a', 'b', 'c', 'd'].map((id) => ({
      ...answered(id, { ...joinedReasoned(id, 'thinker', rounds), parts: undefined }),
      rounds: rounds.map((reasoned) => ({ reasoned, passages: [] })),
    }));

  it('is that of all of them', () => {
    const cost = reasoningCost(
      inRounds([
        { ...call, ...usd(0.01) },
        { ...call, ...usd(0.03) },
      ]),
      traffic,
    );
    expect(cost).toMatchObject({ promptTokens: { all: 2000 }, milliseconds: { all: 10_000 } });
    expect(cost.money[0].all).toBeCloseTo(4, 12);
  });

  it('is known in each currency', () => {
    const eur = { cost: { amount: 0.02, currency: 'EUR' } };
    const cost = reasoningCost(
      inRounds([
        { ...call, ...usd(0.01) },
        { ...call, ...eur },
      ]),
      traffic,
    );
    expect(cost.money.map(({ currency }) => currency)).toEqual(['USD', 'EUR']);
    expect(cost.money.map(({ all }) => all)).toEqual([expect.closeTo(1, 12), expect.closeTo(2, 12)]);
  });

  it('is nothing where a gate stood aside', () => {
    const aside = { finish: 'skipped', skipped: 'nqc is 0.3' } as const;
    const told = { promptTokens: 10, completionTokens: 30, ...usd(0.01) };
    const cost = reasoningCost(
      [answered('a', told), answered('b', aside), answered('c', aside), answered('d', aside)],
      traffic,
    );
    expect(cost).toMatchObject({ completionTokens: { all: 1500, queries: 4 }, money: [{ queries: 4 }] });
    expect(cost.money[0].all).toBeCloseTo(0.5, 12);
  });

  it('is not known where a part of it is not', () => {
    const recorded = { ...call, cached: true, promptTokens: 0, completionTokens: 0, ...usd(0) };
    const failed = { ...call, text: '', finish: 'failed' as const, promptTokens: 0, completionTokens: 0 };
    for (const part of [recorded, { ...call, uncounted: true as const }, failed]) {
      const cost = reasoningCost(inRounds([{ ...call, ...usd(0.01) }, part]), traffic);
      expect(cost).toMatchObject({ promptTokens: null, money: [] });
    }
    const joined = joinedReasoned('a', 'join:x,y', [call, recorded]);
    expect(reasoningCost([answered('a', joined)], traffic)).toMatchObject({
      completionTokens: null,
      milliseconds: null,
    });
  });
});

describe('weighted bootstrap intervals', () => {
  const values = Array.from({ length: 40 }, (_, i) => Math.sin(i));

  it('are those of the mean where all weigh the same', () => {
    const even = values.map(() => 3);
    const [interval] = weightedIntervals([values], even, { samples: 10_000 });
    const plain = bootstrapInterval(values)!;
    expect(interval.low).toBeCloseTo(plain.low, 12);
    expect(interval.high).toBeCloseTo(plain.high, 12);
  });

  it('cover the weighted mean, and are wider where few weigh much', () => {
    const weights = values.map((_, i) => 1000 / (i + 1) ** 2);
    const total = weights.reduce((sum, each) => sum + each, 0);
    const mean = values.reduce((sum, value, i) => sum + value * weights[i], 0) / total;
    const [even] = weightedIntervals(
      [values],
      values.map(() => 1),
    );
    const [steep] = weightedIntervals([values], weights);
    expect(steep.low).toBeLessThan(mean);
    expect(steep.high).toBeGreaterThan(mean);
    expect(steep.high - steep.low).toBeGreaterThan(even.high - even.low);
  });
});
