import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { beirCollection, sampleFolder } from '../../test/beir-collection.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { WordEmbedder } from '../../test/word-embedder.ts';
import { parseMeasures } from '../evaluate/measures.ts';
import { RecordedReasoner } from '../reason/recorded.ts';
import { Warnings } from '../warnings.ts';
import { ablateNamed, type NamedAblationOptions } from './ablate-named.ts';

const folder = temporaryFolder();
let written = 0;

function file(lines: readonly object[]): string {
  const path = join(folder, `completions-${written++}.jsonl`);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

function ablated(path: string, options: Partial<NamedAblationOptions> = {}) {
  return ablateNamed(path, {
    collection: `beir:${sampleFolder}`,
    index: join(folder, 'sample.index'),
    rewards: ['lexical'],
    measure: parseMeasures(['ndcg@10'])[0],
    ...options,
  });
}

async function completions(): Promise<{ query: string; completion: string }[]> {
  const { topics } = await beirCollection('collection');
  const reasoner = await RecordedReasoner.open(join(sampleFolder, 'reasoned.json'));
  const lines = [];
  for (const { text: query } of topics) {
    const { text } = await reasoner.reason(query);
    for (const completion of [text, query, '', 'nothing of the kind']) lines.push({ query, completion });
  }
  return lines;
}

it('finds that the gain in the measure itself says all, and that what fails is counted', async () => {
  const lines = await completions();
  const outcome = await ablated(file(lines), {
    rewards: ['retrieval:ndcg@10', 'lexical', 'retrieval:rank:words', 'mix:1*lexical,-1*copying'],
    settings: { embedders: () => Promise.resolve(new WordEmbedder()) },
  });
  expect(outcome).toMatchObject({ completions: lines.length, groups: lines.length / 4, measure: 'ndcg@10' });
  expect(outcome.rewards.map(({ reward }) => reward)).toHaveLength(4);
  for (const { failures } of outcome.rewards) expect(failures).toEqual({ empty: lines.length / 4 });
  const [own, lexical] = outcome.rewards;
  // Only empty completions part it from the gain: they gain nothing, and their reward is -1.
  expect(own.best).toBe(1);
  expect(own.within.kendall.value).toBeGreaterThan(0.5);
  expect(lexical.within.kendall.value).toBeGreaterThan(0.2);
});

it('takes positives and ids from the file, and finds a question by its id', async () => {
  const { topics } = await beirCollection('collection');
  const line = { id: topics[0].id, query: 'asked in other words', positives: ['a text'], truncated: true };
  const { completions: count, rewards } = await ablated(
    file([
      { ...line, completion: 'a text', completionTokens: 3 },
      { ...line, completion: 'other' },
    ]),
    { rewards: ['lexical', 'mix:1*lexical,-1*truncation'] },
  );
  expect(count).toBe(2);
  expect(rewards[0].mean - rewards[1].mean).toBeCloseTo(1, 12);
});

it.each([
  [{ query: 'never asked', completion: 'x' }, 'no question'],
  [{ id: 'none', query: 'x', completion: 'x' }, 'none of a question'],
  [{ query: 'x' }, 'completion is missing'],
  [{ query: 1, completion: 'x' }, 'not a string'],
  [{ query: 'x', completion: 'x', positives: 'x' }, 'no list of strings'],
  [{ query: 'x', completion: 'x', completionTokens: -1 }, 'whole number'],
  [{ query: 'x', completion: 'x', truncated: 1 }, 'true or false'],
])('refuses %j, saying where', async (line, message) => {
  const path = file([line]);
  await expect(ablated(path)).rejects.toThrow(
    expect.objectContaining({
      code: 'BAD_INPUT',
      where: `${path}:1`,
      message: expect.stringContaining(message),
    }),
  );
});

it('says of which line positives are that hold nothing, before anything is scored', async () => {
  const { topics } = await beirCollection('collection');
  const line = { query: topics[0].text, completion: 'x' };
  const path = file([line, { ...line, positives: ['a text', ' '] }, { ...line, positives: [] }]);
  await expect(ablated(path)).rejects.toThrow(
    expect.objectContaining({
      where: `${path}:2`,
      message: expect.stringContaining('positive 2 holds no words'),
    }),
  );
});

it('leaves out questions without relevant documents, and refuses a file of nothing else', async () => {
  await expect(ablated(file([]))).rejects.toThrow('no completion to score');
  const warnings = new Warnings();
  const { topics, qrels } = await beirCollection('collection');
  const unjudged = topics.filter(({ id }) => !qrels.has(id));
  const lines = [...topics.slice(0, 2), ...unjudged].flatMap(({ text }) =>
    ['bread', text].map((completion) => ({ query: text, completion })),
  );
  await ablated(file(lines), { warnings });
  expect(warnings.list().map(({ count }) => count)).toEqual(unjudged.length > 0 ? [2 * unjudged.length] : []);
});

it('says where nothing can be told of rewards, as each question has one completion', async () => {
  const warnings = new Warnings();
  const { topics } = await beirCollection('collection');
  const lines = topics.slice(0, 3).map(({ text }) => ({ query: text, completion: 'bread' }));
  const { bestByChance, rewards } = await ablated(file(lines), { warnings });
  expect(warnings.list().map(({ message }) => message)).toEqual([expect.stringContaining('give several')]);
  expect([bestByChance, rewards[0].best, rewards[0].within.kendall.value]).toEqual([null, null, null]);
});

it('measures the rankings of the retriever that is named, and ranks in it', async () => {
  const path = file(await completions());
  const rewards = ['retrieval:ndcg@10'];
  const bm25q = await ablated(path, { rewards, retriever: 'bm25q' });
  expect(bm25q).toMatchObject({ retriever: 'bm25q', rewards: [{ best: 1 }] });
  expect(bm25q).toEqual(await ablated(path, { rewards, scoring: 'bm25q' }));
  expect(bm25q.gain).not.toEqual((await ablated(path, { rewards })).gain);
});

it('refuses vectors that no index has, and ids of documents that are not there', async () => {
  const path = file(await completions());
  await expect(ablated(path, { retriever: 'dense:onnx:x', index: undefined })).rejects.toThrow(
    expect.objectContaining({ code: 'USAGE', where: 'dense:onnx:x' }),
  );
  const { topics } = await beirCollection('collection');
  const strange = file([{ query: topics[0].text, completion: 'x', positiveIds: ['none'] }]);
  await expect(ablated(strange)).rejects.toThrow(
    expect.objectContaining({ where: `${strange}:1`, message: expect.stringContaining('no document') }),
  );
});
