import { afterEach, describe, expect, it } from 'vitest';
import {
  destroyed,
  FakeOpenAiServer,
  failing,
  refusing,
  streamed,
  type FakeReply,
} from '../../../test/fake-openai-server.ts';
import { OpenAiReasoner, type OpenAiReasonerOptions } from '../openai.ts';
import { retryWait } from '../../models/openai/openai-retry.ts';

describe('the wait before a request is sent again', () => {
  it('lies anywhere between nothing and a bound that doubles, up to 20 s', () => {
    expect([0, 1, 2, 3, 5, 6, 100].map((retries) => retryWait(retries, () => 1))).toEqual([
      500, 1000, 2000, 4000, 16_000, 20_000, 20_000,
    ]);
    expect(retryWait(3, () => 0)).toBe(0);
    expect(retryWait(3, () => 0.25)).toBe(1000);
  });

  it('is never shorter than what the server asks for', () => {
    expect(retryWait(0, () => 1, 30_000)).toBe(30_000);
    expect(retryWait(3, () => 1, 30)).toBe(4000);
  });
});

describe('a request that fails', () => {
  const servers: FakeOpenAiServer[] = [];

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  /** A server that follows the script, a reasoner that waits for nothing, and the waits that it would have made. */
  async function waiting(
    script: FakeReply[],
    options: Partial<OpenAiReasonerOptions> = {},
  ): Promise<{ server: FakeOpenAiServer; reasoner: OpenAiReasoner; waits: number[] }> {
    const server = await FakeOpenAiServer.start(...script);
    servers.push(server);
    const waits: number[] = [];
    const reasoner = OpenAiReasoner.create({
      name: server.name(),
      env: {},
      sleep: async (milliseconds) => void waits.push(milliseconds),
      random: () => 1,
      ...options,
    });
    return { server, reasoner, waits };
  }

  it.each([408, 409, 429, 500, 502, 503, 504, 529])('with %i is sent again, the same', async (status) => {
    const { server, reasoner, waits } = await waiting([failing(status), failing(status)]);
    expect((await reasoner.reason('q')).text).toBe('Think about it.');
    expect(waits).toEqual([500, 1000]);
    expect(server.bodies).toHaveLength(3);
    expect(server.bodies[2]).toEqual(server.bodies[0]);
    expect(reasoner.totals).toEqual({
      calls: 1,
      retries: 2,
      failures: 0,
      promptTokens: 50,
      completionTokens: 7,
    });
  });

  it.each<[string, FakeReply]>([
    ['before it answers', destroyed],
    [
      'before the first text',
      streamed({ pieces: [], finish: null, done: false, usage: null, destroy: true }),
    ],
    ['by an error in the stream', streamed({ pieces: [], raw: 'data: {"error": {"message": "busy"}}\n\n' })],
  ])('%s is sent again', async (_, reply) => {
    const { server, reasoner, waits } = await waiting([reply]);
    expect((await reasoner.reason('q')).text).toBe('Think about it.');
    expect(waits).toEqual([500]);
    expect(server.bodies).toHaveLength(2);
  });

  it('is sent again after as long as the server asks for', async () => {
    const soon = new Date(Date.now() + 60_000).toUTCString();
    const { reasoner, waits } = await waiting([
      failing(429, {}, { 'retry-after': '3' }),
      failing(429, {}, { 'retry-after-ms': '3456' }),
      failing(503, {}, { 'retry-after': soon }),
    ]);
    await reasoner.reason('q');
    expect(waits).toEqual([3000, 3456, expect.any(Number)]);
    expect(waits[2]).toBeGreaterThan(50_000);
    expect(waits[2]).toBeLessThanOrEqual(60_000);
  });

  it('is given up after so many times', async () => {
    const { server, reasoner, waits } = await waiting([], { configuration: { retries: 2 } });
    server.reply = failing(503, { message: 'Loading model' });
    await expect(reasoner.reason('q')).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining('503: Loading model'),
    });
    expect(waits).toHaveLength(2);
    expect(server.bodies).toHaveLength(3);
    expect(reasoner.totals).toMatchObject({ calls: 1, retries: 2, failures: 1 });
  });

  it('is given up at once where the wait would outlast the call', async () => {
    const { server, reasoner, waits } = await waiting([failing(429, {}, { 'retry-after': '3600' })]);
    await expect(reasoner.reason('q')).rejects.toMatchObject({ code: 'BAD_REPLY' });
    expect(waits).toEqual([]);
    expect(server.bodies).toHaveLength(1);
  });

  it('is sent again or not as the server says', async () => {
    const { server, reasoner } = await waiting([failing(400, {}, { 'x-should-retry': 'true' })]);
    await reasoner.reason('q');
    server.reply = failing(500, {}, { 'x-should-retry': 'false' });
    await expect(reasoner.reason('q')).rejects.toMatchObject({ code: 'BAD_REPLY' });
    expect(server.bodies).toHaveLength(3);
  });

  it('does not lose what it learned of refused fields', async () => {
    const { server, reasoner, waits } = await waiting([], { configuration: { retries: 1 } });
    server.reply = refusing(['top_k', 'seed'], 'param');
    server.script.push(failing(500));
    await reasoner.reason('q');
    expect(waits).toEqual([500]);
    expect(server.bodies).toHaveLength(4);
  });

  it('is not sent again once it is stopped while it waits', async () => {
    const stopping = new AbortController();
    const { server, reasoner } = await waiting([failing(500)], {
      sleep: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          stopping.abort();
        }),
    });
    await expect(reasoner.reason('q', { signal: stopping.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(server.bodies).toHaveLength(1);
  });

  it('waits by the clock where nothing else is given, and can be stopped', async () => {
    const { server, reasoner } = await waiting([failing(500)], { sleep: undefined, random: () => 0.01 });
    expect((await reasoner.reason('q')).text).toBe('Think about it.');
    server.reply = failing(429, {}, { 'retry-after': '300' });
    const stopping = new AbortController();
    const call = reasoner.reason('q', { signal: stopping.signal });
    setTimeout(() => stopping.abort(), 30);
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('to get ready is sent again as well', async () => {
    const { server, reasoner, waits } = await waiting([]);
    const { models } = server;
    server.models = (response, request) => {
      server.models = models;
      return failing(503, { message: 'Loading model' })(response, request);
    };
    await reasoner.ready();
    expect(waits).toEqual([500]);
  });
});
