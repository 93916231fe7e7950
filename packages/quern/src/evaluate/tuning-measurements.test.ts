import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import { combineNamed } from '../search/combine.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { evaluateCollection, type Judged } from './evaluation.ts';
import { parseMeasures } from './measures.ts';
import type { AnswerCandidate } from './tuning-candidates.ts';
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
    for (const { name, values } of found.candidates) {
      const pipeline = { reasoner, combine: combineNamed(name), retriever };
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
    expect(candidates).toHaveLength(11);
  });

  it('tries the candidates that it is given', async () => {
    const combine = combineNamed('replace');
    const elm: AnswerCandidate = {
      name: 'elm',
      settings: (reasoned) => ({ reasoned: { ...reasoned, text: 'elm' }, combine }),
    };
    const options = { measure, candidates: () => [elm] };
    const found = await tuningMeasurements(judged, { reasoner, retriever }, options);
    expect(found.candidates.map(({ name }) => name)).toEqual(['elm']);
    expect(found.candidates[0].values[1]).toBe(found.topics[1].plain);
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
