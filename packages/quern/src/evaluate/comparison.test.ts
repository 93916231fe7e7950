import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import type { Run } from '../collections/records.ts';
import { readTrecQrels, readTrecRun } from '../collections/trec.ts';
import { QuernError } from '../errors.ts';
import { comparePaired, compareRuns } from './comparison.ts';
import { evaluateRun, parseMeasures } from './measures.ts';
import { holm } from './statistics.ts';

/** A run whose rankings are the given documents, best first. */
function run(name: string, rankings: Record<string, string[]>): Run {
  return {
    name,
    rankings: new Map(
      Object.entries(rankings).map(([topic, ids]) => [
        topic,
        ids.map((id, i) => ({ id, score: -i, rank: i + 1 })),
      ]),
    ),
  };
}

const qrels = new Map(['1', '2', '3', '4'].map((topic) => [topic, new Map([['good', 1]])]));
const good = run('good', { 1: ['good'], 2: ['good'], 3: ['bad', 'good'], 4: ['good'] });
const poor = run('poor', { 1: ['bad', 'good'], 2: ['good'], 3: ['good'] });
const none = run('none', { 1: ['bad'] });

const negative = (value: number | null) => (value === null ? null : 0 - value);

describe('two runs', () => {
  it('are compared topic by topic, a topic without a ranking counting 0', () => {
    const { comparisons, ...rest } = compareRuns(poor, [good], qrels, parseMeasures(['recip_rank']));
    expect(rest).toEqual({
      baseline: 'poor',
      topics: 4,
      measures: ['recip_rank'],
      runs: [
        { run: 'poor', measure: 'recip_rank', mean: 0.625, interval: { low: 0.25, high: 1 } },
        { run: 'good', measure: 'recip_rank', mean: 0.875, interval: { low: 0.625, high: 1 } },
      ],
    });
    expect(comparisons).toEqual([
      {
        run: 'good',
        measure: 'recip_rank',
        topics: 4,
        baseline: 0.625,
        mean: 0.875,
        difference: 0.25,
        // Differences 0.5, 0, -0.5, 1: standard deviation √(5/12), t(0.975, 3) = 3.18244630528.
        interval: {
          low: expect.closeTo(0.25 - (3.182_446_305_28 * Math.sqrt(5 / 12)) / 2, 9),
          high: expect.closeTo(0.25 + (3.182_446_305_28 * Math.sqrt(5 / 12)) / 2, 9),
        },
        tTest: {
          t: expect.closeTo(0.25 / (Math.sqrt(5 / 12) / 2), 12),
          degreesOfFreedom: 3,
          p: expect.closeTo(0.495, 4),
        },
        // Of ±0.5 ±0.5 ±1, six of the eight sums are at least 1 in size.
        randomisation: { p: 0.75, patterns: 8, exact: true },
        dz: expect.closeTo(0.25 / Math.sqrt(5 / 12), 12),
        wins: 2,
        ties: 1,
        losses: 1,
        adjusted: { tTest: expect.closeTo(0.495, 4), randomisation: 0.75 },
      },
    ]);
  });

  it('have p = 1 and no effect where all topics tie', () => {
    const { comparisons } = compareRuns(poor, [{ ...poor, name: 'again' }], qrels, parseMeasures(['map']));
    expect(comparisons[0]).toMatchObject({
      difference: 0,
      interval: { low: 0, high: 0 },
      tTest: { t: null, p: 1 },
      randomisation: { p: 1 },
      dz: 0,
      wins: 0,
      ties: 4,
      losses: 0,
    });
  });

  it('give the negative of what they give when they change places', () => {
    const values = fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, (pairs) => {
        const a = pairs.map(([value]) => value / 20);
        const b = pairs.map(([, value]) => value / 20);
        const there = comparePaired(a, b, { samples: 200 });
        const back = comparePaired(b, a, { samples: 200 });
        expect(back).toEqual({
          ...there,
          baseline: there.mean,
          mean: there.baseline,
          difference: negative(there.difference),
          interval: there.interval && {
            low: negative(there.interval.high),
            high: negative(there.interval.low),
          },
          tTest: { ...there.tTest, t: negative(there.tTest.t) },
          dz: negative(there.dz),
          wins: there.losses,
          losses: there.wins,
        });
        expect(there.wins + there.ties + there.losses).toBe(there.topics);
      }),
      { numRuns: 300 },
    );
  });

  it('tie on a topic where they differ by rounding alone', () => {
    const { ties, difference, randomisation } = comparePaired([0.1 + 0.2, 0.5], [0.3, 0.5 + 9e-10]);
    expect([ties, difference, randomisation.p]).toEqual([2, 0, 1]);
    expect(comparePaired([0.5], [0.5 + 2e-9]).wins).toBe(1);
  });

  it('give figures that survive JSON, whatever their values', () => {
    const value = fc.constantFrom(0, 0.5, 1, 1 / 3, 1e-12, 1e-8);
    const values = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(values, (pairs) => {
        const compared = comparePaired(
          pairs.map(([a]) => a),
          pairs.map(([, b]) => b),
        );
        expect(JSON.parse(JSON.stringify(compared))).toEqual(compared);
        expect(JSON.stringify(compared)).not.toContain(compared.interval ? 'low":null' : 'NaN');
        for (const p of [compared.tTest.p, compared.randomisation.p]) expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('of no topics, of unlike topics or with values that are no numbers cannot be compared', () => {
    for (const [a, b] of [
      [[], []],
      [[1], [1, 2]],
      [[NaN], [1]],
      [[1], [Infinity]],
    ]) {
      expect(() => comparePaired(a!, b!)).toThrow(QuernError);
    }
  });
});

describe('many runs and measures', () => {
  const measures = parseMeasures(['map', 'P@1']);

  it('are one family: p values are adjusted over all of them', () => {
    const { comparisons, runs } = compareRuns(good, [poor, none], qrels, measures);
    expect(comparisons.map(({ run: name, measure }) => `${name} ${measure}`)).toEqual([
      'poor map',
      'poor P@1',
      'none map',
      'none P@1',
    ]);
    expect(runs).toHaveLength(6);
    const randomised = comparisons.map(({ randomisation }) => randomisation.p);
    expect(comparisons.map(({ adjusted }) => adjusted.randomisation)).toEqual(holm(randomised));
    expect(comparisons.map(({ adjusted }) => adjusted.tTest)).toEqual(
      holm(comparisons.map(({ tTest }) => tTest.p)),
    );
    for (const { randomisation, tTest, adjusted } of comparisons) {
      expect(adjusted.randomisation).toBeGreaterThanOrEqual(randomisation.p);
      expect(adjusted.tTest).toBeGreaterThanOrEqual(tTest.p);
    }
  });

  it("leave a pair's own figures as they are without the others", () => {
    const [alone] = compareRuns(good, [none], qrels, measures).comparisons;
    const among = compareRuns(good, [poor, none], qrels, measures).comparisons[2];
    expect(among).toEqual({ ...alone, adjusted: among!.adjusted });
  });

  it('are refused without runs or measures, with one name twice, and for counts', () => {
    const refused: [Run[], string[]][] = [
      [[], ['map']],
      [[poor], []],
      [[poor, poor], ['map']],
      [[{ ...poor, name: 'good' }], ['map']],
      [[poor], ['map', 'num_ret']],
    ];
    for (const [others, names] of refused) {
      expect(() => compareRuns(good, others, qrels, parseMeasures(names))).toThrow(
        expect.objectContaining({ code: 'USAGE' }),
      );
    }
  });
});

describe.skipIf(!sharedData)('a real run against its own first documents', () => {
  it('loses on every topic that has relevant documents further down, and ties elsewhere', async () => {
    const folder = dataPath('reference/trec_eval/test');
    const judgements = await readTrecQrels(`${folder}/qrels.comment.test`);
    const whole = await readTrecRun(`${folder}/results.comment.test`);
    const cut: Run = {
      name: 'cut',
      rankings: new Map(Array.from(whole.rankings, ([topic, hits]) => [topic, hits.slice(0, 20)])),
    };
    const measures = parseMeasures(['map', 'ndcg@10']);
    const [map, ndcg] = compareRuns(whole, [cut], judgements, measures).comparisons;
    const expected = evaluateRun(whole, judgements, measures, { complete: true }).mean;
    expect(map).toMatchObject({ topics: 31, wins: 0, losses: 30, ties: 1 });
    expect(map!.baseline).toBeCloseTo(expected['map']!, 12);
    expect(map!.mean - map!.baseline).toBeCloseTo(map!.difference, 12);
    expect(map!.tTest.p).toBeLessThan(1e-6);
    expect(map!.randomisation).toEqual({ p: 1 / 100_001, patterns: 100_000, exact: false });
    expect(ndcg).toMatchObject({ ties: 31, tTest: { p: 1 }, randomisation: { p: 1 }, dz: 0 });
  });
});
