/** What the service tells of itself: metrics and logs, of real requests. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCorpus } from '../src/collections/open-corpus.ts';
import { indexCorpus } from '../src/lexical/index-corpus.ts';
import { writeGateRecord } from '../src/search/gate-file.ts';
import { tokenHash } from '../src/serve/configuration/tokens.ts';
import { sampleFolder } from './beir-collection.ts';
import { failing, FakeOpenAiServer, json, streamed } from './fake-openai-server.ts';
import { gateRecordOf } from './gate-record.ts';
import { prometheusSamples, type Sample } from './prometheus-text.ts';
import { startService, type ServiceUnderTest } from './running-service.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const token = 'a-token-of-more-than-thirty-two-characters';
const headers = { authorization: `Bearer ${token}` };
const question = 'zymurgical queries about why bread rises at all';

let model: FakeOpenAiServer;
let service: ServiceUnderTest;

/** A service as the tests have it, with something else in its configuration. */
function started(more: Readonly<Record<string, unknown>> = {}): Promise<ServiceUnderTest> {
  return startService(folder, {
    indexes: { notes: './notes.index' },
    reasoners: {
      qr: { reasoner: model.name(), retries: 0 },
      gated: { reasoner: model.name('gated'), retries: 0, gate: './gate.json' },
    },
    embedders: { mini: `openai:mini@${model.url}` },
    rerankers: { broken: `rerank:broken@${model.url}` },
    rewards: { overlap: 'lexical' },
    tokens: [{ name: 'test', scope: 'read', hash: `sha256:${tokenHash(token)}` }],
    ...more,
  });
}

beforeAll(async () => {
  model = await FakeOpenAiServer.start();
  model.routes.set('POST /v1/embeddings', json(200, { data: [{ index: 0, embedding: [1, 2] }] }));
  model.routes.set('POST /v1/rerank', failing(400));
  const corpus = await openCorpus(join(sampleFolder, 'corpus.jsonl'));
  await indexCorpus(corpus, { out: join(folder, 'notes.index'), store: true });
  const rule = { kind: 'threshold', fact: 'words', reasons: 'from', threshold: 5 } as const;
  await writeGateRecord(join(folder, 'gate.json'), gateRecordOf(rule));
  service = await started();
}, 60_000);
afterAll(async () => {
  await service?.close();
  await model?.stop();
});

/** The samples of the service now. */
async function samples(of = service): Promise<Sample[]> {
  const { status, text, headers: told } = await of.ask('/metrics', undefined, headers);
  expect(status).toBe(200);
  expect(told.get('content-type')).toMatch(/^text\/plain; .*version=0\.0\.4/);
  return prometheusSamples(text);
}

/** The values of a metric by their labels' values, e.g. `qr stop`. */
async function values(name: string): Promise<Record<string, number>> {
  const found = (await samples()).filter((sample) => sample.name === `quern_${name}`);
  return Object.fromEntries(found.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

async function search(body: Readonly<Record<string, unknown>>): Promise<void> {
  const { status } = await service.ask('/v1/search', { query: question, index: 'notes', ...body }, headers);
  expect(status).toBe(200);
}

describe('the metrics', () => {
  it('are text as Prometheus reads it, before anything was asked', async () => {
    const all = await samples();
    const places = all.filter(({ name }) => name === 'quern_queue');
    expect(places.map(({ labels }) => labels['work'])).toEqual(
      expect.arrayContaining(['searches', 'embeddings', 'reasoner qr', 'rewards']),
    );
    expect(new Set(places.map(({ value }) => value))).toEqual(new Set([0]));
    expect(all.find(({ name }) => name === 'quern_indexes')!.value).toBe(1);
    expect(all.some(({ name }) => name === 'process_resident_memory_bytes')).toBe(true);
  });

  it('count stages, tokens, the cache, the gate and failures of what was really asked', async () => {
    await search({});
    await search({ reasoner: 'qr' });
    await search({ reasoner: 'qr' });
    await search({ reasoner: 'rm3' });
    await search({ query: 'bread', reasoner: 'gated' });
    await search({ reasoner: 'gated' });
    await search({ query: 'xyzzy' });
    await search({ reranker: 'broken' });
    model.reply = failing(401);
    await search({ query: 'another question about bread and water', reasoner: 'qr' });
    const chat = { model: 'qr', messages: [{ role: 'user', content: 'one more question about bread' }] };
    expect((await service.ask('/v1/chat/completions', chat, headers)).status).toBe(502);
    model.reply = streamed();
    await service.ask('/v1/embeddings', { model: 'mini', input: 'a' }, headers);
    const items = [{ query: 'why', completion: 'because', positives: ['because of it'] }];
    await service.ask('/v1/rewards', { items }, headers);
    await service.ask('/v1/search', { query: '' }, headers);
    await service.ask('/v1/models');
    await service.ask('/nowhere/at/all');

    expect(await values('stage_seconds_count')).toEqual({
      search: 9,
      reason: 7,
      rerank: 1,
      embed: 1,
      reward: 1,
    });
    expect(await values('tokens_total')).toEqual({
      'qr prompt': 50,
      'qr completion': 7,
      'gated prompt': 50,
      'gated completion': 7,
    });
    expect(await values('cache_total')).toEqual({ 'qr miss': 1, 'qr hit': 1, 'gated miss': 1 });
    expect(await values('gate_total')).toEqual({ 'gated skip': 1, 'gated reason': 1 });
    expect(await values('reasoned_total')).toEqual({
      'qr stop': 2,
      'qr failed': 2,
      'rm3 stop': 1,
      'gated skipped': 1,
      'gated stop': 1,
    });
    expect(await values('searches_total')).toEqual({ 'notes yes': 8, 'notes no': 1 });
    expect(await values('failures_total')).toEqual({
      'reasoner qr DENIED': 2,
      'reranker broken BAD_REPLY': 1,
      'none NOT_FOUND': 1,
      '/v1/chat/completions DENIED': 1,
      '/v1/search BAD_INPUT': 1,
      '/v1/models DENIED': 1,
    });
    const requests = await values('requests_total');
    expect(requests).toMatchObject({
      '/v1/search 200': 9,
      '/v1/search 400': 1,
      '/v1/chat/completions 502': 1,
      '/v1/embeddings 200': 1,
      '/v1/rewards 200': 1,
      '/v1/models 401': 1,
      'none 404': 1,
    });
    expect(Object.keys(requests).some((labels) => labels.includes('nowhere'))).toBe(false);
    expect((await values('request_seconds_count'))['/v1/search']).toBe(10);
  });

  it('show what is under way and waits', async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    model.reply = async (response, request) => {
      await held;
      await streamed()(response, request);
    };
    const own = await started({ limits: { generations: { concurrent: 1 } } });
    const asked = ['first', 'second', 'third'].map((query) =>
      own.ask('/v1/reason', { query, reasoner: 'qr' }, headers),
    );
    await expect
      .poll(async () =>
        (await samples(own))
          .filter(({ labels }) => labels['work'] === 'reasoner qr')
          .map(({ labels, value }) => [labels['state'], value]),
      )
      .toEqual([
        ['running', 1],
        ['waiting', 2],
      ]);
    expect((await samples(own)).find(({ name }) => name === 'quern_requests_under_way')!.value).toBe(3);
    release!();
    await Promise.all(asked);
    model.reply = streamed();
    await own.close();
  });

  it('are told to those alone who have a token', async () => {
    expect((await service.ask('/metrics')).status).toBe(401);
  });
});

describe('the log', () => {
  it('is JSON lines with the id of each request, which the answer has too', async () => {
    const given = await service.ask('/v1/models', undefined, { ...headers, 'x-request-id': 'trace-7.a:b_c' });
    expect(given.headers.get('x-request-id')).toBe('trace-7.a:b_c');
    const made = await service.ask('/v1/models', undefined, { ...headers, 'x-request-id': 'two words' });
    const id = made.headers.get('x-request-id')!;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    for (const request of ['trace-7.a:b_c', id]) {
      expect(service.logged.filter((line) => line['request'] === request)).toMatchObject([
        { level: 30, msg: 'answered', method: 'GET', route: '/v1/models', status: 200, token: 'test' },
      ]);
    }
    for (const [path, status] of [
      ['/v1/search', 404],
      ['/nowhere', 404],
      ['/healthz', 200],
    ] as const) {
      const told = await service.ask(path);
      expect([path, told.status, told.headers.has('x-request-id')]).toEqual([path, status, true]);
    }
  });

  it('has no question, no text and no token, whatever happens to the request', async () => {
    const secret = 'quokka habitats in the archipelago of Houtman Abrolhos';
    model.script.push(
      failing(400, { message: `I cannot answer "${secret}"` }),
      failing(400, { message: `cut: ${secret.slice(3, 40)}` }),
      streamed({ pieces: [`a text of ${secret}`] }),
    );
    for (const [path, body] of [
      ['/v1/search', { query: secret, index: 'notes', reasoner: 'qr' }],
      ['/v1/reason', { query: secret, reasoner: 'qr' }],
      ['/v1/reason', { query: secret, reasoner: 'qr' }],
      ['/v1/search', { query: secret, index: secret }],
      ['/v1/search', { query: secret, [secret]: 1 }],
      ['/v1/chat/completions', { model: 'qr', messages: [{ role: 'user', content: secret }], stream: true }],
      ['/v1/embeddings', { model: 'mini', input: secret }],
      ['/v1/rewards', { items: [{ query: secret, completion: secret, positives: [secret] }] }],
      [`/v1/models/${encodeURIComponent(secret)}`, undefined],
    ] as const) {
      await service.ask(path, body, headers);
    }
    await service.ask('/v1/models', undefined, { authorization: `Bearer ${token}wrong` });
    const log = JSON.stringify(service.logged);
    for (const word of ['quokka', 'Houtman', token, 'zymurgical']) expect(log).not.toContain(word);
    const failed = service.logged.filter(({ msg }) => msg === 'a reasoner failed');
    expect(failed.slice(-2).map(({ why }) => why)).toEqual([
      'left out, as it quotes the question',
      'left out, as it quotes the question',
    ]);
  });

  it('has questions and texts where the configuration says so', async () => {
    const own = await started({ log: { questions: true } });
    model.reply = streamed({ pieces: ['bread and water'] });
    const asked = { query: 'why does it rise', index: 'notes', reasoner: 'qr', k: 3 };
    const { headers: told } = await own.ask('/v1/search', asked, headers);
    model.reply = streamed();
    const request = told.get('x-request-id');
    await own.close();
    expect(own.logged.filter((line) => line['request'] === request)).toMatchObject([
      { msg: 'asked', ...asked },
      { msg: 'reasoned', reasoner: 'qr', finish: 'stop', text: 'bread and water' },
      { msg: 'answered', status: 200 },
    ]);
  });
});
