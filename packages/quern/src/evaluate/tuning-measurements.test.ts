import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import { SeveralReasoner } from '../reason/several.ts';
import { Background } from '../search/background.ts';
import { combineNamed } from '../search/combine.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { evaluateCollection, type Judged } from './evaluation.ts';
import { parseMeasures } from './measures.ts';
import { answerCandidates, type AnswerCandidate } from './tuning-candidates.ts';
import { tuningMeasurements } from './tuning-measurements.ts';

const folder = temporaryFolder();
const [measure] = parseMeasures(['ndcg@10']);
const topics = ['ash oak', 'elm', 'maple fir', 'yew'].map((text, i) => ({
  id: `q${i}`,
  text,
  excluded: i === 0 ? ['d3'] : [],
}));
const judged: Judged = {
  name: 'woods',
  topics: [...topics, { id: 'unjudged', text: 'ash', excluded: [] }],
  qrels: new Map(topics.map(({ id }, i) => [id, new Map([[`d${7 * i + 3}`, 1]])])),
};
let index: LexicalIndex;
let retriever: LexicalRetriever;
let asked: string[] = [];

const reasoner: Reasoner = {
  id: 'woods',
  async reason(query) {
    asked.push(query);
    return reasonedQuery(query, { text: 'cedar hazel ash' });
  },
  async close() {},
};

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
  retriever = new LexicalRetriever(index, 'bm25');
});
afterAll(() => index?.close());

describe('tuningMeasurements', () => {
  it('measures every candidate as an evaluation with that combination does', async () => {
    const found = await tuningMeasurements(judged, { reasoner, retriever }, { measure });
    expect(found.topics.map(({ id }) => id)).toEqual(topics.map(({ id }) => id));
    expect(found.candidates.map(({ name }) => name)).toContain('concat:5');
    for (const [i, { name, values }] of found.candidates.entries()) {
      const pipeline = { ...found.plannings[i], reasoner, retriever };
      const { measures } = await evaluateCollection(judged, pipeline, { name, k: 1000, measures: [measure] });
      expect(values).toEqual(topics.map(({ id }) => measures.perTopic.get(id)![measure.name]));
    }
  });

  it('reasons about each judged topic once', async () => {
    asked = [];
    await tuningMeasurements(judged, { reasoner, retriever }, { measure });
    expect(asked).toEqual(topics.map(({ text }) => text));
  });

  it('does not concatenate term weights', async () => {
    const weighing: Reasoner = {
      ...reasoner,
      reason: async (query) => reasonedQuery(query, { weights: new Map([['ash', 1]]) }),
    };
    const { candidates } = await tuningMeasurements(judged, { reasoner: weighing, retriever }, { measure });
    expect(candidates.map(({ name }) => name).filter((name) => name.startsWith('concat'))).toEqual([]);
    expect(candidates).toHaveLength(13);
  });

  it('tries the candidates that it is given', async () => {
    const half: AnswerCandidate = { name: 'half', planning: { combine: combineNamed('interpolate:0.5') } };
    const options = { measure, candidates: () => [half] };
    const found = await tuningMeasurements(judged, { reasoner, retriever }, options);
    const all = await tuningMeasurements(judged, { reasoner, retriever }, { measure });
    expect(found.plannings).toEqual([half.planning]);
    expect(found.candidates).toEqual([
      { name: 'half', values: all.candidates.find(({ name }) => name === 'interpolate:0.5')!.values },
    ]);
  });

  it('tries ways of joining where several were asked, and the backgrounds that there are', async () => {
    const members = [reasoner, reasoner].map((each, sample) => ({ reasoner: each, sample }));
    const several = new SeveralReasoner('2*r', members);
    const background = Background.of(['elm', 'elm yew'], analyzerNamed('whitespace'));
    const { candidates } = await tuningMeasurements(
      judged,
      { reasoner: several, retriever },
      { measure, candidates: (reasoned) => answerCandidates(reasoned, { backgrounds: [background] }) },
    );
    const names = candidates.map(({ name }) => name);
    expect(names).toContain('join:interpolate');
    expect(names).toContain('interpolate:0.2/join:rrf');
    expect(names).toContain('concat:1/background:0.5');
    expect(new Set(names).size).toBe(names.length);
  });

  it('refuses counts, collections without judgements, and to go on after it was stopped', async () => {
    const [count] = parseMeasures(['num_ret']);
    const parts = { reasoner, retriever };
    await expect(tuningMeasurements(judged, parts, { measure: count })).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
    const none = { ...judged, qrels: new Map() };
    await expect(tuningMeasurements(none, parts, { measure })).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_INPUT' }),
    );
    const signal = AbortSignal.abort();
    await expect(tuningMeasurements(judged, parts, { measure, signal })).rejects.toThrow(
      expect.objectContaining({ code: 'ABORTED' }),
    );
  });
});
