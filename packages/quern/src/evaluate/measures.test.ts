import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { compareBytes } from '../byte-order.ts';
import { readTrecQrels, readTrecRun } from '../collections/trec.ts';
import { QuernError } from '../errors.ts';
import {
  type EvaluationSettings,
  evaluateRun,
  formatMeasure,
  parseMeasures,
  topicMeasures,
} from './measures.ts';

/** Hits in the given order. */
function ranking(...ids: string[]) {
  return ids.map((id, i) => ({ id, score: -i }));
}

/** The value of the measure `name` for a ranking of documents and their judgements. */
function value(
  name: string,
  ids: string[],
  judgements: Record<string, number>,
  settings: EvaluationSettings = {},
) {
  const measures = parseMeasures([name]);
  return topicMeasures(measures, ranking(...ids), new Map(Object.entries(judgements)), settings)[
    measures[0]!.name
  ]!;
}

const everyMeasure = parseMeasures([
  'ndcg,ndcg_cut,map,map_cut,P,recall,relative_P,success,recip_rank,Rprec,bpref',
  'set_P,set_recall,set_relative_P,set_map,set_F,num_q,num_ret,num_rel,num_rel_ret',
]);

describe('measures', () => {
  it('are these for a ranking worked out by hand', () => {
    // Relevant: a (3), c, e (1), x (2, missed); d judged not relevant; b unjudged; n pooled but unjudged.
    const ids = ['b', 'a', 'd', 'c', 'n', 'e'];
    const judgements = { a: 3, c: 1, d: 0, e: 1, n: -1, x: 2 };
    const log = Math.log2;
    const expected: Record<string, number> = {
      'P@3': 1 / 3,
      'P@10': 0.3,
      'recall@4': 0.5,
      'relative_P@3': 1 / 3,
      'relative_P@10': 0.75,
      'success@1': 0,
      'success@2': 1,
      recip_rank: 0.5,
      Rprec: 0.5,
      map: (1 / 2 + 2 / 4 + 3 / 6) / 4,
      'map@4': (1 / 2 + 2 / 4) / 4,
      bpref: (1 + 0 + 0) / 4,
      'ndcg@2': 3 / log(3) / (3 + 2 / log(3)),
      ndcg: (3 / log(3) + 1 / log(5) + 1 / log(7)) / (3 + 2 / log(3) + 1 / log(4) + 1 / log(5)),
      'ndcg.1=0,2=5': 3 / log(3) / (5 + 3 / log(3)),
      set_P: 0.5,
      set_recall: 0.75,
      set_relative_P: 0.75,
      set_map: 0.375,
      set_F: 0.6,
      'set_F.3': (4 * 0.5 * 0.75) / (3 * 0.5 + 0.75),
      num_q: 1,
      num_ret: 6,
      num_rel: 4,
      num_rel_ret: 3,
    };
    for (const [name, right] of Object.entries(expected))
      expect([name, value(name, ids, judgements)]).toEqual([name, expect.closeTo(right, 12)]);
  });

  it('other than nDCG ask for the relevance level', () => {
    const judgements = { a: 1, b: 2, c: 0 };
    expect(value('map', ['a', 'b'], judgements, { relevanceLevel: 2 })).toBe(0.5);
    expect(value('bpref', ['a', 'b'], judgements, { relevanceLevel: 2 })).toBe(0);
    expect(value('num_rel', ['a', 'b'], judgements, { relevanceLevel: 0 })).toBe(3);
    expect(value('ndcg', ['a', 'b'], judgements, { relevanceLevel: 2 })).toBe(
      value('ndcg', ['a', 'b'], judgements),
    );
  });

  it('look at no document beyond the depth', () => {
    expect(value('num_ret', ['a', 'b', 'c'], { c: 1 }, { depth: 2 })).toBe(2);
    expect(value('recall@3', ['a', 'b', 'c'], { c: 1 }, { depth: 2 })).toBe(0);
    expect(value('set_P', ['a', 'b', 'c'], { a: 1 }, { depth: 2 })).toBe(0.5);
  });

  it('order gains exactly where they are less than 1 apart', () => {
    expect(value('ndcg.1=0.5,2=0.75', ['b', 'a'], { a: 2, b: 1 })).toBeCloseTo(
      (0.5 + 0.75 / Math.log2(3)) / (0.75 + 0.5 / Math.log2(3)),
      12,
    );
    expect(value('ndcg.0=1,1=-1', ['b', 'a'], { a: 0, b: 1 })).toBeCloseTo(-1 + 1 / Math.log2(3), 12);
  });

  it('are all 0 for a topic without relevant documents, and for an empty ranking', () => {
    const counts = { num_q: 1, num_ret: 2 };
    const zero = Object.fromEntries(everyMeasure.map(({ name }) => [name, 0]));
    const of = (ids: string[], levels: [string, number][]) =>
      topicMeasures(everyMeasure, ranking(...ids), new Map(levels));
    expect(
      of(
        ['a', 'b'],
        [
          ['a', 0],
          ['c', -1],
        ],
      ),
    ).toEqual({ ...zero, ...counts });
    expect(of(['a', 'b'], [['a', -1]])).toEqual({ ...zero, ...counts });
    expect(of([], [['a', 1]])).toEqual({ ...zero, num_q: 1, num_rel: 1 });
  });

  it('do not depend on the order or the ranks of the hits they are given', () => {
    const hits = [
      { id: 'a', score: 1, rank: 1 },
      { id: 'c', score: 1, rank: 2 },
      { id: 'b', score: 5, rank: 3 },
    ];
    expect(topicMeasures(parseMeasures(['recip_rank']), hits, new Map([['c', 1]]))).toEqual({
      recip_rank: 0.5,
    });
  });

  it('refuse a document that comes twice, and settings that are no such numbers', () => {
    expect(() => value('map', ['a', 'b', 'a'], { a: 1 })).toThrow('document a comes twice');
    for (const settings of [{ relevanceLevel: -1 }, { relevanceLevel: 0.5 }, { depth: 0 }, { depth: NaN }]) {
      expect(() => value('map', ['a'], { a: 1 }, settings)).toThrow(QuernError);
    }
  });

  const documents = Array.from({ length: 12 }, (_, i) => `d${i}`);
  const topic = fc.record({
    ids: fc.shuffledSubarray(documents),
    judgements: fc.dictionary(fc.constantFrom(...documents), fc.integer({ min: -1, max: 3 }), { minKeys: 1 }),
    relevanceLevel: fc.integer({ min: 0, max: 3 }),
  });

  it('lie between 0 and 1, for any ranking and judgements', () => {
    const means = everyMeasure.filter(({ summary }) => summary === 'mean');
    fc.assert(
      fc.property(topic, ({ ids, judgements, relevanceLevel }) => {
        const values = topicMeasures(means, ranking(...ids), new Map(Object.entries(judgements)), {
          relevanceLevel,
        });
        for (const one of Object.values(values)) {
          expect(one).toBeGreaterThanOrEqual(0);
          expect(one).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('do not change when two unjudged documents, or two of one level, trade places', () => {
    fc.assert(
      fc.property(topic, fc.nat(11), fc.nat(11), ({ ids, judgements, relevanceLevel }, i, j) => {
        const level = (id: string | undefined) => Math.max(-1, judgements[id ?? ''] ?? -1);
        fc.pre(i < ids.length && j < ids.length && level(ids[i]) === level(ids[j]));
        const swapped = ids.with(i, ids[j]!).with(j, ids[i]!);
        const of = (order: string[]) =>
          topicMeasures(everyMeasure, ranking(...order), new Map(Object.entries(judgements)), {
            relevanceLevel,
          });
        expect(of(swapped)).toEqual(of(ids));
      }),
    );
  });

  it('are 1 for the best ranking of a topic that has relevant documents', () => {
    fc.assert(
      fc.property(topic, ({ judgements }) => {
        const best = Object.entries(judgements)
          .filter(([, level]) => level > 0)
          .sort(([, a], [, b]) => b - a);
        fc.pre(best.length > 0);
        const names = [
          'ndcg',
          'ndcg@3',
          'map',
          'recip_rank',
          'Rprec',
          'bpref',
          'set_F',
          'recall@100',
          'relative_P@2',
        ];
        const values = topicMeasures(
          parseMeasures(names),
          ranking(...best.map(([id]) => id)),
          new Map(Object.entries(judgements)),
        );
        for (const one of Object.values(values)) expect(one).toBeCloseTo(1, 12);
      }),
    );
  });

  it('never fall when a document is moved ahead of one of a lower level', () => {
    const ranked = parseMeasures(['ndcg', 'map', 'recip_rank', 'P@3', 'ndcg@5', 'Rprec', 'bpref']);
    fc.assert(
      fc.property(topic, fc.nat(10), ({ ids, judgements }, i) => {
        const level = (id: string | undefined) => judgements[id ?? ''] ?? -1;
        fc.pre(i + 1 < ids.length && level(ids[i]) < level(ids[i + 1]) && level(ids[i + 1]) > 0);
        const better = ids.with(i, ids[i + 1]!).with(i + 1, ids[i]!);
        const of = (order: string[]) =>
          topicMeasures(ranked, ranking(...order), new Map(Object.entries(judgements)));
        const before = of(ids);
        for (const [name, after] of Object.entries(of(better)))
          expect(after).toBeGreaterThanOrEqual(before[name]! - 1e-12);
      }),
    );
  });
});

/** The canonical names of the measures that these texts name. */
const canonicalNames = (...texts: string[]) => parseMeasures(texts).map(({ name }) => name);

describe('names of measures', () => {
  it('are normalised from the spellings of trec_eval, and kept once', () => {
    expect(canonicalNames('ndcg_cut.10', 'ndcg_cut_10', 'ndcg@10')).toEqual(['ndcg@10']);
    expect(canonicalNames('P.5,10', 'recall_100', 'map_cut_30', 'mrr', 'MAP', 'rprec', 'Success.1')).toEqual([
      'P@5',
      'P@10',
      'recall@100',
      'map@30',
      'recip_rank',
      'map',
      'Rprec',
      'success@1',
    ]);
    expect(canonicalNames('ndcg_2=9,1=3,4=4.5', 'set_F.1.0', 'set_F_0.5')).toEqual([
      'ndcg.1=3,2=9,4=4.5',
      'set_F',
      'set_F.0.5',
    ]);
    expect(canonicalNames('success', 'P')).toEqual([
      'success@1',
      'success@5',
      'success@10',
      'P@5',
      'P@10',
      'P@15',
      'P@20',
      'P@30',
      'P@100',
      'P@200',
      'P@500',
      'P@1000',
    ]);
  });

  it('may come in one string', () => {
    expect(canonicalNames('ndcg@10, map,P.5,10 recall@1000,ndcg.1=3,2=9')).toEqual([
      'ndcg@10',
      'map',
      'P@5',
      'P@10',
      'recall@1000',
      'ndcg.1=3,2=9',
    ]);
  });

  it('are read back as themselves', () => {
    const canonical = [...everyMeasure, ...parseMeasures(['ndcg.0=-1,1=.5', 'set_F.0.25'])].map(
      ({ name }) => name,
    );
    expect(canonicalNames(...canonical)).toEqual(canonical);
  });

  it.each([
    'ndgc@10',
    'ndcg@0',
    'P@-5',
    'P@1.5',
    'map@',
    'bpref@5',
    'num_q.3',
    'set_F.x',
    'ndcg.1=',
    'ndcg.1=2,1=3',
    'P@9e9',
    'toString',
    '@5',
    '__proto__',
  ])('such as %s are refused with the list of those that exist', (name) => {
    expect(() => canonicalNames(name)).toThrow(
      expect.objectContaining({
        name: 'QuernError',
        code: 'USAGE',
        message: expect.stringMatching(/ndcg, .*map.*recip_rank.*ndcg@K/),
      }),
    );
  });
});

describe('a run', () => {
  const qrels = new Map([
    ['2', new Map([['a', 1]])],
    ['10', new Map([['a', 0]])],
    ['3', new Map([['a', 1]])],
    ['4', new Map<string, number>()],
  ]);
  const hits = [{ id: 'a', score: 1, rank: 1 }];
  const run = {
    rankings: new Map([
      ['x', hits],
      ['2', hits],
      ['10', hits],
      ['3', []],
    ]),
  };
  const measures = parseMeasures(['map', 'num_rel', 'num_q']);

  it('is averaged over the topics that have both a ranking and judgements', () => {
    expect(evaluateRun(run, qrels, measures)).toEqual({
      perTopic: new Map([
        ['10', { map: 0, num_rel: 0, num_q: 1 }],
        ['2', { map: 1, num_rel: 1, num_q: 1 }],
      ]),
      mean: { map: 0.5, num_rel: 1, num_q: 2 },
      topics: 2,
      topicsWithoutRanking: 1,
      topicsWithoutJudgements: 1,
    });
  });

  it('is averaged over all topics that have judgements if complete, a missing one being 0', () => {
    const { perTopic, mean, topics } = evaluateRun(run, qrels, measures, { complete: true });
    expect([...perTopic.keys()]).toEqual(['10', '2', '3']);
    expect(perTopic.get('3')).toEqual({ map: 0, num_rel: 1, num_q: 1 });
    expect(topics).toBe(3);
    expect(mean).toEqual({ map: 1 / 3, num_rel: 2, num_q: 3 });
  });

  it('that shares no topic with the judgements is an error, not 0', () => {
    const other = { rankings: new Map([['x', hits]]) };
    for (const complete of [false, true]) {
      expect(() => evaluateRun(other, qrels, measures, { complete })).toThrow('no topic has both');
    }
    expect(() => evaluateRun({ rankings: new Map() }, qrels, measures)).toThrow(QuernError);
    expect(() => evaluateRun({ rankings: new Map() }, new Map(), measures, { complete: true })).toThrow(
      QuernError,
    );
    expect(evaluateRun({ rankings: new Map() }, qrels, measures, { complete: true }).mean['map']).toBe(0);
  });
});

describe('printed values', () => {
  it.each([
    [0.03125, '0.0312'],
    [0.09375, '0.0938'],
    [0.15625, '0.1562'],
    [-0.03125, '-0.0312'],
    [0.5, '0.5000'],
    [1, '1.0000'],
    [0.12345, '0.1235'],
    [0.00005, '0.0001'],
    [2 / 3, '0.6667'],
  ])('round %f as C does', (number, text) => {
    expect(formatMeasure({ summary: 'mean' }, number)).toBe(text);
  });

  it('of counts are integers', () => {
    expect(formatMeasure({ summary: 'sum' }, 1500)).toBe('1500');
  });
});

const golden = resolve(import.meta.dirname, '../../test/golden/trec-eval');

describe('against trec_eval 9 on random judgements (test/oracles/statistics/trec_eval_golden.py)', async () => {
  const { measures: names, levels } = JSON.parse(readFileSync(`${golden}/random.json`, 'utf8')) as {
    measures: string[];
    levels: Record<string, Record<string, number[]>>;
  };
  const run = await readTrecRun(`${golden}/random.run`);
  const qrels = await readTrecQrels(`${golden}/random.qrels`);

  it.each(Object.entries(levels))('every value agrees to 1e-12 at relevance level %s', (level, expected) => {
    const measures = names.map((name) => parseMeasures([name])[0]!);
    const { perTopic } = evaluateRun(run, qrels, measures, { relevanceLevel: Number(level) });
    expect([...perTopic.keys()]).toEqual(Object.keys(expected).sort(compareBytes));
    let checked = 0;
    for (const [topic, values] of Object.entries(expected)) {
      for (const [i, right] of values.entries()) {
        const { name } = measures[i]!;
        expect([topic, name, perTopic.get(topic)?.[name]]).toEqual([topic, name, expect.closeTo(right, 12)]);
        checked++;
      }
    }
    expect(checked).toBe(12 * 43);
  });
});

const folder = (name: string) => dataPath(`reference/trec_eval/test/${name}`);

describe.skipIf(!sharedData)('against the expected output of the tests of trec_eval', () => {
  it.each<[string, string, string, EvaluationSettings, number]>([
    ['out.test', 'qrels.test', 'results.test', {}, 17],
    ['out.test', 'qrels.test.with-comments', 'results.test', {}, 17],
    ['out.comment.test', 'qrels.comment.test', 'results.comment.test', {}, 17],
    ['out.test.a', 'qrels.test', 'results.test', {}, 62],
    ['out.test.aq', 'qrels.test', 'results.test', {}, 245],
    ['out.test.aqc', 'qrels.test', 'results.trunc', { complete: true }, 245],
    ['out.test.aqcM', 'qrels.test', 'results.trunc', { complete: true, depth: 100 }, 245],
    ['out.test.aql', 'qrels.rel_level', 'results.test', { relevanceLevel: 2 }, 245],
    ['out.test.meas_params', 'qrels.test', 'results.test', {}, 48],
  ])(
    'every supported line of %s is met to the last digit (%s, %s)',
    async (output, judged, ranked, settings, lines) => {
      const expected = readFileSync(folder(output), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/) as [string, string, string]);
      const known = expected.flatMap(([spelling, topic, text]) => {
        try {
          return parseMeasures([spelling]).map((measure) => ({ measure, topic, text }));
        } catch {
          return [];
        }
      });
      const { perTopic, mean } = evaluateRun(
        await readTrecRun(folder(ranked)),
        await readTrecQrels(folder(judged)),
        known.map(({ measure }) => measure),
        settings,
      );
      for (const { measure, topic, text } of known) {
        const number = (topic === 'all' ? mean : perTopic.get(topic))?.[measure.name];
        expect([topic, measure.name, formatMeasure(measure, number!)]).toEqual([topic, measure.name, text]);
      }
      expect(known.length).toBe(lines);
    },
  );

  it('no line is left out but those of these measures', () => {
    const unsupported = new Set<string>();
    for (const line of readFileSync(folder('out.test.a'), 'utf8').trim().split('\n')) {
      const spelling = line.split(/\s+/)[0]!;
      try {
        parseMeasures([spelling]);
      } catch {
        unsupported.add(spelling.replace(/_[\d.]+$/, ''));
      }
    }
    expect([...unsupported]).toEqual([
      'runid',
      'gm_map',
      'iprec_at_recall',
      'infAP',
      'gm_bpref',
      'Rprec_mult',
      'utility',
      '11pt_avg',
      'binG',
      'G',
      'ndcg_rel',
      'Rndcg',
      'num_nonrel_judged_ret',
      'rbp',
      'rbp_resid',
      'unj',
    ]);
  });
});
