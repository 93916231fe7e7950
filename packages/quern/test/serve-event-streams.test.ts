/** Server-sent events of `POST /v1/reason` and of streamed chat completions, over sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleFolder } from './beir-collection.ts';
import { failing, FakeOpenAiServer, silent, streamed } from './fake-openai-server.ts';
import { startService, type ServiceUnderTest } from './running-service.ts';
import { sentEvents, type SentEvent } from './server-sent-events.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const pieces = ['Starch ', 'takes up — ', 'wäter ', 'and 🙂 swells.'];
const text = pieces.join('');

let model: FakeOpenAiServer;
let service: ServiceUnderTest;

beforeEach(async () => {
  model = await FakeOpenAiServer.start();
  model.reply = streamed({ pieces });
  const one = { retries: 0, cached: false };
  service = await startService(folder, {
    reasoners: {
      recorded: `file:${join(sampleFolder, 'reasoned.json')}`,
      qr: { ...one, reasoner: model.name() },
      kept: { reasoner: model.name('kept'), retries: 0 },
    },
    limits: { generations: { concurrent: 2, waiting: 0 }, grace: 300 },
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await service.close();
  await model.stop();
});

/** Asks for events and reads them to the end. */
async function events(
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<SentEvent[]> {
  const answered = await service.ask(path, body, headers);
  expect(answered.status).toBe(200);
  expect(answered.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  return sentEvents(answered.text);
}

function piecesOf(sent: readonly SentEvent[]): string {
  return sent
    .filter(({ event }) => event === 'piece')
    .map(({ data }) => (JSON.parse(data) as { text: string }).text)
    .join('');
}

/** A connection on which a request has been sent, of which nothing is read yet. */
async function asking(path: string, body: object): Promise<Socket> {
  const { hostname, port, host } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.pause();
  const json = JSON.stringify(body);
  const head = [`POST ${path} HTTP/1.1`, `host: ${host}`, 'content-type: application/json'];
  socket.write(`${[...head, `content-length: ${Buffer.byteLength(json)}`, '', ''].join('\r\n')}${json}`);
  return socket;
}

describe('a stream of a reasoned query', () => {
  it('has the text in pieces, and then the whole as without a stream', async () => {
    const sent = await events('/v1/reason', { query: 'why', reasoner: 'qr', stream: true });
    expect(sent.slice(0, -1).every(({ event }) => event === 'piece')).toBe(true);
    expect(sent.length).toBeGreaterThan(pieces.length);
    expect(piecesOf(sent)).toBe(text);
    const whole = await service.ask('/v1/reason', { query: 'why', reasoner: 'qr' });
    expect(sent.at(-1)!.event).toBe('done');
    const times = { milliseconds: expect.any(Number) as unknown };
    expect(JSON.parse(sent.at(-1)!.data)).toEqual({ ...whole.body, ...times });
    expect(whole.body).toMatchObject({ text, finish: 'stop', promptTokens: 50, completionTokens: 7 });
  });

  it('comes by the header Accept too, unless the body says that it shall not', async () => {
    const body = { query: 'why', reasoner: 'qr' };
    const accept = { accept: 'text/event-stream' };
    expect(piecesOf(await events('/v1/reason', body, accept))).toBe(text);
    const whole = await service.ask('/v1/reason', { ...body, stream: false }, accept);
    expect(whole.body).toMatchObject({ text });
  });

  it('says in the end what was cut of the pieces', async () => {
    const round = 'the starch swells in the hot water and the crumb sets when it cools down again, ';
    model.reply = streamed({ pieces: Array.from({ length: 40 }, () => round) });
    const sent = await events('/v1/reason', { query: 'why', reasoner: 'qr', stream: true });
    const done = JSON.parse(sent.at(-1)!.data) as { text: string; cuts: { kind: string }[] };
    expect(done.cuts.map(({ kind }) => kind)).toEqual(['repeated']);
    expect(piecesOf(sent).startsWith(done.text)).toBe(true);
    expect(piecesOf(sent).length).toBeGreaterThan(done.text.length);
  });

  it('of what is recorded is one piece, and of what failed none', async () => {
    const sent = await events('/v1/reason', { query: 'why', reasoner: 'none', stream: true });
    expect(sent.map(({ event }) => event)).toEqual(['done']);
    model.reply = failing(500);
    const failed = await events('/v1/reason', { query: 'why', reasoner: 'qr', stream: true });
    expect(failed.map(({ event }) => event)).toEqual(['done']);
    expect(JSON.parse(failed[0]!.data)).toMatchObject({
      finish: 'failed',
      text: '',
      failure: { code: 'BAD_REPLY' },
    });
    expect(failed[0]!.data).not.toContain('127.0.0.1');
  });

  it('that fails after the first piece ends with what failed', async () => {
    model.reply = streamed({ pieces: ['a beginning '], finish: null });
    const sent = await events('/v1/reason', { query: 'why', reasoner: 'qr', stream: true });
    expect(piecesOf(sent)).toBe('a beginning ');
    expect(JSON.parse(sent.at(-1)!.data)).toMatchObject({ finish: 'failed', failure: { code: 'BAD_REPLY' } });
    const chat = { model: 'qr', messages: [{ role: 'user', content: 'why' }], stream: true };
    const completion = await events('/v1/chat/completions', chat);
    expect(completion.at(-1)!.event).toBe('error');
    expect(JSON.parse(completion.at(-1)!.data)).toMatchObject({
      error: { code: 'BAD_REPLY', type: 'server_error' },
    });
    expect(completion.some(({ data }) => data === '[DONE]')).toBe(false);
  });

  it('that cannot begin is an answer with a status, and no stream', async () => {
    for (const [body, status] of [
      [{ query: 'why', reasoner: 'nobody' }, 404],
      [{ query: 'why', reasoner: 'recorded' }, 404],
      [{ query: 'why', reasoner: 'rm3' }, 400],
      [{ query: '', reasoner: 'qr' }, 400],
    ] as const) {
      const answered = await service.ask('/v1/reason', { ...body, stream: true });
      expect([answered.status, answered.headers.get('content-type')]).toEqual([
        status,
        'application/json; charset=utf-8',
      ]);
    }
    model.reply = silent;
    const held = [0, 1].map((sample) =>
      asking('/v1/reason', { query: 'why', reasoner: 'qr', sample, stream: true }),
    );
    await expect.poll(() => model.underWay).toBe(2);
    const full = await service.ask('/v1/reason', { query: 'why', reasoner: 'qr', stream: true });
    expect([full.status, Number(full.headers.get('retry-after')) >= 1]).toEqual([429, true]);
    for (const socket of await Promise.all(held)) socket.destroy();
    await expect.poll(() => model.underWay).toBe(0);
  });

  it('is logged and counted as any other answer', async () => {
    await events(
      '/v1/reason',
      { query: 'why', reasoner: 'qr', stream: true },
      { 'x-request-id': 'stream-1' },
    );
    await expect
      .poll(() => service.logged.find(({ request, msg }) => request === 'stream-1' && msg === 'answered'))
      .toMatchObject({ status: 200, route: '/v1/reason' });
    const { text: metrics } = await service.ask('/metrics');
    expect(metrics).toContain('quern_requests_total{route="/v1/reason",status="200"} 1');
  });
});

describe('a client of a stream', () => {
  it.each([
    ['/v1/reason', { query: 'why', reasoner: 'qr', stream: true }, 1],
    ['/v1/reason', { query: 'why', reasoner: 'qr' }, 1],
    ['/v1/chat/completions', { model: 'qr', messages: [{ role: 'user', content: 'why' }], stream: true }, 1],
    ['/v1/chat/completions', { model: 'qr', messages: [{ role: 'user', content: 'why' }], n: 3 }, 2],
  ])('that goes away ends the generation: %s %j', async (path, body, underWay) => {
    model.reply = streamed({ pieces, hang: true, finish: null });
    const socket = await asking(path, body);
    await expect.poll(() => model.underWay).toBe(underWay);
    socket.destroy();
    await expect.poll(() => model.underWay).toBe(0);
    expect(model.bodies).toHaveLength(underWay);
    // Its place is free again.
    model.reply = streamed({ pieces });
    expect((await service.ask('/v1/reason', { query: 'other', reasoner: 'qr' })).body).toMatchObject({
      text,
    });
  });

  it('that goes away leaves the generation to others who asked the same', async () => {
    let finish: (() => void) | undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    model.reply = async (response, request) => {
      await finished;
      await streamed({ pieces })(response, request);
    };
    const body = { query: `shared ${Math.random()}`, reasoner: 'kept', stream: true };
    const socket = await asking('/v1/reason', body);
    await expect.poll(() => model.underWay).toBe(1);
    const other = events('/v1/reason', body);
    await expect
      .poll(async () => (await service.ask('/metrics')).text)
      .toContain('\nquern_requests_under_way 2\n');
    // It has yet to look into the cache.
    await pause(200);
    socket.destroy();
    await pause(50);
    finish!();
    expect(piecesOf(await other)).toBe(text);
    expect(model.bodies).toHaveLength(1);
  });

  it('that goes away is logged and counted as one that has gone', async () => {
    model.reply = silent;
    const socket = await asking('/v1/reason', { query: 'why', reasoner: 'qr' });
    await expect.poll(() => model.underWay).toBe(1);
    socket.destroy();
    await expect
      .poll(() => service.logged.filter(({ route }) => route === '/v1/reason'))
      .toMatchObject([{ status: 499, msg: 'answered' }]);
    const { text: metrics } = await service.ask('/metrics');
    expect(metrics).toContain('quern_requests_total{route="/v1/reason",status="499"} 1');
  });

  it('is sent a comment where there is nothing else to send', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    model.reply = streamed({ pieces: ['a '], hang: true, finish: null });
    const socket = await asking('/v1/reason', { query: 'why', reasoner: 'qr', stream: true });
    let read = '';
    socket.on('data', (bytes: Buffer) => (read += bytes.toString()));
    socket.resume();
    await expect.poll(() => read).toContain('event: piece');
    expect(read).not.toContain('\n:\n');
    vi.advanceTimersByTime(15_000);
    await expect.poll(() => read).toContain('\n:\n\n');
    socket.destroy();
    await expect.poll(() => model.underWay).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is told so where the service shuts down and its patience is at an end', async () => {
    model.reply = streamed({ pieces: ['a '], hang: true, finish: null });
    const socket = await asking('/v1/reason', { query: 'why', reasoner: 'qr', stream: true });
    let read = '';
    socket.on('data', (bytes: Buffer) => (read += bytes.toString()));
    socket.resume();
    await expect.poll(() => read).toContain('event: piece');
    await service.close();
    expect(read).toContain(
      'event: error\ndata: {"error":{"code":"UNAVAILABLE","message":"the service is shutting down"',
    );
    expect(model.underWay).toBe(0);
  });
});
