/** The OpenAPI document of the service, held by a validator of its own and by what the service really takes and answers. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCorpus } from '../src/collections/open-corpus.ts';
import { indexCorpus } from '../src/lexical/index-corpus.ts';
import { tokenHash } from '../src/serve/configuration/tokens.ts';
import { buildRoutes } from '../src/serve/http/routes/build-routes.ts';
import { corpusRoutes } from '../src/serve/http/routes/corpus-routes.ts';
import { indexRoutes } from '../src/serve/http/routes/index-routes.ts';
import { openAiRoutes } from '../src/serve/http/routes/openai-routes.ts';
import { rewardRoutes } from '../src/serve/http/routes/reward-routes.ts';
import { runRoutes } from '../src/serve/http/routes/run-routes.ts';
import { searchRoutes } from '../src/serve/http/routes/search-routes.ts';
import { setRoutes } from '../src/serve/http/routes/set-routes.ts';
import { mcpRoutes } from '../src/serve/mcp/http.ts';
import { Runs } from '../src/serve/runs/runs.ts';
import { Sets } from '../src/serve/sets/sets.ts';
import { sampleFolder } from './beir-collection.ts';
import { chromium, visit } from './chromium.ts';
import { failing, FakeOpenAiServer, json, streamed } from './fake-openai-server.ts';
import { startService, type ServiceUnderTest } from './running-service.ts';
import { sentEvents } from './server-sent-events.ts';
import { temporaryFolder } from './temporary-folder.ts';

type Json = Readonly<Record<string, unknown>>;

interface Media {
  readonly schema?: Json;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly unknown[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, { readonly $ref?: string; readonly content?: Readonly<Record<string, Media>> }>
  >;
}

interface ApiDocument {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>;
    readonly responses: Readonly<
      Record<string, { readonly content: Readonly<Record<string, Media>>; readonly headers?: Json }>
    >;
  };
}

const folder = temporaryFolder();
const token = 'a-token-of-more-than-thirty-two-characters';
const authorized = { authorization: `Bearer ${token}` };
const question = 'why does my bread not rise';

let model: FakeOpenAiServer;
let service: ServiceUnderTest;
let document: ApiDocument;

beforeAll(async () => {
  model = await FakeOpenAiServer.start();
  model.routes.set('POST /v1/embeddings', (response, request) => {
    const { input } = request.body as { input: string[] };
    return json(200, { data: input.map((_, index) => ({ index, embedding: [index, 1, 0.5] })) })(
      response,
      request,
    );
  });
  model.routes.set('POST /v1/rerank', json(200, { results: [] }));
  await indexCorpus(await openCorpus(join(sampleFolder, 'corpus.jsonl')), {
    out: join(folder, 'notes.index'),
    store: true,
  });
  service = await startService(folder, {
    indexes: { notes: './notes.index' },
    reasoners: {
      qr: { reasoner: model.name(), retries: 0, prices: { input: 1, output: 2, currency: 'EUR' } },
      several: `join:rm3,2*${model.name('other')}`,
    },
    embedders: { mini: `openai:mini@${model.url}` },
    rerankers: { broken: `rerank:broken@${model.url}` },
    rewards: { overlap: 'lexical' },
    data: './data',
    tokens: [{ name: 'test', scope: 'admin', hash: `sha256:${tokenHash(token)}` }],
    limits: { body: 20_000 },
  });
  await fetch(`${service.url}/v1/corpora/recipes/corpus.jsonl`, {
    method: 'PUT',
    headers: { ...authorized, 'content-type': 'application/x-ndjson' },
    body: '{"_id": "bread", "text": "Yeast needs warmth."}\n',
  });
  document = (await service.ask<ApiDocument>('/openapi.json')).body;
}, 60_000);
afterAll(async () => {
  await service?.close();
  await model?.stop();
});

/** A schema that lets no field pass that it does not name. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  return 'properties' in copy && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}

/** Checks values against a schema of the document, in which every field must be named. */
function validatorOf(schema: Json | undefined): ValidateFunction {
  expect(schema).toBeDefined();
  return new Ajv2020({ strict: false, allErrors: true }).compile(strict(schema) as object);
}

/** Throws what is wrong with a value by a schema. */
function expectValid(schema: Json | undefined, value: unknown): void {
  const validate = validatorOf(schema);
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
}

/** The schema of what an operation answers. */
function answerOf(path: string, method: string, type = 'application/json', status = '200'): Json | undefined {
  return document.paths[path]![method]!.responses[status]!.content![type]!.schema;
}

/** All operations: path, method and what is said of it. */
function operations(): [string, string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
  );
}

describe('the OpenAPI document', () => {
  it('is valid by OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
    expect([valid, errors]).toEqual([true, undefined]);
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  it('has every route, each in a group that is described and with a name of its own', () => {
    const routes = [
      ...[searchRoutes, openAiRoutes, rewardRoutes, mcpRoutes].flatMap((of) => of(service.service)),
      ...[corpusRoutes, indexRoutes, buildRoutes].flatMap((of) => of(service.service, undefined)),
      ...runRoutes(new Runs([])),
      ...setRoutes(new Sets([])),
    ];
    const documented = operations().map(([path, method]) => `${method.toUpperCase()} ${path}`);
    for (const { method, path } of routes) {
      expect(documented).toContain(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    }
    expect(documented).toEqual(
      expect.arrayContaining(['GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /v1/config']),
    );
    const groups = document.tags.map(({ name }) => name);
    for (const [, , { tags, summary }] of operations()) {
      expect(groups).toEqual(expect.arrayContaining([...tags]));
      expect(summary).toMatch(/\.$/);
    }
    const names = operations().map(([, , { operationId }]) => operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has examples of bodies that are taken, and of answers that are as they are described', async () => {
    let taken = 0;
    for (const [path, method, { requestBody, responses }] of operations()) {
      const media = requestBody?.content['application/json'];
      const bodies = [media?.example, ...Object.values(media?.examples ?? {}).map(({ value }) => value)];
      for (const body of bodies.filter((each) => each !== undefined)) {
        expectValid(media!.schema, body);
        const { status, text, body: told } = await service.ask(path, body, authorized);
        const good = Object.keys(responses).find((each) => each.startsWith('2'));
        expect([path, status, text]).toEqual([path, Number(good), text]);
        expectValid(answerOf(path, method, 'application/json', good), told);
        taken++;
      }
      for (const { content } of Object.values(responses)) {
        const { schema } = content?.['application/json'] ?? {};
        for (const example of (schema?.['examples'] ?? []) as unknown[]) expectValid(schema, example);
      }
    }
    expect(taken).toBeGreaterThanOrEqual(6);
  });

  it('says of each body what is not taken, as the service does', async () => {
    const wrong: [string, Json, Json][] = [
      ['/v1/search', { query: question, index: 'notes' }, { k: 0 }],
      ['/v1/search', { query: question, index: 'notes' }, { query: '' }],
      ['/v1/search', { query: question, index: 'notes' }, { extra: 1 }],
      ['/v1/search', { query: question, index: 'notes' }, { join: 'sum' }],
      ['/v1/reason', { query: question, reasoner: 'qr' }, { sample: -1 }],
      ['/v1/chat/completions', { model: 'qr', messages: [{ role: 'user', content: question }] }, { n: 17 }],
      ['/v1/embeddings', { model: 'mini', input: question }, { input: [] }],
      ['/v1/rewards', { items: [{ query: 'a', completion: 'b', positives: ['c'] }] }, { items: [] }],
    ];
    for (const [path, body, change] of wrong) {
      const validate = new Ajv2020({ strict: false }).compile(
        document.paths[path]!['post']!.requestBody!.content['application/json']!.schema as object,
      );
      expect([path, validate(body)]).toEqual([path, true]);
      expect([path, change, validate({ ...body, ...change })]).toEqual([path, change, false]);
      expect((await service.ask(path, body, authorized)).status).toBe(200);
      expect((await service.ask(path, { ...body, ...change }, authorized)).status).toBe(400);
    }
  });

  it.each<[string, Json]>([
    ['/v1/search', { reasoner: 'rm3', explain: true }],
    ['/v1/search', { reasoner: 'qr', explain: true, rounds: 2, earlyStop: true, keyTerms: 0.5 }],
    ['/v1/search', { reasoner: 'several', join: 'interpolate', explain: true }],
    ['/v1/search', { reasoner: 'qr', combine: 'rrf', explain: true, reranker: 'broken' }],
    ['/v1/reason', { reasoner: 'qr', sample: 3 }],
  ])('describes what %s answers to %j', async (path, asked) => {
    const { query, index } = { query: question, index: 'notes' };
    const body = path === '/v1/search' ? { query, index, ...asked } : { query, ...asked };
    const { status, body: told } = await service.ask(path, body, authorized);
    expect(status).toBe(200);
    expectValid(answerOf(path, 'post'), told);
  });

  it('describes what is answered where a reasoner fails', async () => {
    model.reply = failing(500);
    const body = { query: 'another question', index: 'notes', reasoner: 'qr', explain: true };
    expectValid(answerOf('/v1/search', 'post'), (await service.ask('/v1/search', body, authorized)).body);
    const chat = { model: 'qr', messages: [{ role: 'user', content: 'another question' }] };
    const { status, body: told } = await service.ask('/v1/chat/completions', chat, authorized);
    model.reply = streamed();
    expect(status).toBe(502);
    expectValid(answerOf('/v1/chat/completions', 'post', 'application/json', '502'), told);
  });

  it('describes the events of a streamed completion', async () => {
    const schema = answerOf('/v1/chat/completions', 'post', 'text/event-stream')!['contentSchema'] as Json;
    const body = { model: 'qr', stream: true, messages: [{ role: 'user', content: question }] };
    const asked = { ...body, stream_options: { include_usage: true } };
    const { text } = await service.ask('/v1/chat/completions', asked, authorized);
    const chunks = sentEvents(text).slice(0, -1);
    expect(chunks.length).toBeGreaterThan(3);
    for (const { data } of chunks) expectValid(schema, JSON.parse(data));
  });

  it('describes what is answered to who only asks', async () => {
    for (const [path, described = path] of [
      ['/healthz'],
      ['/readyz'],
      ['/v1/config'],
      ['/v1/models'],
      ['/v1/models/qr', '/v1/models/{model}'],
    ] as const) {
      const { status, body } = await service.ask(path, undefined, authorized);
      expect([path, status]).toEqual([path, 200]);
      expectValid(answerOf(described, 'get'), body);
    }
  });

  it('has the errors of all routes once, and each route says which it can have', async () => {
    const schema = document.components.schemas['Error'];
    for (const { content } of Object.values(document.components.responses)) {
      expect(content['application/json']!.schema).toEqual({ $ref: '#/components/schemas/Error' });
      expectValid(schema, content['application/json']!.example);
    }
    for (const [path, method, { security, requestBody, parameters, responses }] of operations()) {
      const statuses = Object.keys(responses);
      const expected = security.length === 0 ? [] : ['401', '403', '429', '500', '503'];
      if (security.length > 0 && (requestBody ?? parameters)) expected.push('400', '404');
      if (security.length > 0 && requestBody) expected.push('413', '415');
      expect([path, method, statuses]).toEqual([path, method, expect.arrayContaining(expected) as unknown]);
    }
    const search = { query: question, index: 'notes' };
    for (const [status, ask] of [
      [400, () => service.ask('/v1/search', { ...search, k: 0 }, authorized)],
      [401, () => service.ask('/v1/search', search)],
      [403, () => service.ask('/v1/search', search, { ...authorized, origin: 'http://elsewhere.example' })],
      [404, () => service.ask('/v1/search', { ...search, index: 'none' }, authorized)],
      [413, () => service.ask('/v1/search', { ...search, query: 'x'.repeat(30_000) }, authorized)],
      [415, () => service.ask('/v1/search', search, { ...authorized, 'content-type': 'text/plain' })],
    ] as const) {
      const answered = await ask();
      expect(answered.status).toBe(status);
      const { $ref } = document.paths['/v1/search']!['post']!.responses[String(status)]!;
      expect($ref).toMatch(/^#\/components\/responses\/\w+$/);
      expectValid(schema, answered.body);
      const { code, type } = (answered.body as { error: Record<string, string> }).error;
      const { example } =
        document.components.responses[$ref!.split('/').at(-1)!]!.content['application/json']!;
      expect((example as { error: object }).error).toMatchObject({ code, type });
    }
  });
});

describe('docs/SERVICE.md', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/SERVICE.md'), 'utf8');

  it('asks what the service answers', async () => {
    const asked = Array.from(
      text.matchAll(/curl http:\/\/127\.0\.0\.1:8080(\/\S+)[^`']*'[^']*'[^`']*-d '([^']*)'/g),
    );
    expect(asked.length).toBeGreaterThanOrEqual(5);
    for (const [, path, body] of asked) {
      const { status, text: told } = await service.ask(path!, JSON.parse(body!), authorized);
      expect([path, status, told]).toEqual([path, 200, told]);
    }
  });

  it('has every field of a search, and no other', () => {
    const section = text.slice(text.indexOf('### A search'), text.indexOf('### A search that is watched'));
    const fields = Array.from(section.matchAll(/^\| `(\w+)` /gm), ([, name]) => name);
    const schema = document.paths['/v1/search']!['post']!.requestBody!.content['application/json']!.schema!;
    expect(fields.sort()).toEqual(Object.keys(schema['properties'] as object).sort());
  });

  it('has every status that routes have in common', () => {
    const section = text.slice(text.indexOf('### Errors'));
    const statuses = Array.from(section.matchAll(/^\| (\d{3}) /gm), ([, status]) => status);
    const documented = operations().flatMap(([, , { responses }]) => Object.keys(responses));
    for (const status of new Set(documented.filter((each) => each >= '400')))
      expect(statuses).toContain(status);
  });
});

describe.skipIf(chromium === undefined)('the page of the API', () => {
  it('shows the operations in a browser, with no script or style that its policy forbids', async () => {
    for (const place of ['', '#/Search/postV1Search']) {
      const shown = await visit(`${service.url}/docs${place}`, join(folder, 'profile'), 8000);
      for (const path of Object.keys(document.paths)) expect(shown.html).toContain(`data-path="${path}"`);
      expect(shown.html).toContain('<title>API · Quern</title>');
      expect(shown.html).toContain('Answer a question from an index.');
      expect(shown.html).not.toMatch(/<style|<script>|<script (?!src=)/);
      expect(shown.console).toEqual([]);
    }
  });

  it('would tell what its policy forbids', async () => {
    const page = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': "style-src 'self'" });
      response.end('<body style="color: red">');
    });
    await new Promise<void>((listening) => page.listen(0, '127.0.0.1', listening));
    const { port } = page.address() as AddressInfo;
    const shown = await visit(`http://127.0.0.1:${port}/`, join(folder, 'profile'), 1000);
    page.close();
    expect(shown.console.join()).toContain('Content Security Policy');
  });

  it('is shown to who follows a link from elsewhere, which the API itself is not', async () => {
    const elsewhere = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    for (const [path, status] of [
      ['/docs', 200],
      ['/docs/static/swagger-ui.css', 200],
      ['/openapi.json', 200],
      ['/v1/models', 403],
    ] as const) {
      expect([path, (await service.ask(path, undefined, elsewhere)).status]).toEqual([path, status]);
    }
  });
});
