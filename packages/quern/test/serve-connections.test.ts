/** What a service makes of clients, proxies and browsers that are not as usual, by what comes back on the wire. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { newToken, tokenHash } from '../src/serve/configuration/tokens.ts';
import { FakeOpenAiServer, silent } from './fake-openai-server.ts';
import { rawClient, requestHead } from './raw-client.ts';
import { services } from './served.ts';

const served = services();
const json = { 'content-type': 'application/json' };
const tokens = [{ name: 'a', scope: 'read', hash: `sha256:${tokenHash(newToken())}` }];

describe('a client that goes on sending after its answer', () => {
  it.each([
    ['the token is missing', 401, 'POST', '/v1/search'],
    ['there is no such route', 404, 'POST', '/v1/nothing'],
    ['no body is read', 200, 'GET', '/healthz'],
  ])('is not read for long where %s', async (_, status, method, path) => {
    const { port } = await served({ tokens });
    const head = requestHead(method, path, { 'content-length': 100_000 });
    const { socket, received, ended } = rawClient(port, head);
    const timer = setInterval(() => socket.writable && socket.write(' '), 50);
    await ended.finally(() => clearInterval(timer));
    expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

it('who asks for no route of it is told where routes are listed', async () => {
  const { ask } = await served();
  const { status, body } = await ask('GET', '/index.php');
  expect([status, body]).toMatchObject([
    404,
    { error: expect.objectContaining({ hint: expect.stringContaining('GET /docs') }) },
  ]);
});

it('a request that is still under way when patience ends is told to ask another', async () => {
  const model = await FakeOpenAiServer.start(silent);
  onTestFinished(() => model.stop());
  const { ask, running } = await served({
    'limits.grace': 100,
    'reasoners.qr': `openai:m@${model.url}`,
  });
  const asked = [
    ask('POST', '/v1/reason', { headers: json, body: '{"query":"why","reasoner":"qr"}' }),
    ask('POST', '/v1/chat/completions', {
      headers: json,
      body: '{"model":"qr","messages":[{"role":"user","content":"why"}]}',
    }),
  ];
  await expect
    .poll(async () => (await ask('GET', '/metrics')).body)
    .toContain('\nquern_requests_under_way 2\n');
  await running.close();
  for (const { status, headers, body } of await Promise.all(asked)) {
    expect([status, headers.get('retry-after')]).toEqual([503, expect.any(String)]);
    expect(body).toMatchObject({ error: { code: 'UNAVAILABLE', message: 'the service is shutting down' } });
  }
});

it('pages of declared origins may send whatever the routes take', async () => {
  const { ask } = await served({ 'listen.origins': ['https://app.example.org'] });
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const headers = { origin: 'https://app.example.org', 'access-control-request-method': method };
    const answer = await ask('OPTIONS', '/v1/indexes', { headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-methods')).toContain(method);
  }
});

it('behind a proxy, an address that the client makes up is not counted as its own', async () => {
  const { ask } = await served({ 'listen.proxy': true, 'limits.perMinute': 2 });
  const statuses: number[] = [];
  for (const made of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
    const headers = { 'x-forwarded-for': `${made}, 203.0.113.7` };
    statuses.push((await ask('GET', '/v1/indexes', { headers })).status);
  }
  expect(statuses).toEqual([200, 200, 429]);
  const other = await ask('GET', '/v1/indexes', { headers: { 'x-forwarded-for': '203.0.113.8' } });
  expect(other.status).toBe(200);
});

it.each([
  ['cannot be decoded', 400, '/v1/indexes/%zz'],
  ['is too long', 414, `/v1/indexes/${'a'.repeat(300)}`],
])('an address that %s is refused as everything is', async (_, status, path) => {
  const { port } = await served();
  const answer = await rawClient(port, requestHead('GET', path, { connection: 'close' })).ended;
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*"error":\\{"code":"BAD_INPUT",`, 's'));
});
