import { describe, expect, it } from 'vitest';
import { rawAnswer, RawConnection, requestText, statusOf } from './raw-http.ts';
import { posted, servicesIn } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = servicesIn(temporaryFolder());

const search = { query: 'ash', index: 'trees' };
const text = JSON.stringify(search);
const json = { 'content-type': 'application/json' };

/** A search with a body as it is. */
function searchText(body: string, headers: Readonly<Record<string, string>> = json): string {
  return requestText(
    'POST /v1/search',
    { 'content-length': String(Buffer.byteLength(body)), ...headers },
    body,
  );
}

describe('a request whose head is wrong', () => {
  it('is answered 431 where it is too long, whether in one header, in many or in the path', async () => {
    const { port } = await served();
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`x-${i}`, 'yyyyyy']));
    for (const request of [
      requestText('GET /healthz', { x: 'y'.repeat(17_000) }),
      requestText('GET /healthz', many),
      requestText(`GET /${'p'.repeat(17_000)}`),
    ]) {
      expect(statusOf(await rawAnswer(port, request))).toBe(431);
    }
    expect(statusOf(await rawAnswer(port, requestText('GET /healthz', { x: 'y'.repeat(15_000) })))).toBe(200);
  });
  it.each([
    ['two lengths', 'content-length: 5\r\ncontent-length: 6\r\n'],
    ['two lengths in one', 'content-length: 5, 6\r\n'],
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked\r\n'],
    ['chunks that are not the last encoding', 'transfer-encoding: chunked, identity\r\n'],
    ['an encoding that is spelt otherwise', 'transfer-encoding: xchunked\r\n'],
    ['a negative length', 'content-length: -1\r\n'],
    ['a length that is none', 'content-length: 0x10\r\n'],
    ['a space before the colon', 'content-length : 5\r\n'],
    ['a folded header', 'x: a\r\n b: c\r\n'],
    ['a line feed alone', 'x: y\n'],
    ['a zero byte', 'x: \0\r\n'],
  ])('is answered 400, and nothing behind it is read, with %s', async (_, lines) => {
    const service = await served();
    const hidden = requestText('GET /healthz');
    const head = `POST /v1/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${lines}\r\n`;
    const answer = await rawAnswer(service.port, `${head}0\r\n\r\n${hidden}`);
    expect(statusOf(answer)).toBe(400);
    expect(answer).not.toContain('"ok"');
    expect((await posted(`${service.url}/v1/search`, search)).status).toBe(200);
  });
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['another protocol', 'GET / SIP/2.0\r\n\r\n'],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('is answered 400 where it is %s', async (_, bytes) => {
    const { port } = await served();
    expect(statusOf(await rawAnswer(port, bytes))).toBe(400);
  });
  it('is counted', async () => {
    const { port, url } = await served();
    await rawAnswer(port, 'hello\r\n\r\n');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('quern_failures_total{what="connection",code="HPE_INVALID_METHOD"} 1');
  });
});

describe('a path', () => {
  it.each([
    ['/v1/%73earch', 200],
    ['/v1/search/', 404],
    ['//v1/search', 404],
    ['/v1/../v1/search', 404],
    ['/V1/SEARCH', 404],
    ['/v1/search%00', 404],
    ['/v1%2fsearch', 404],
    ['/v1/search;a=b', 404],
    ['/v1/search?__proto__[a]=b&constructor=c', 200],
    ['/%zz', 400],
    ['/%c0%af', 400],
    [`/v1/indexes/${'a'.repeat(5000)}`, 404],
    ['http://elsewhere.example/v1/search', 421],
    ['http://localhost/v1/search', 200],
    ['*', 404],
  ])('is taken as it is written: %s', async (path, status) => {
    const { port } = await served();
    const head = { ...json, 'content-length': String(text.length) };
    const answer = await rawAnswer(port, requestText(`POST ${path}`, head, text));
    expect(statusOf(answer)).toBe(status);
  });
  it('that asks for a token asks for it however it is written', async () => {
    const { port } = await served({
      tokens: [{ name: 'a', scope: 'read', hash: `sha256:${'0'.repeat(64)}` }],
    });
    for (const path of [
      '/v1/search',
      '/v1/%73earch',
      '/v1/search?x',
      '/v1/search#x',
      '/metrics',
      '/%6detrics',
    ]) {
      const method = path.endsWith('etrics') ? 'GET' : 'POST';
      expect(statusOf(await rawAnswer(port, requestText(`${method} ${path}`)))).toBe(401);
    }
  });
});

describe('a method', () => {
  it('HEAD is answered as GET is, without the body', async () => {
    const { port } = await served();
    for (const path of ['/healthz', '/readyz', '/metrics', '/v1/config']) {
      const [head, body] = (await rawAnswer(port, requestText(`HEAD ${path}`))).split('\r\n\r\n');
      expect([statusOf(head!), body]).toEqual([200, '']);
    }
  });
  it.each(['OPTIONS', 'TRACE', 'DELETE', 'PATCH', 'PROPFIND'])(
    '%s is answered 404 where no route has it',
    async (method) => {
      const { port } = await served();
      expect(statusOf(await rawAnswer(port, requestText(`${method} /healthz`)))).toBe(404);
    },
  );
  it('CONNECT opens no way to elsewhere', async () => {
    const { port } = await served();
    expect(await rawAnswer(port, requestText('CONNECT 127.0.0.1:22'))).not.toMatch(/^HTTP\/1\.1 2/);
  });
  it('that asks for another protocol is answered by this one', async () => {
    const { port } = await served();
    const upgrade = { connection: 'close, upgrade', upgrade: 'websocket' };
    expect(statusOf(await rawAnswer(port, requestText('GET /healthz', upgrade)))).toBe(200);
  });
});

describe('a body', () => {
  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/jsonp', 415],
    ['application/json; charset=utf-8', 200],
    ['APPLICATION/JSON', 200],
    ['nonsense', 415],
    ['', 415],
  ])('of the type %j is answered %i', async (type, status) => {
    const { port } = await served();
    const answer = await rawAnswer(port, searchText(text, type === '' ? {} : { 'content-type': type }));
    expect(statusOf(answer)).toBe(status);
    expect(answer.includes('Send JSON')).toBe(status === 415);
  });
  it.each([
    ['nothing', ''],
    ['no JSON', '{"query":'],
    ['two documents', `${text}${text}`],
    ['a list', `[${text}]`],
    ['a text', '"ash"'],
    ['null', 'null'],
    ['compressed by nobody', '\x1f\x8b\x08\x00'],
    ['UTF-16', Buffer.from(text, 'utf16le').toString('latin1')],
    ['the prototype', '{"__proto__":{"query":"ash"},"query":"ash","index":"trees"}'],
    ['the prototype further in', '{"query":"ash","index":"trees","x":{"__proto__":{"k":1}}}'],
    ['the constructor', '{"constructor":{"prototype":{"k":1}},"query":"ash","index":"trees"}'],
    ['a field too many', '{"query":"ash","index":"trees","a/b\\n":1}'],
    ['an endless number', '{"query":"ash","index":"trees","k":1e400}'],
    ['a huge number', '{"query":"ash","index":"trees","k":1e300}'],
    ['a fraction', '{"query":"ash","index":"trees","k":1.5}'],
    ['no number', '{"query":"ash","index":"trees","k":"10"}'],
    ['a number of many digits', `{"query":"ash","index":"trees","k":${'9'.repeat(100_000)}}`],
    ['deep lists', `{"query":"ash","index":"trees","x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['deep objects', `${'{"a":'.repeat(80_000)}1${'}'.repeat(80_000)}`],
    ['deep lists where lists may be', `{"model":"none","messages":${'['.repeat(2e5)}${']'.repeat(2e5)}}`],
  ])('that is %s is answered 400', async (_, body) => {
    const { url } = await served();
    const answer = await posted(`${url}/v1/search`, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.code).toBe('BAD_INPUT');
    expect((await posted(`${url}/v1/search`, search)).status).toBe(200);
  });
  it('that is larger than a question with all that goes with it can be is answered 413', async () => {
    const { url } = await served();
    const body = `{"query":"ash","index":"trees","x":"${'y'.repeat(1 << 20)}"}`;
    expect((await posted(`${url}/v1/search`, body)).status).toBe(413);
    expect((await posted(`${url}/v1/search`, search)).status).toBe(200);
  });
  it('with unknown fields that are deep is taken where unknown fields are, and goes nowhere', async () => {
    const { url } = await served({ log: { level: 'trace', questions: true } });
    const deep = `${'[{"a":'.repeat(60_000)}1${'}]'.repeat(60_000)}`;
    const body = `{"model":"none","messages":[{"role":"user","content":"ash"}],"metadata":${deep}}`;
    expect((await posted(`${url}/v1/chat/completions`, body)).status).toBe(200);
  });
  it('that has a key twice counts with the last one', async () => {
    const { url } = await served();
    const { body } = await posted(`${url}/v1/search`, '{"query":"ash","query":"elm","index":"trees"}');
    expect(body['query']).toBe('elm');
  });
  it('is refused where it is larger than the limit, told or found so', async () => {
    const { url, port } = await served({ limits: { body: '4kB' } });
    const long = JSON.stringify({ ...search, excluded: ['x'.repeat(4000)] });
    expect((await posted(`${url}/v1/search`, long)).status).toBe(413);
    const chunks = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;
    const head = requestText('POST /v1/search', { ...json, 'transfer-encoding': 'chunked' });
    expect(statusOf(await rawAnswer(port, head + chunks))).toBe(413);
    expect((await posted(`${url}/v1/search`, search)).status).toBe(200);
  });
  it('is refused before it comes where its length alone is too much', async () => {
    const { port } = await served();
    const head = { ...json, 'content-length': '99999999999', connection: 'keep-alive' };
    const client = await RawConnection.to(port);
    client.write(requestText('POST /v1/search', head));
    await client.ended;
    expect(statusOf(client.received)).toBe(413);
  });
  it('is taken with the fields at their limits, and refused beyond them', async () => {
    const { url } = await served({ limits: { query: 100, k: 50, excluded: 3 } });
    const statusWith = async (fields: object): Promise<unknown> => {
      const { status, body } = await posted(`${url}/v1/search`, { ...search, ...fields });
      return status === 200 ? 200 : body.error?.where;
    };
    expect(await statusWith({ query: 'a'.repeat(100), k: 50, excluded: ['a', 'b', 'c'] })).toBe(200);
    expect(await statusWith({ query: 'a'.repeat(101) })).toBe('query');
    expect(await statusWith({ k: 51 })).toBe('k');
    expect(await statusWith({ excluded: ['a', 'b', 'c', 'd'] })).toBe('excluded');
    expect(await statusWith({ query: ' \n\u2003 ' })).toBe('query');
  });
});

it('names in requests are those that are declared: no path, address or hub id is looked for', async () => {
  const { url, folder } = await served({ rewards: { overlap: 'lexical' } });
  const names = [
    `${folder}/../trees`,
    '../trees',
    './trees',
    'trees/../trees',
    'file:/etc/passwd',
    'llama:TongSearch/TongSearch-QR-7B',
    'openai:m@http://169.254.169.254/latest',
    'opensearch:i@http://127.0.0.1:9200',
    'dense:onnx:a/b',
    'http://127.0.0.1:1/',
    'join:none,rm3',
    '2*rm3',
    '',
    ' trees',
    'trees\0',
    'ᵗrees',
    '__proto__',
  ];
  const fields: readonly (readonly [string, (name: string) => object, string])[] = [
    ['/v1/search', (name) => ({ ...search, index: name }), 'index'],
    ['/v1/search', (name) => ({ ...search, reasoner: name }), 'reasoner'],
    ['/v1/search', (name) => ({ ...search, retriever: name }), 'retriever'],
    ['/v1/search', (name) => ({ ...search, reranker: name }), 'reranker'],
    ['/v1/reason', (name) => ({ query: 'ash', reasoner: name }), 'reasoner'],
    [
      '/v1/chat/completions',
      (name) => ({ model: name, messages: [{ role: 'user', content: 'ash' }] }),
      'model',
    ],
    ['/v1/embeddings', (name) => ({ model: name, input: 'ash' }), 'model'],
    [
      '/v1/rewards',
      (name) => ({ reward: name, items: [{ query: 'q', completion: 'c', positives: ['p'] }] }),
      'reward',
    ],
  ];
  for (const name of names) {
    for (const [path, body, field] of fields) {
      const { status, body: answer } = await posted(url + path, body(name));
      expect([status, answer.error?.code, answer.error?.where, name]).toEqual([
        400,
        'BAD_INPUT',
        field,
        name,
      ]);
      expect(JSON.stringify(answer)).not.toContain('trees.index');
    }
  }
  for (const [path, body, field] of fields) {
    const { status, body: answer } = await posted(url + path, body('constructor'));
    expect([status, answer.error?.code, answer.error?.where]).toEqual([404, 'NOT_FOUND', field]);
  }
});
