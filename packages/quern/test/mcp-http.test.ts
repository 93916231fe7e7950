/** MCP over streamable HTTP: the official client at a server that listens. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serve, type RunningService, type ServeOptions } from '../src/serve/serve.ts';
import { failing, FakeOpenAiServer, onlyHeaders, streamed } from './fake-openai-server.ts';
import { configOf, question, recorded, returned, sampleIndex } from './mcp-service.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
let sample: string;
beforeAll(async () => {
  sample = await sampleIndex(folder);
});

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

const silent = { write: (): void => undefined };

/** A service that listens at a free port. */
async function served(
  parts: Readonly<Record<string, unknown>> = {},
  { env = {}, ...options }: ServeOptions & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<RunningService> {
  const config = await configOf(
    folder,
    { listen: { port: 0 }, indexes: { notes: sample }, reasoners: { rec: recorded }, ...parts },
    env,
  );
  const running = await serve(config, { logTo: silent, env: {}, ...options });
  closings.push(() => running.close());
  await running.ready;
  return running;
}

/** A client of a service, with the headers that it sends. */
async function connected(
  { url }: RunningService,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
  closings.push(() => client.close());
  // The transport's `sessionId` may be undefined, which its interface does not say so.
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return { client, transport };
}

async function model(...replies: Parameters<typeof FakeOpenAiServer.start>): Promise<FakeOpenAiServer> {
  const server = await FakeOpenAiServer.start(...replies);
  closings.push(() => server.stop());
  return server;
}

const listing = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

/** What is answered to a request with headers that fetch would not send. */
function posted(
  { url }: RunningService,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: Readonly<Record<string, unknown>>; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      `${url}/mcp`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      },
      async (response) =>
        resolve({ status: response.statusCode!, headers: response.headers, body: await text(response) }),
    );
    sent.on('error', reject);
    sent.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

describe('an agent over HTTP', () => {
  it('lists, searches and reasons', async () => {
    const { client } = await connected(await served());
    const { tools } = await client.listTools();
    expect(tools).toHaveLength(3);
    expect(await returned(client, 'list_indexes')).toMatchObject({
      indexes: [{ name: 'notes', documents: 135 }],
    });
    expect(await returned(client, 'search', { question, reasoner: 'rec', k: 2 })).toMatchObject({
      reasoner: 'rec',
      hits: [{ rank: 1 }, { rank: 2 }],
    });
    expect(await returned(client, 'reason', { question, reasoner: 'rec' })).toMatchObject({ finish: 'stop' });
  });
  it('is answered by the same service as the rest of the API, or by one for agents alone', async () => {
    const all = await served();
    const alone = await served({}, { onlyMcp: true });
    const ask = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await fetch(`${all.url}/v1/search`, ask)).status).toBe(400);
    expect((await fetch(`${alone.url}/v1/search`, ask)).status).toBe(404);
    expect((await fetch(`${alone.url}/healthz`)).status).toBe(200);
    const { client } = await connected(alone);
    expect(await returned(client, 'search', { question })).toMatchObject({ index: 'notes' });
  });
  it('goes on after the service was started anew, since nothing is kept of a session', async () => {
    const first = await served();
    const { port } = new URL(first.url);
    const { client } = await connected(first);
    await client.listTools();
    await first.close();
    await served({ listen: { port: Number(port) } });
    expect(await returned(client, 'search', { question })).toMatchObject({ index: 'notes' });
  });
  it('is told of progress while a model reasons', async () => {
    const fake = await model(streamed());
    const { client } = await connected(await served({ reasoners: { qr: fake.name() } }));
    const told: unknown[] = [];
    const given = { name: 'search', arguments: { question, reasoner: 'qr' } };
    await client.callTool(given, undefined, { onprogress: (each) => told.push(each) });
    expect(told[0]).toEqual({ progress: 1, message: 'reasoning with qr' });
  });
  it('finds no stream of its own, which clients take for an answer', async () => {
    const { url } = await served();
    const answer = await fetch(`${url}/mcp`, { headers: { accept: 'text/event-stream' } });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, DELETE');
  });
});

/** A call that a model is at work for. */
async function underWay(
  headers: Readonly<Record<string, string>> = {},
  parts: Readonly<Record<string, unknown>> = {},
  env = {},
) {
  const fake = await model(onlyHeaders, onlyHeaders);
  const running = await served({ reasoners: { qr: fake.name() }, ...parts }, { env });
  const { client, transport } = await connected(running, headers);
  const controller = new AbortController();
  const given = { name: 'reason', arguments: { question, reasoner: 'qr' } };
  const called = client.callTool(given, undefined, { signal: controller.signal });
  const ended = called.then(
    () => 'answered',
    (error: Error) => `broken off: ${error.message}`,
  );
  await expect.poll(() => fake.underWay).toBe(1);
  return { fake, running, client, transport, controller, ended };
}

describe('what an agent no longer waits for ends at the model', () => {
  it('when it cancels the call', async () => {
    const { fake, client, controller, ended } = await underWay();
    controller.abort('enough');
    expect(await ended).toMatch(/^broken off/);
    await expect.poll(() => fake.underWay).toBe(0);
    expect(await returned(client, 'search', { question })).toMatchObject({ index: 'notes' });
  });
  it('when it goes', async () => {
    const { fake, client, ended } = await underWay();
    await client.close();
    expect(await ended).toMatch(/^broken off/);
    await expect.poll(() => fake.underWay).toBe(0);
  });
  it('when it ends its session', async () => {
    const { fake, transport, client, ended } = await underWay();
    await transport.terminateSession();
    await expect.poll(() => fake.underWay).toBe(0);
    await client.close();
    expect(await ended).toMatch(/^broken off/);
  });
  it('but not when another cancels a call of the same number, in another session or with another token', async () => {
    const token = 'first-token-of-16+';
    const other = 'other-token-of-16+';
    const headers = { authorization: `Bearer ${token}` };
    const tokens = [
      { name: 'first', scope: 'read', variable: 'FIRST' },
      { name: 'other', scope: 'read', variable: 'OTHER' },
    ];
    const env = { FIRST: token, OTHER: other };
    const { fake, running, transport, controller } = await underWay(headers, { tokens }, env);
    const session = { 'mcp-session-id': transport.sessionId! };
    // The client's numbers are small: initialize is 0.
    for (const requestId of [0, 1, 2, 3, '1']) {
      const cancelling = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } };
      const theirs = { authorization: `Bearer ${other}` };
      expect((await posted(running, cancelling, { ...theirs, ...session })).status).toBe(202);
      expect((await posted(running, cancelling, headers)).status).toBe(202);
      expect((await posted(running, cancelling, { ...headers, 'mcp-session-id': 'guessed' })).status).toBe(
        202,
      );
    }
    expect(fake.underWay).toBe(1);
    controller.abort('enough');
    await expect.poll(() => fake.underWay).toBe(0);
  });
  it('when the service ends and its patience is over', async () => {
    const { fake, running, ended } = await underWay({}, { limits: { grace: 50 } });
    await running.close();
    expect(await ended).toMatch(/the service is shutting down$/);
    await expect.poll(() => fake.underWay).toBe(0);
  });
});

describe('who may ask', () => {
  const token = 'a-token-of-16-characters';
  const tokens = [{ name: 'ci', scope: 'read', variable: 'CI_TOKEN' }];

  it('is who shows a token, where tokens are declared', async () => {
    const running = await served({ tokens }, { env: { CI_TOKEN: token } });
    await expect(connected(running)).rejects.toThrow('the token is missing');
    await expect(connected(running, { authorization: 'Bearer another-token-1234' })).rejects.toThrow('wrong');
    const { client } = await connected(running, { authorization: `Bearer ${token}` });
    expect(await returned(client, 'search', { question })).toMatchObject({ index: 'notes' });
  });
  it('is no page elsewhere, and nobody under a name that is none of the service', async () => {
    const running = await served();
    expect((await posted(running, listing)).status).toBe(200);
    expect((await posted(running, listing, { host: 'evil.example' })).status).toBe(421);
    expect((await posted(running, listing, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await posted(running, listing, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });
  it('is nobody beyond the requests of a minute', async () => {
    const running = await served({ limits: { perMinute: 2 } });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await posted(running, listing)).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
  it('is nobody while the service shuts down', async () => {
    const running = await served();
    const { client } = await connected(running);
    await running.close();
    await expect(client.listTools()).rejects.toThrow(/./);
  });
});

describe('what is no message of the protocol is refused', () => {
  it.each([
    ['no JSON', '{"jsonrpc":', 400, /JSON/],
    ['no message of JSON-RPC', { hello: 'world' }, 400, /Invalid JSON-RPC message/],
    ['several at once, which would count as one', [listing, listing], 400, /is not one message/],
    ['more than a body may hold', { ...listing, params: { more: 'a'.repeat(200_000) } }, 413, /too large/],
  ])('%s', async (_, body, status, words) => {
    const running = await served({ limits: { body: 100_000 } });
    const answer = await posted(running, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatch(words);
    expect((await posted(running, listing)).status).toBe(200);
  });
  it.each([
    [{ 'content-type': 'text/plain' }, 415],
    [{ accept: 'application/json' }, 406],
    [{ 'mcp-protocol-version': '1999-01-01' }, 400],
  ])('headers %o', async (headers, status) => {
    expect((await posted(await served(), listing, headers)).status).toBe(status);
  });
  it('and a method that is none is told to be none', async () => {
    const answer = await posted(await served(), { ...listing, method: 'resources/list' });
    expect(answer.body).toMatch(/"code":-32601/);
  });
});

it('a session has an id that nobody can guess', async () => {
  const running = await served();
  const { transport: one } = await connected(running);
  const { transport: two } = await connected(running);
  expect(one.sessionId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(two.sessionId).not.toBe(one.sessionId);
});

it('what a model fails with is logged with the request, and not told', async () => {
  const server = await model();
  server.reply = failing(400, { message: 'the GPU at 10.0.0.7 is gone' });
  const lines: Record<string, unknown>[] = [];
  const running = await served(
    { reasoners: { qr: `openai:served@${server.url}` } },
    { logTo: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } },
  );
  const { client } = await connected(running);
  const answer = await client.callTool({ name: 'search', arguments: { question, reasoner: 'qr' } });
  expect(JSON.stringify(answer)).not.toContain('10.0.0.7');
  expect(lines.find(({ msg }) => msg === 'a reasoner failed')).toMatchObject({
    reasoner: 'qr',
    request: expect.any(String),
    why: expect.stringContaining('the GPU at 10.0.0.7 is gone'),
  });
  expect(JSON.stringify(lines)).not.toContain('mushrooms');
});
