import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Qrels, Run, TermWeights, Topic } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { IndexBuilder } from '../lexical/index-builder.ts';
import { LexicalIndex } from '../lexical/lexical-index.ts';
import { NoReasoner } from '../reason/none.ts';
import type { FinishReason, Reasoner } from '../reason/reasoner.ts';
import { combineNamed } from '../search/combine.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { compareRuns } from './comparison.ts';
import { evaluateCollection, type Evaluation } from './evaluation.ts';
import { evaluateRun, parseMeasures } from './measures.ts';
import { buildReport, type ReportInput } from './report.ts';
import { reportHtml } from './report-html.ts';
import { bootstrapInterval } from './statistics.ts';

const documents = {
  mordant: ['Mordants', 'Alum fixes a dye to wool so that washing leaves the colour.'],
  madder: ['Madder', 'The root gives a red dye.'],
  washing: ['', 'Washing a red jumper with white shirts makes the shirts pink.'],
  shears: ['Shears', 'Sheep lose their wool in spring.'],
  tides: ['Tides', 'The moon pulls the sea.'],
};
const topics: Topic[] = [
  { id: 'fade', text: 'My red jumper fades with washing', excluded: [] },
  { id: 'sea', text: 'Why does the sea rise?', excluded: [] },
  { id: 'spring', text: 'Sheep in spring', excluded: [] },
];
const qrels: Qrels = new Map([
  [
    'fade',
    new Map([
      ['mordant', 2],
      ['washing', 0],
      ['lost', 1],
    ]),
  ],
  ['sea', new Map([['tides', 1]])],
  ['spring', new Map([['shears', 1]])],
]);
const reasonedTexts: Record<string, string> = {
  'My red jumper fades with washing':
    'Alum, a mordant, fixes 🐑 the dye to the wool: washing, then. White gives',
  'Why does the sea rise?': '',
  'Sheep in spring': 'Washing shirts white, dye, red, root. Sheep.',
};
const measures = parseMeasures(['ndcg@10', 'recall@2', 'num_ret']);

/** A reasoner whose reasoned queries are at hand. */
function written(texts: Record<string, string>, finish: FinishReason, weights?: TermWeights): Reasoner {
  return {
    id: 'written',
    reason: (query) =>
      Promise.resolve({
        query,
        text: texts[query],
        weights,
        reasoner: 'written',
        finish: texts[query] === '' ? 'failed' : finish,
        promptTokens: 0,
        completionTokens: 0,
        milliseconds: 3,
        cached: false,
      }),
    close: () => Promise.resolve(),
  };
}

let folder: string;
let index: LexicalIndex;
let retriever: LexicalRetriever;
let plain: Evaluation;
let reasoned: Evaluation;
let input: ReportInput;

async function evaluated(name: string, reasoner: Reasoner, combine = 'replace'): Promise<Evaluation> {
  const pipeline = { reasoner, combine: combineNamed(combine), retriever };
  return evaluateCollection({ name: 'dyes', topics, qrels }, pipeline, { name, k: 10, measures });
}

/** A document's rank for the topic `fade`. */
function rankOf({ run }: Evaluation, id: string): number | null {
  return run.rankings.get('fade')!.find((hit) => hit.id === id)?.rank ?? null;
}

/** A run that has one topic, with these documents. */
function bare(name: string, ids: string[]): Run {
  const hits = ids.map((id, i) => ({ id, score: -i, rank: i + 1 }));
  return { name, rankings: new Map([['fade', hits]]) };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quern-report-'));
  const builder = await IndexBuilder.create({
    out: join(folder, 'index'),
    analyzer: analyzerNamed('english'),
    store: true,
  });
  for (const [id, [title, text]] of Object.entries(documents)) await builder.add({ id, title, text }, id);
  await builder.finish();
  index = await LexicalIndex.open(join(folder, 'index'));
  retriever = new LexicalRetriever(index, 'bm25');
  plain = await evaluated('plain', new NoReasoner());
  reasoned = await evaluated('reasoned', written(reasonedTexts, 'length'));
  input = {
    collection: 'dyes',
    qrels,
    measures,
    baseline: plain,
    others: [reasoned],
    retriever,
    document: (id) => index.document(id),
    k: 10,
  };
});

afterAll(async () => {
  await index.close();
  await rm(folder, { recursive: true });
});

describe('a report of two runs', () => {
  it('holds what compareRuns computes, without counts', async () => {
    const report = await buildReport(input);
    const means = measures.slice(0, 2);
    const comparison = compareRuns(plain.run, [reasoned.run], qrels, means);
    expect(report.comparisons).toEqual(comparison.comparisons);
    expect(report.measures).toEqual(['ndcg@10', 'recall@2']);
    expect(report.topics).toEqual(['fade', 'sea', 'spring']);
    expect(report.runs.map(({ name }) => name)).toEqual(['plain', 'reasoned']);
    const { perTopic } = evaluateRun(reasoned.run, qrels, means, { complete: true });
    expect(report.runs[1].values).toEqual(Array.from(perTopic.values(), (values) => values['ndcg@10']));
    expect(report.runs[1].means.map(({ mean }) => mean)).toEqual(
      comparison.runs.filter(({ run }) => run === 'reasoned').map(({ mean }) => mean),
    );
  });

  it('says what ran and how reasoned queries ended', async () => {
    const { runs, scoring, title } = await buildReport(input);
    expect(title).toBe('Evaluation of dyes');
    expect(scoring).toBe('bm25');
    expect(runs[1]).toMatchObject({
      reasoner: 'written',
      combine: 'replace',
      retriever: 'bm25',
      finishes: { length: 2, failed: 1 },
      topicsWithoutRanking: 0,
    });
  });

  it('looks closer at the topics that gained and lost, not at ties', async () => {
    const { highlights } = await buildReport(input);
    expect(highlights).toHaveLength(1);
    expect(highlights[0]).toMatchObject({ run: 'reasoned', against: 'plain' });
    expect(highlights[0].best.map(({ id }) => id)).toEqual(['fade']);
    expect(highlights[0].worst.map(({ id }) => id)).toEqual(['spring']);
    const none = await buildReport({ ...input, topicsShown: 0 });
    expect(none.highlights[0].best).toEqual([]);
  });

  it('shows the hits of both runs, their judgements and where they stand in the other run', async () => {
    const [fade] = (await buildReport(input)).highlights[0].best;
    expect(fade.hits[0]).toMatchObject({
      id: 'mordant',
      rank: 1,
      level: 2,
      relevant: true,
      otherRank: rankOf(plain, 'mordant'),
      caption: 'Mordants',
    });
    const washing = fade.baselineHits!.find(({ id }) => id === 'washing')!;
    expect(washing).toMatchObject({
      level: 0,
      relevant: false,
      otherRank: rankOf(reasoned, 'washing'),
      caption: 'Washing a red jumper with white shirts makes the shirts pink.',
    });
    expect(fade.baselineHits!.find(({ id }) => id === 'madder')).toMatchObject({ level: null });
    expect(fade.relevant).toEqual([
      {
        id: 'mordant',
        level: 2,
        rank: 1,
        baselineRank: rankOf(plain, 'mordant'),
        caption: 'Mordants',
      },
      // The corpus does not have it.
      { id: 'lost', level: 1, rank: null, baselineRank: null, caption: null },
    ]);
    const two = await buildReport({ ...input, hitsShown: 2, document: undefined });
    expect(two.highlights[0].best[0].hits.map(({ caption }) => caption)).toEqual([null, null]);
  });

  it('marks what matches the best relevant document, and what only the best other one', async () => {
    const [fade] = (await buildReport(input)).highlights[0].best;
    const marking = fade.marking!;
    expect(marking.of).toBe('reasoned');
    expect(marking.relevant).toEqual({ id: 'mordant', rank: 1 });
    expect(marking.other).toMatchObject({ id: fade.hits.find(({ relevant }) => !relevant)!.id });
    expect(marking.segments.map(({ text }) => text).join('')).toBe(fade.reasoned!.text);

    const marks = marking.segments.filter(({ mark }) => mark !== undefined);
    const said = (text: string) => marks.find((segment) => segment.text === text);
    expect(said('Alum')).toMatchObject({ term: 'alum', mark: 'relevant', brought: true });
    expect(said('washing')).toMatchObject({ mark: 'relevant', brought: false });
    expect(said('then')).toBeUndefined();
    const other = new Set(
      retriever.shares(retriever.weights(fade.reasoned!.text), marking.other!.id).map(({ term }) => term),
    );
    expect(said('White')?.mark).toBe(other.has('white') ? 'other' : undefined);
    expect(said('gives')?.mark).toBe(other.has('give') ? 'other' : undefined);
    expect(other.has('white') || other.has('give')).toBe(true);

    const shares = retriever.shares(retriever.weights(fade.reasoned!.text), 'mordant');
    const sum = shares.reduce((total, { share }) => total + share, 0);
    const alum = shares.find(({ term }) => term === 'alum')!.share / sum;
    expect(said('Alum')!.share).toBeCloseTo(alum, 12);
    expect(said('Alum')!.strength).toBe(alum >= 0.5 * (shares[0].share / sum) ? 3 : 2);
    expect(marking.terms.find(({ term }) => term === 'alum')).toMatchObject({
      relevantShare: said('Alum')!.share,
      brought: true,
    });
  });

  it('holds a topic against a relevant document that the run does not have, if the corpus has it', async () => {
    const [spring] = (await buildReport(input)).highlights[0].worst;
    expect(spring.marking!.relevant!.id).toBe('shears');
    const astray = await evaluated(
      'astray',
      written({ ...reasonedTexts, 'Sheep in spring': 'moon' }, 'stop'),
    );
    const [worst] = (await buildReport({ ...input, others: [astray] })).highlights[0].worst;
    expect(worst.marking!.relevant).toEqual({ id: 'shears', rank: null });
    expect(worst.marking!.other).toEqual({ id: 'tides', rank: 1 });
    expect(worst.marking!.segments).toEqual([
      { text: 'moon', term: 'moon', mark: 'other', share: 1, strength: 3, brought: true },
    ]);
  });

  it('gives the terms where a reasoner yields weights and no text', async () => {
    const weights = new Map([
      ['alum', 2],
      ['red', 1],
      ['unknown', 1],
    ]);
    const weighted = await evaluated('weighted', written(reasonedTexts, 'stop', weights));
    const [best] = (await buildReport({ ...input, others: [weighted] })).highlights[0].best;
    expect(best.marking).toMatchObject({ of: 'weights', segments: [] });
    expect(best.marking!.terms.map(({ term, brought }) => [term, brought])).toEqual(
      expect.arrayContaining([
        ['alum', true],
        ['red', false],
      ]),
    );
    expect(best.marking!.terms).toHaveLength(2);
  });

  it('marks the reasoned text of fused and of joined searches too', async () => {
    for (const combine of ['rrf', 'concat:2', 'interpolate:0.5']) {
      const joined = await evaluated(combine, written(reasonedTexts, 'stop'), combine);
      const { best, worst } = (await buildReport({ ...input, others: [joined] })).highlights[0];
      const texts = [...best, ...worst].filter(({ marking }) => marking?.of === 'reasoned');
      for (const { marking, reasoned: text } of texts) {
        expect(marking!.segments.map((segment) => segment.text).join('')).toBe(text!.text);
      }
    }
  });

  it('is plain data, the same each time, and says nothing of how long things took', async () => {
    const report = await buildReport(input);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    const slower = {
      ...reasoned,
      answers: reasoned.answers.map((answer) => ({ ...answer, milliseconds: { reason: 9e9, search: 9e9 } })),
    };
    expect(JSON.stringify(await buildReport({ ...input, others: [slower] }))).toBe(JSON.stringify(report));
  });
});

describe('a report of several runs', () => {
  it('looks at each of them', async () => {
    const third: Evaluation = { ...reasoned, run: { ...reasoned.run, name: 'third' } };
    const { highlights, comparisons } = await buildReport({ ...input, others: [reasoned, third] });
    expect(highlights.map(({ run }) => run)).toEqual(['reasoned', 'third']);
    expect(comparisons).toHaveLength(4);
  });
});

describe('a report of one run', () => {
  it('has intervals, values, and the highest and lowest topics, none of them twice', async () => {
    const report = await buildReport({ ...input, baseline: reasoned, others: undefined, topicsShown: 5 });
    expect(report.comparisons).toEqual([]);
    expect(report.runs).toHaveLength(1);
    expect(report.runs[0].means[0].interval).toEqual(bootstrapInterval(report.runs[0].values));
    const [{ against, best, worst }] = report.highlights;
    expect(against).toBeNull();
    const shown = [...best, ...worst].map(({ id }) => id);
    expect(new Set(shown).size).toBe(3);
    expect(shown).toHaveLength(3);
    expect(best[0].value).toBe(Math.max(...report.runs[0].values));
    expect(best[0].baselineHits).toBeNull();
  });

  it('marks the query where it stood alone', async () => {
    const { highlights } = await buildReport({ ...input, others: [] });
    for (const { marking, query } of highlights[0].best) {
      expect(marking!.of).toBe('query');
      expect(marking!.segments.map(({ text }) => text).join('')).toBe(query);
      expect(marking!.segments.some(({ brought }) => brought)).toBe(false);
    }
  });
});

describe('a report of runs alone', () => {
  it('has rankings and numbers, and no texts', async () => {
    const report = await buildReport({
      collection: 'dyes',
      qrels,
      measures,
      baseline: { run: bare('a', ['madder', 'washing']) },
      others: [{ run: bare('b', ['mordant']) }],
    });
    expect(report).toMatchObject({ scoring: null, k: null });
    expect(report.runs[0]).toMatchObject({ reasoner: null, finishes: {}, topicsWithoutRanking: 2 });
    expect(report.highlights[0].best).toHaveLength(1);
    expect(report.highlights[0].best[0]).toMatchObject({
      id: 'fade',
      query: null,
      reasoned: null,
      marking: null,
      hits: [{ id: 'mordant', relevant: true, otherRank: null, caption: null }],
    });
    expect(reportHtml(report)).toContain('<bdi class="id">fade</bdi>');
    expect(reportHtml(report)).toContain('<bdi>a</bdi> has no ranking for 2 queries.');
  });

  it('ranks as measures do, whatever the order in which hits come, and cuts at the depth', async () => {
    const hits = [
      { id: 'washing', score: 1, rank: 1 },
      { id: 'mordant', score: 5, rank: 2 },
      { id: 'madder', score: 3, rank: 3 },
    ];
    const report = await buildReport({
      collection: 'dyes',
      qrels,
      measures,
      depth: 2,
      baseline: { run: { name: 'a', rankings: new Map([['fade', hits]]) } },
    });
    const fade = report.highlights[0].best.find(({ id }) => id === 'fade')!;
    expect(fade.hits.map(({ id, rank }) => [id, rank])).toEqual([
      ['mordant', 1],
      ['madder', 2],
    ]);
  });
});

it('a report without a measure that is a mean throws USAGE', async () => {
  const counts = parseMeasures(['num_ret']);
  const error: unknown = await buildReport({ ...input, measures: counts }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(QuernError);
  expect((error as QuernError).code).toBe('USAGE');
});
