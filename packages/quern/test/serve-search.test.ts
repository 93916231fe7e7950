/** `POST /v1/search` on our own sample collection, held against what the library answers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCorpus } from '../src/collections/open-corpus.ts';
import { embedCorpus } from '../src/dense/embed-corpus.ts';
import { openEmbedder } from '../src/dense/embedders.ts';
import { openReranker } from '../src/dense/rerankers.ts';
import { indexCorpus } from '../src/lexical/index-corpus.ts';
import { LexicalIndex } from '../src/lexical/lexical-index.ts';
import { reasonerNamed } from '../src/reason/reasoners.ts';
import type { Reasoner } from '../src/reason/reasoner.ts';
import { openGate } from '../src/search/calibrated-gate.ts';
import { combineNamed } from '../src/search/combine.ts';
import { defaultEarlyStop, earlyStopNamed } from '../src/search/early-stop.ts';
import { explainAnswer } from '../src/search/explain.ts';
import { writeGateRecord } from '../src/search/gate-file.ts';
import { answer, type AnswerOptions, type Pipeline } from '../src/search/pipeline.ts';
import { openRetriever, retrieverNamed, type OpenRetriever } from '../src/search/retrievers.ts';
import type { SearchAnswer } from '../src/serve/service/search.ts';
import { sampleFolder } from './beir-collection.ts';
import { failing, FakeOpenAiServer, json, silent, streamed, type FakeReply } from './fake-openai-server.ts';
import { gateRecordOf } from './gate-record.ts';
import { hashedEmbedder } from './hashed-embedder.ts';
import { startService, type Answered, type ServiceUnderTest } from './running-service.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const index = join(folder, 'sample.index');
const corpus = join(sampleFolder, 'corpus.jsonl');
const gateFile = join(folder, 'gate.json');
const recorded = `file:${join(sampleFolder, 'reasoned.json')}`;
const questions = readFileSync(join(sampleFolder, 'queries.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { text: string }).text);
const [question] = questions as [string];
const env = { QUERN_CACHE: join(folder, 'cache') };

const vectors = hashedEmbedder('words', 32);

/** Embeds as a server does. */
const embedding: FakeReply = async (response, request) => {
  const { input } = request.body as { input: string[] };
  const data = (await vectors.embed(input, 'document')).map((vector, i) => ({
    index: i,
    embedding: [...vector],
  }));
  await json(200, { data })(response, request);
};

/** Scores by length, as rerankers answer. */
const ranking: FakeReply = (response, request) => {
  const { documents } = request.body as { documents: string[] };
  const results = documents.map((text, i) => ({ index: i, relevance_score: text.length / 10 }));
  return json(200, { results })(response, request);
};

/** A long text that a model writes, in pieces of a few words. */
const written = Array.from(
  { length: 60 },
  (_, i) => `step ${i}: heat and water change the starch in the pan, `,
);

let model: FakeOpenAiServer;
let reranking: FakeOpenAiServer;
let service: ServiceUnderTest;
let embedderName: string;

beforeAll(async () => {
  model = await FakeOpenAiServer.start();
  reranking = await FakeOpenAiServer.start();
  model.routes.set('POST /v1/embeddings', embedding);
  reranking.routes.set('POST /v1/rerank', ranking);
  embedderName = `openai:words@${model.url}`;
  await indexCorpus(await openCorpus(corpus), { out: index, store: true });
  const embedder = await openEmbedder(embedderName, { env });
  await embedCorpus(await openCorpus(corpus), { folder: index, embedder });
  await embedder.close();
  const rule = { kind: 'threshold', fact: 'words', reasons: 'from', threshold: 20 } as const;
  await writeGateRecord(gateFile, gateRecordOf(rule));
  service = await startService(folder, {
    indexes: {
      sample: './sample.index',
      tuned: { index: './sample.index', k1: 2, b: 0.1, retriever: 'both' },
    },
    retrievers: {
      both: `hybrid:bm25q+dense:${embedderName}`,
      vectors: `dense:${embedderName}`,
      other: `dense:openai:other@${model.url}`,
    },
    reasoners: {
      recorded,
      gated: { reasoner: recorded, gate: './gate.json' },
      several: `join:${recorded},none`,
      qr: { reasoner: model.name(), retries: 0, cached: false },
      samples: { reasoner: `3*${model.name()}`, retries: 0, cached: false, concurrency: 3 },
      mixed: { reasoner: `join:rm3,${model.name('slow')}`, cached: false },
    },
    rerankers: { long: `rerank:long@${reranking.url}` },
  });
}, 60_000);
afterAll(async () => {
  await service?.close();
  await model?.stop();
  await reranking?.stop();
});

/** What a search answers. */
function searched(body: Readonly<Record<string, unknown>>): Promise<Answered<SearchAnswer>> {
  return service.ask<SearchAnswer>('/v1/search', { query: question, index: 'sample', ...body });
}

/** What the library answers, by the strings of the command line, and the retriever still open. */
async function byLibrary(
  reasonerName: string,
  options: AnswerOptions,
  {
    retriever: name = 'bm25',
    query = question,
    ...plan
  }: Partial<Omit<Pipeline, 'retriever' | 'reasoner'>> & {
    readonly retriever?: string;
    readonly query?: string;
  } = {},
): Promise<Awaited<ReturnType<typeof answer>>> {
  const named = retrieverNamed(name);
  const lexical = await LexicalIndex.open(index);
  const embedders = new Map(
    await Promise.all(
      named.embedders.map(async (each) => [each, await openEmbedder(each, { env })] as const),
    ),
  );
  const parameters = { k1: 0.9, b: 0.4 };
  let opened: OpenRetriever | undefined;
  let reasoner: Reasoner | undefined;
  try {
    opened = await openRetriever(named, embedders, { index: lexical, folder: index, parameters });
    const scoring = named.scoring ?? 'bm25';
    reasoner = await reasonerNamed(reasonerName, {
      feedback: { index: lexical, scoring, parameters },
      cached: false,
      configuration: { reasoners: new Map() },
      env,
    });
    const { retriever } = opened;
    const found = await answer(
      { combine: combineNamed('replace'), reasoner, retriever, ...plan },
      query,
      options,
    );
    return { ...found, explanation: explainAnswer(found, retriever) } as typeof found;
  } finally {
    await reasoner?.close();
    await opened?.close();
    for (const each of embedders.values()) await each.close();
    await lexical.close();
  }
}

/** The ids, scores and ranks of hits. */
function ranked(
  hits: readonly { readonly id: string; readonly score: number; readonly rank: number }[],
): object[] {
  return hits.map(({ id, score, rank }) => ({ id, score, rank }));
}

describe('a search', () => {
  it.each([
    ['none', 'none', {}, {}],
    ['rm3', 'rm3', {}, {}],
    ['rm3', 'rm3', { retriever: 'bm25q', combine: 'rrf' }, { retriever: 'bm25q', combine: 'rrf' }],
    ['recorded', recorded, {}, {}],
    ['recorded', recorded, { retriever: 'bm25q' }, { retriever: 'bm25q' }],
    ['recorded', recorded, { combine: 'concat:2' }, { combine: 'concat:2' }],
    ['recorded', recorded, { combine: 'interpolate:0.3' }, { combine: 'interpolate:0.3' }],
    ['recorded', recorded, { combine: 'rrf', k: 100 }, { combine: 'rrf', k: 100 }],
    ['recorded', recorded, { keyTerms: 0.4 }, { keyTerms: 0.4 }],
    ['recorded', recorded, { earlyStop: true }, { earlyStop: defaultEarlyStop }],
    [
      'recorded',
      recorded,
      { earlyStop: 'every=5,checks=2' },
      { earlyStop: earlyStopNamed('every=5,checks=2') },
    ],
    ['several', `join:${recorded},none`, {}, {}],
    ['several', `join:${recorded},none`, { join: 'rrf' }, { join: 'rrf' }],
  ] as const)('by %s ranks as the library does: %j', async (name, full, asked, plan) => {
    const { combine = 'replace', k = 10, ...rest } = plan as Record<string, never>;
    const mine = await searched({ reasoner: name, k, ...asked });
    const theirs = await byLibrary(full, { k }, { combine: combineNamed(combine), ...rest });
    expect(mine.status).toBe(200);
    expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
    expect(mine.body.hits.length).toBeGreaterThan(5);
    expect(mine.body['combine']).toBe(combine);
    const { text, finish } = theirs.reasoned;
    expect(mine.body['reasoned']).toMatchObject({ query: question, text, finish, reasoner: name });
  });

  it.each(questions.map((query) => [query]))(
    'ranks for each question as the library does: %s',
    async (query) => {
      const mine = await searched({
        query,
        reasoner: 'recorded',
        retriever: 'bm25q',
        texts: 'none',
        k: 1000,
      });
      const theirs = await byLibrary(recorded, { k: 1000 }, { query, retriever: 'bm25q' });
      expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
    },
  );

  it('of vectors and of a hybrid ranks as the library does', async () => {
    for (const [name, full] of [
      ['vectors', `dense:${embedderName}`],
      ['both', `hybrid:bm25q+dense:${embedderName}`],
    ] as const) {
      const mine = await searched({ reasoner: 'recorded', retriever: name });
      const theirs = await byLibrary(recorded, { k: 10 }, { retriever: full });
      expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
      expect(mine.body['retriever']).toBe(name);
      expect(mine.body.hits[0]!.text).toContain(' ');
    }
  });

  it("takes the index's own retriever and parameters where none is named", async () => {
    const mine = await searched({ index: 'tuned' });
    expect(mine.body['retriever']).toBe('both');
    const [lexical, other] = await Promise.all(
      ['tuned', 'sample'].map((each) => searched({ index: each, retriever: 'bm25' })),
    );
    expect(ranked(lexical!.body.hits)).not.toEqual(ranked(other!.body.hits));
  });

  it('leaves out excluded documents, and learns from none of them', async () => {
    const first = await searched({ reasoner: 'rm3', k: 3 });
    const excluded = first.body.hits.map(({ id }) => id);
    const mine = await searched({ reasoner: 'rm3', excluded });
    const theirs = await byLibrary('rm3', { k: 10, excluded });
    expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
    expect(mine.body.hits.filter(({ id }) => excluded.includes(id))).toEqual([]);
    expect(mine.body['reasoned']).not.toMatchObject({
      text: (first.body['reasoned'] as { text: string }).text,
    });
  });

  it('by a gate reasons where the gate says so, unless it is not to be asked', async () => {
    const gate = await openGate(gateFile);
    for (const query of [questions[0]!, questions[2]!]) {
      const mine = await searched({ query, reasoner: 'gated' });
      const theirs = await byLibrary(recorded, { k: 10 }, { query, gate });
      expect(mine.body['gate']).toEqual(theirs.gate);
      expect(mine.body['reasoned']).toMatchObject({ finish: theirs.reasoned.finish });
      expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
      const without = await searched({ query, reasoner: 'gated', gate: false });
      expect(without.body['gate']).toBeUndefined();
      expect(without.body['reasoned']).toMatchObject({ finish: 'stop' });
    }
  });

  it('with a reranker has the order that it gives, and those it has not read below', async () => {
    const reranker = await openReranker(`rerank:long@${reranking.url}`, { env });
    const mine = await searched({ reranker: 'long', rerankDepth: 4 });
    const theirs = await byLibrary('none', { k: 10 }, { rerank: { reranker, depth: 4 } });
    await reranker.close();
    expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
    expect(mine.body['reranking']).toMatchObject({ reranker: 'long', depth: 4 });
    expect(mine.text).not.toContain('127.0.0.1');
  });

  it('explains as the library does, by the names that requests know', async () => {
    const mine = await searched({ reasoner: 'recorded', explain: true });
    const theirs = (await byLibrary(recorded, { k: 10 })) as unknown as {
      readonly explanation: ReturnType<typeof explainAnswer>;
    };
    const { searches, hits } = JSON.parse(JSON.stringify(theirs.explanation)) as typeof theirs.explanation;
    expect(mine.body['searches']).toEqual(searches.map((each) => ({ ...each, reasoner: 'recorded' })));
    expect(mine.body.hits.map((hit) => (hit as { terms?: unknown }).terms)).toEqual(
      hits.map(({ terms }) => terms),
    );
    const hybrid = await searched({ reasoner: 'recorded', retriever: 'both', explain: true });
    expect(hybrid.text).not.toContain('127.0.0.1');
    expect(hybrid.text).not.toContain(folder);
    expect((hybrid.body['searches'] as { retriever: string }[]).map(({ retriever }) => retriever)).toEqual([
      'bm25q',
      'dense',
    ]);
  });

  it('explains a hundred hits', async () => {
    expect((await searched({ explain: true, k: 100 })).body.hits.length).toBeGreaterThan(0);
  });

  it('tells passages of the first hundred hits, and the others by their ids', async () => {
    const topics = readFileSync(join(sampleFolder, 'queries.jsonl'), 'utf8').trim().split('\n');
    const query = topics.map((topic) => (JSON.parse(topic) as { text: string }).text).join(' ');
    const { body } = await searched({ query: query.slice(0, 16_000), k: 135 });
    expect(body.hits.length).toBeGreaterThan(101);
    expect(body.hits.map(({ text }) => text !== undefined)).toEqual(body.hits.map((_, i) => i < 100));
  });

  it('tells a passage of at most 60 words, all of a text, or nothing', async () => {
    const [passage, whole, none] = await Promise.all(
      ['passage', 'whole', 'none'].map((texts) => searched({ texts, k: 3 })),
    );
    const lengths = passage!.body.hits.map(({ text }) => text!.split(/\s+/).length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(60);
    expect(Math.min(...lengths)).toBeGreaterThan(20);
    for (const [i, { text, title }] of whole!.body.hits.entries()) {
      expect(text).toContain(passage!.body.hits[i]!.text);
      expect(text!.split(/\s+/).length).toBeGreaterThan(80);
      expect(title).toBe(passage!.body.hits[i]!.title);
    }
    expect(none!.body.hits.flatMap((hit) => Object.keys(hit))).toEqual(
      none!.body.hits.flatMap(() => ['id', 'score', 'rank']),
    );
  });
});

describe('a search with a model', () => {
  it('stops writing when the ranking is stable, as the library does', async () => {
    model.reply = streamed({ pieces: written });
    const mine = await searched({ reasoner: 'qr', earlyStop: true });
    const theirs = await byLibrary(model.name(), { k: 10 }, { earlyStop: defaultEarlyStop });
    expect(mine.body['reasoned']).toMatchObject({ finish: 'early', text: theirs.reasoned.text });
    expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
    expect(mine.body['probing']).toBeUndefined();
    const explained = await searched({ reasoner: 'qr', earlyStop: true, explain: true });
    expect(explained.body['probing']).toMatchObject({ probes: theirs.probing!.probes });
  });

  it('asks as often as rounds say, with passages, as the library does', async () => {
    const replies = [
      streamed({ pieces: ['starch and water'] }),
      streamed({ pieces: ['crystals in the crumb'] }),
    ];
    model.script.push(...replies);
    const asked = model.bodies.length;
    const mine = await searched({ reasoner: 'qr', rounds: 2, explain: true });
    expect(model.bodies).toHaveLength(asked + 2);
    model.script.push(...replies);
    const theirs = await byLibrary(model.name(), { k: 10 }, { rounds: { count: 2 } });
    expect(ranked(mine.body.hits)).toEqual(ranked(theirs.hits));
    const rounds = mine.body['rounds'] as { reasoned: { text: string }; passages: unknown[] }[];
    expect(rounds.map(({ reasoned, passages }) => [reasoned.text, passages])).toEqual(
      theirs.rounds!.map(({ reasoned, passages }) => [reasoned.text, passages]),
    );
  });

  it('asks for several samples at once, and tells each', async () => {
    const texts = ['starch in bread', 'water in bread', 'cold bread'];
    model.script.push(...texts.map((text) => streamed({ pieces: [text] })));
    const { body } = await searched({ reasoner: 'samples', join: 'interpolate' });
    const parts = (body['reasoned'] as { parts: { text: string }[] }).parts.map(({ text }) => text);
    expect([...parts].sort()).toEqual([...texts].sort());
    expect(new Set(model.bodies.slice(-3).map(({ seed }) => seed)).size).toBe(3);
  });

  it.each([
    ['refuses', failing(401, { message: 'no such key' }), 'DENIED'],
    ['has no such model', failing(404), 'NOT_FOUND'],
    ['fails', failing(500), 'BAD_REPLY'],
    ['writes nothing', streamed({ pieces: ['...'] }), 'BAD_REPLY'],
  ])('that %s searches the question as it is, and names no address', async (_, reply, code) => {
    model.reply = reply;
    const mine = await searched({ reasoner: 'qr', explain: true });
    const plain = await searched({});
    expect(mine.status).toBe(200);
    expect(ranked(mine.body.hits)).toEqual(ranked(plain.body.hits));
    expect(mine.body['reasoned']).toMatchObject({
      finish: 'failed',
      text: '',
      reasoner: 'qr',
      failure: { code, message: expect.stringMatching(/\w/) as unknown },
    });
    for (const secret of ['127.0.0.1', folder, 'openai:', 'served']) expect(mine.text).not.toContain(secret);
    const logged = service.logged.findLast(({ msg }) => msg === 'a reasoner failed');
    expect(logged).toMatchObject({ reasoner: 'qr', code, level: 40 });
    expect(logged!['why']).toContain('127.0.0.1');
  });

  it('that is late searches the question as it is, and gives the model up', async () => {
    model.reply = silent;
    const mine = await searched({ reasoner: 'qr', deadline: 100 });
    expect(mine.body['reasoned']).toMatchObject({ finish: 'failed', failure: { code: 'TIMEOUT' } });
    expect(mine.body.hits).toHaveLength(10);
    await expect.poll(() => model.underWay).toBe(0);
  });

  it('is given up with the model where the client goes away', async () => {
    model.reply = silent;
    const leaving = new AbortController();
    const asked = fetch(`${service.url}/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: question, index: 'sample', reasoner: 'samples' }),
      signal: leaving.signal,
    });
    await expect.poll(() => model.underWay).toBe(3);
    leaving.abort();
    await expect(asked).rejects.toThrow('aborted');
    await expect.poll(() => model.underWay).toBe(0);
  });

  it('takes of several those that are in time', async () => {
    model.reply = silent;
    const { body } = await searched({ reasoner: 'mixed', deadline: 150, join: 'rrf' });
    const { finish, parts } = body['reasoned'] as { finish: string; parts: { finish: string }[] };
    expect([finish, ...parts.map((part) => part.finish)]).toEqual(['stop', 'stop', 'failed']);
    const rm3 = await searched({ reasoner: 'rm3' });
    expect(body.hits.map(({ id }) => id)).toEqual(rm3.body.hits.map(({ id }) => id));
  });

  it('tells that the reranker failed, keeps the order, and names no address', async () => {
    reranking.routes.set('POST /v1/rerank', failing(400));
    const mine = await searched({ reranker: 'long' });
    reranking.routes.set('POST /v1/rerank', ranking);
    const plain = await searched({});
    expect(ranked(mine.body.hits)).toEqual(ranked(plain.body.hits));
    expect(mine.body['reranking']).toMatchObject({
      reranker: 'long',
      depth: 0,
      failure: { code: 'BAD_REPLY' },
    });
    expect(mine.text).not.toContain('127.0.0.1');
    expect(service.logged.findLast(({ msg }) => msg === 'a part failed')).toMatchObject({
      what: 'reranker long',
      code: 'BAD_REPLY',
    });
  });
});

describe('what cannot be searched', () => {
  it.each([
    [{ combine: 'sum' }, 'Use replace, concat:N (N from 1 to 100), interpolate:W (W from 0 to 1) or rrf'],
    [{ earlyStop: 'often' }, /^Write some of every=/],
    [{ index: 'nothing' }, 'There are sample, tuned'],
    [{ reasoner: 'gpt' }, /^There are "none", rm3, recorded, /],
  ])('%j is refused with what can be done', async (body, hint) => {
    const { body: told } = await service.ask<{ error: { hint: string } }>('/v1/search', {
      query: question,
      index: 'sample',
      ...body,
    });
    expect(told.error.hint).toMatch(hint);
  });

  it.each([
    ['no question', { query: undefined }, 400, 'query', 'query is missing'],
    ['a question of white space', { query: ' \n' }, 400, 'query', 'query holds nothing but white space'],
    ['a number for a question', { query: 7 }, 400, 'query', 'query is no string'],
    ['a long question', { query: 'x'.repeat(16_001) }, 400, 'query', 'query is longer than 16000 characters'],
    ['an unknown field', { reasoning: 'rm3' }, 400, 'reasoning', 'there is no such field'],
    ['too many hits', { k: 1001 }, 400, 'k', /1000/],
    ['too many hits to explain', { explain: true, k: 101 }, 400, 'k', /100/],
    ['too many hits to read again', { rerankDepth: 101 }, 400, 'rerankDepth', /100/],
    ['an unknown combination', { combine: 'sum' }, 400, 'combine', 'unknown combination "sum"'],
    [
      'a question that is repeated to more than is searched',
      { query: 'why '.repeat(200), combine: 'concat:100' },
      400,
      'combine',
      'combine repeats the question to more than 64000 characters',
    ],
    ['a look at the ranking at each word', { earlyStop: 'every=1' }, 400, 'earlyStop', 'every is 5 or more'],
    ['a look deep down', { earlyStop: 'depth=101' }, 400, 'earlyStop', 'depth is at most 100'],
    ['an index that is none', { index: 'nothing' }, 404, 'index', 'there is no index nothing'],
    ['a path for an index', { index: '../sample.index' }, 400, 'index', /is no name/],
    ['a reasoner by its string', { reasoner: 'file:/etc/passwd' }, 400, 'reasoner', /is no name/],
    ['a model by its hub id', { reasoner: 'owner/model' }, 400, 'reasoner', /is no name/],
    [
      'a retriever by its string',
      { retriever: 'dense:openai:x@http://localhost' },
      400,
      'retriever',
      /is no name/,
    ],
    ['a reranker that is none', { reranker: 'none' }, 404, 'reranker', 'there is no reranker none'],
    ['vectors that are not there', { retriever: 'other' }, 400, 'retriever', /has no vectors/],
    [
      'a question that is not recorded',
      { query: 'why', reasoner: 'recorded' },
      404,
      'reasoner',
      /nothing recorded/,
    ],
    [
      'a question that is not recorded, with a deadline',
      { query: 'why', reasoner: 'recorded', deadline: 1000 },
      404,
      'reasoner',
      /nothing recorded/,
    ],
    [
      'key terms in vectors',
      { retriever: 'vectors', keyTerms: 0.2 },
      400,
      undefined,
      /^key terms .* which vectors does/,
    ],
    [
      'weights in vectors',
      { retriever: 'vectors', reasoner: 'rm3' },
      400,
      undefined,
      /which vectors cannot search/,
    ],
    [
      'rounds of what takes no passages',
      { reasoner: 'recorded', rounds: 2 },
      400,
      undefined,
      /^recorded cannot be/,
    ],
  ])('%s is refused, saying where and why', async (_, body, status, where, message) => {
    const {
      body: told,
      text,
      status: answered,
    } = await service.ask<{ error: Record<string, string> }>('/v1/search', {
      query: question,
      index: 'sample',
      ...body,
    });
    expect(answered).toBe(status);
    expect(told.error).toMatchObject({ code: status === 404 ? 'NOT_FOUND' : 'BAD_INPUT' });
    expect(told.error['where']).toBe(where);
    expect(told.error['message']).toMatch(message);
    for (const secret of ['127.0.0.1', folder, sampleFolder]) expect(text).not.toContain(secret);
  });
});
