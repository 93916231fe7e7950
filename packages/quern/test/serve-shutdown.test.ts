import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { chunkOf, FakeOpenAiServer, silent, streamed, type FakeReply } from './fake-openai-server.ts';
import { RawConnection, requestText } from './raw-http.ts';
import { quern } from './run-quern.ts';
import { serveProcessesIn } from './serve-process.ts';
import { builtIndex, posted } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const started = serveProcessesIn(folder);
const models: FakeOpenAiServer[] = [];
afterEach(async () => {
  for (const model of models.splice(0)) await model.stop();
});

/** A model that writes nothing before it is let. */
async function heldModel(): Promise<{ readonly model: FakeOpenAiServer; go(): void }> {
  let go!: () => void;
  const let_ = new Promise<void>((resolve) => (go = resolve));
  const model = await FakeOpenAiServer.start();
  models.push(model);
  model.reply = async (response, request) => {
    await let_;
    await streamed()(response, request);
  };
  return { model, go };
}

/** A model that begins and never ends. */
const begun: FakeReply = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`data: ${chunkOf({ delta: { content: 'To begin with ' } })}\n\n`);
};

const question = { query: 'why', reasoner: 'qr' };

/** How a service that cannot begin ends, and what it says but for its log. */
async function failedStart(
  config: Readonly<Record<string, unknown>>,
  args: readonly string[] = [],
): Promise<{ code: number | null; lines: string[] }> {
  const file = join(folder, 'refused.yaml');
  writeFileSync(file, JSON.stringify({ listen: { port: 0 }, cache: 'cache', ...config }));
  const { code, stdout, stderr } = await quern(['serve', '--config', file, ...args]);
  expect(stdout).toBe('');
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  return { code, lines: lines.filter((line) => !/^quern: (serving at|no index)/.test(line)) };
}

describe('quern serve, told to end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'answers what it accepted after %s, refuses what comes meanwhile, and exits with 0',
    async (signal) => {
      const { model, go } = await heldModel();
      const { url, port, told, ended, said } = await started({ reasoners: { qr: model.name() } });
      await said('quern: ready');
      const accepted = posted(`${url}/v1/reason`, question);
      await expect.poll(() => model.underWay).toBe(1);
      const idle = await RawConnection.to(port);
      idle.write(requestText('GET /healthz', { connection: 'keep-alive' }));
      await idle.until(/"ok"/);
      await told(signal);
      const refused = await posted(`${url}/v1/reason`, question);
      expect([refused.status, refused.body.error?.message]).toEqual([503, 'the service is shutting down']);
      expect(refused.headers.get('connection')).toBe('close');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      // One that was there already is told so too.
      idle.write(requestText('GET /readyz', { connection: 'keep-alive' }));
      await idle.ended;
      expect(idle.received).toMatch(/HTTP\/1\.1 503 [^]*connection: close[^]*"draining"/);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      go();
      const { status, body } = await accepted;
      expect([status, body['text']]).toEqual([200, 'Think about it.']);
      expect((await ended).code).toBe(0);
      await expect(fetch(`${url}/healthz`)).rejects.toThrow(/fetch failed/);
    },
  );
  it('breaks off at the end of its patience what has not ended, and says so', async () => {
    const model = await FakeOpenAiServer.start();
    models.push(model);
    model.reply = begun;
    const { url, port, told, ended } = await started({
      reasoners: { qr: { reasoner: model.name(), cached: false } },
      limits: { grace: '300ms' },
    });
    const stream = await RawConnection.to(port);
    const body = JSON.stringify({ ...question, stream: true });
    const head = { 'content-type': 'application/json', 'content-length': String(body.length) };
    stream.write(requestText('POST /v1/reason', head, body));
    await stream.until(/event: piece/);
    const plain = posted(`${url}/v1/reason`, { ...question, sample: 1 });
    await expect.poll(() => model.underWay).toBe(2);
    await told('SIGTERM');
    await stream.ended;
    expect(stream.received).toMatch(
      /event: error\r?\ndata: {"error":{"code":"UNAVAILABLE","message":"the service is shutting/,
    );
    const { status, body: answer } = await plain;
    expect([status, answer.error?.code]).toEqual([503, 'UNAVAILABLE']);
    expect((await ended).code).toBe(0);
    await expect.poll(() => model.underWay).toBe(0);
  });
  it('waits for no client that sends nothing more, or reads nothing', async () => {
    const { port, told, ended } = await started({ limits: { grace: '300ms' } });
    const half = await RawConnection.to(port);
    half.write(
      'POST /v1/reason HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n',
    );
    const headless = await RawConnection.to(port);
    headless.write('GET /healthz HTTP/1.1\r\nhost: loc');
    await told('SIGTERM');
    expect((await ended).code).toBe(0);
    await Promise.all([half.ended, headless.ended]);
  });
  it('ends at once at the second signal', async () => {
    const { model } = await heldModel();
    const { url, child, told, ended } = await started({ reasoners: { qr: model.name() } });
    const accepted = posted(`${url}/v1/reason`, question).catch(() => 'broken off');
    await expect.poll(() => model.underWay).toBe(1);
    await told('SIGTERM');
    child.kill('SIGTERM');
    expect([(await ended).code, await accepted, child.signalCode]).toEqual([null, 'broken off', 'SIGTERM']);
  });
});

describe('quern serve, while it loads its models', () => {
  it('answers what needs none of them, says that it is not ready, and can be told to end', async () => {
    const model = await FakeOpenAiServer.start();
    models.push(model);
    model.models = silent;
    const index = await builtIndex(join(folder, 'ready-index'), { a: 'ash' });
    const { url, told, ended } = await started({
      indexes: { trees: index },
      reasoners: { qr: model.name() },
    });
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'loading' }]);
    const found = await posted(`${url}/v1/search`, { query: 'ash', index: 'trees' });
    expect(found.status).toBe(200);
    await told('SIGTERM');
    const { code, stderr } = await ended;
    expect([code, stderr.includes('quern: ready')]).toEqual([0, false]);
  });
  it('is ready when they are loaded, also where a server of one does not answer', async () => {
    const model = await FakeOpenAiServer.start();
    models.push(model);
    const { url, said } = await started({
      reasoners: { qr: model.name(), gone: { reasoner: 'openai:m@http://127.0.0.1:1/v1', retries: 0 } },
    });
    await said('quern: ready');
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }]);
  });
});

describe('quern serve, where it cannot begin', () => {
  it('says that the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    expect(await failedStart({ listen: { port } })).toEqual({
      code: 2,
      lines: [`quern: port ${port} of 127.0.0.1 is taken. Give another (--port), or 0 for one that is free`],
    });
    server.close();
  });
  it('says that a host is none of this machine, or asks for a token', async () => {
    const unknown = await failedStart({ listen: { host: '192.0.2.1', port: 0 } }, ['--allow-anonymous']);
    expect([unknown.code, unknown.lines.length]).toEqual([2, 1]);
    expect(unknown.lines[0]).toMatch(/192\.0\.2\.1 is no address of this machine/);
    const open = await failedStart({ listen: { host: '0.0.0.0', port: 0 } });
    expect([open.code, open.lines.length]).toEqual([2, 1]);
    expect(open.lines[0]).toMatch(/no token is asked for.*quern serve token/);
  });
  it('says which index is missing or damaged, and where', async () => {
    const missing = await failedStart({ indexes: { trees: 'nowhere.index' } });
    expect([missing.code, missing.lines.length]).toEqual([1, 1]);
    expect(missing.lines[0]).toMatch(/^quern: indexes › trees: .*nowhere\.index: no /);
    const index = await builtIndex(join(folder, 'damaged'), { a: 'ash' });
    const segment = (await readdir(index)).find((name) => name.startsWith('segment-'))!;
    truncateSync(join(index, segment), 100);
    const damaged = await failedStart({ indexes: { trees: index } });
    expect([damaged.code, damaged.lines.length]).toEqual([1, 1]);
    expect(damaged.lines[0]).toMatch(/^quern: indexes › trees: .*segment-1\.quern/);
    mkdirSync(join(folder, 'empty'));
    const empty = await failedStart({ indexes: { trees: 'empty' } });
    expect([empty.code, empty.lines.length]).toEqual([1, 1]);
  });
  it('says which file of a reasoner is missing, and which name is none', async () => {
    const missing = await failedStart({ reasoners: { qr: 'file:nowhere.json' } });
    expect([missing.code, missing.lines.length]).toEqual([1, 1]);
    expect(missing.lines[0]).toMatch(/^quern: reasoners › qr: .*nowhere\.json: no such file/);
    const unknown = await failedStart({ reasoners: { qr: 'lama:x.gguf' } });
    expect([unknown.code, unknown.lines.length]).toEqual([1, 1]);
    expect(unknown.lines[0]).toMatch(/refused\.yaml:1: unknown reasoner "lama:x\.gguf"/);
    const model = await failedStart({ reasoners: { qr: 'llama:./nowhere.gguf' } });
    expect([model.code, model.lines.length]).toEqual([1, 1]);
    expect(model.lines[0]).toMatch(/^quern: reasoners › qr: .*nowhere\.gguf/);
  });
  it('says that the configuration is not there, or an argument too much', async () => {
    const { code, stderr } = await quern(['serve', '--config', join(folder, 'nothing.yaml')]);
    expect([code, stderr]).toEqual([1, `quern: ${join(folder, 'nothing.yaml')}: no such file or folder\n`]);
    expect((await quern(['serve', 'notes.index'])).code).toBe(2);
  });
});
