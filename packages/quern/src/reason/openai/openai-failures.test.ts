import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  chunkOf,
  completion,
  destroyed,
  endless,
  FakeOpenAiServer,
  failing,
  json,
  onlyHeaders,
  plain,
  silent,
  streamed,
  type FakeReply,
} from '../../../test/fake-openai-server.ts';
import { QuernError } from '../../errors.ts';
import { Warnings } from '../../warnings.ts';
import { OpenAiReasoner, type OpenAiReasonerOptions } from '../openai.ts';
import { reasonSamples } from '../samples.ts';

const servers: FakeOpenAiServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function serving(...script: FakeReply[]): Promise<FakeOpenAiServer> {
  const server = await FakeOpenAiServer.start(...script);
  servers.push(server);
  return server;
}

function reasonerOf(server: FakeOpenAiServer, options: Partial<OpenAiReasonerOptions> = {}): OpenAiReasoner {
  return OpenAiReasoner.create({ name: server.name(), env: {}, sleep: async () => undefined, ...options });
}

/** What a call throws. */
function failureOf(call: Promise<unknown>): Promise<QuernError> {
  return call.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(QuernError);
      return error as QuernError;
    },
  );
}

/** All that can be seen of a value, hidden properties and causes too. */
function allOf(value: unknown): string {
  return (
    inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null }) +
    (JSON.stringify(value) ?? '') +
    (value instanceof Error ? `${value.message}${value.stack}` : '')
  );
}

function polled(value: () => unknown): ReturnType<typeof expect.poll> {
  return expect.poll(value, { interval: 5 });
}

const broken = { finish: null, done: false, usage: null } as const;

describe('a reply that cannot be used', () => {
  it.each<[string, RegExp, FakeReply]>([
    ['ends cleanly in the middle', /no finish_reason/, streamed(broken)],
    ['ends with [DONE] in the middle', /no finish_reason/, streamed({ ...broken, done: true })],
    ['holds broken JSON', /not valid JSON/, streamed({ raw: 'data: {"choices": [\n\n' })],
    ['holds JSON that is no object', /not an object/, streamed({ raw: 'data: 7\n\n' })],
    ['holds null', /not an object/, streamed({ raw: 'data: null\n\n' })],
    [
      'holds a choice that is none',
      /a choice is not an object/,
      streamed({ raw: 'data: {"choices": [7]}\n\n' }),
    ],
    [
      'holds content that is no text',
      /not a text/,
      streamed({ raw: `data: ${chunkOf({ delta: { content: [] } })}\n\n` }),
    ],
    ['has no choices', /no finish_reason/, json(200, { choices: [] })],
    ['is empty', /it is empty/, streamed({ pieces: [] })],
    ['is blank', /it is empty/, streamed({ pieces: ['\n', ' '] })],
    ['is empty in JSON', /it is empty/, completion('')],
    ['is null in JSON', /it is empty/, completion(null)],
    ['is JSON null', /not an object/, json(200, null)],
    ['is broken JSON', /not valid JSON/, plain(200, '{"choices"', { 'content-type': 'application/json' })],
    ['spends its tokens on thoughts', /maxTokens/, streamed({ pieces: [], finish: 'length' })],
    ['is stopped by a content filter', /content filter/, streamed({ finish: 'content_filter' })],
    ['is stopped by something else', /"abort"/, streamed({ finish: 'abort' })],
    [
      'ends for a reason that is no text',
      /reason "\?"/,
      streamed({ raw: `data: ${chunkOf({ finish_reason: { toString: 1 } })}\n\n` }),
    ],
    ['calls tools', /"tool_calls"/, streamed({ pieces: [], finish: 'tool_calls' })],
    ['is a web page', /web page/, plain(200, '<html>', { 'content-type': 'text/html' })],
    ['has no content', /no content/, plain(204, '')],
    ['is one huge chunk', /longer than \d+ characters/, streamed({ pieces: ['x'.repeat(1_000_000)] })],
    ['is one huge comment', /larger than \d+ bytes/, streamed({ raw: `: ${'x'.repeat(4_000_000)}\n\n` })],
    ['never ends', /longer than \d+ characters, and still goes on/, endless()],
  ])('is an error: it %s', async (_, message, reply) => {
    const server = await serving(reply);
    const reasoner = reasonerOf(server);
    const error = await failureOf(reasoner.reason('q'));
    expect(error).toMatchObject({
      code: 'BAD_REPLY',
      where: server.name(),
      message: expect.stringMatching(message),
    });
    expect(server.bodies).toHaveLength(1);
    expect(reasoner.totals).toMatchObject({ calls: 1, retries: 0, failures: 1, completionTokens: 0 });
  });

  it('is an error where the connection breaks in the middle, and is not asked for twice', async () => {
    const server = await serving(streamed({ ...broken, destroy: true }));
    expect(await failureOf(reasonerOf(server).reason('q'))).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('broke off'),
    });
    expect(server.bodies).toHaveLength(1);
  });

  it('yields the pieces before the error to who reads the stream', async () => {
    const server = await serving(streamed({ ...broken, destroy: true }));
    const pieces: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const piece of reasonerOf(server).stream('q')) pieces.push(piece);
    };
    expect((await failureOf(reading())).code).toBe('NETWORK');
    expect(pieces).toEqual(['Think ', 'about it.']);
  });
});

describe('an error of the server', () => {
  const key = { env: { OPENAI_API_KEY: 'sk-0123456789' } };

  it.each<[number, string, RegExp]>([
    [401, 'DENIED', /environment variable OPENAI_API_KEY/],
    [403, 'DENIED', /environment variable OPENAI_API_KEY/],
    [404, 'NOT_FOUND', /no model "served", or the base URL/],
    [400, 'BAD_REPLY', /answers 400: What was wrong/],
    [413, 'BAD_REPLY', /answers 413: What was wrong/],
    [422, 'BAD_REPLY', /answers 422: What was wrong/],
    [418, 'BAD_REPLY', /answers 418: What was wrong/],
  ])('%i is %s, and not asked for twice', async (status, code, message) => {
    const server = await serving(failing(status, { message: 'What was wrong' }));
    const error = await failureOf(reasonerOf(server, key).reason('q'));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.message).toContain('What was wrong');
    expect(server.bodies).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['OpenAI', { error: { message: 'too long', type: 'invalid_request_error' } }],
    ['vLLM', { object: 'error', message: 'too long', type: 'BadRequestError', code: 400 }],
    ['Ollama', { error: 'too long' }],
    ['FastAPI', { detail: 'too long' }],
    [
      'FastAPI, validating',
      { detail: [{ loc: ['body', 'messages'], msg: 'too long', type: 'value_error' }] },
    ],
    ['nobody we know', 'too long'],
  ])('is told in the words of %s', async (_, body) => {
    const server = await serving(json(400, body));
    expect((await failureOf(reasonerOf(server).reason('q'))).what).toBe('the server answers 400: too long');
  });

  it.each<[string, FakeReply]>([
    ['no body', plain(400, '')],
    ['a page', plain(400, '<!doctype html><title>Oh</title>', { 'content-type': 'text/html' })],
    ['JSON of another form', json(400, [{ a: 1 }])],
    ['an endless body', endless(400)],
  ])('is one with %s', async (_, reply) => {
    const server = await serving(reply);
    expect((await failureOf(reasonerOf(server).reason('q'))).what).toMatch(/^the server answers 400/);
  });

  it('is shown on one line, in at most 300 characters', async () => {
    const message = `bad\u001b[31m\r\n\u202e\u0000${'😀'.repeat(10_000)}`;
    const server = await serving(failing(400, { message }));
    const { what } = await failureOf(reasonerOf(server).reason('q'));
    expect(what).toMatch(/^the server answers 400: bad \[31m 😀+…$/u);
    expect([...what].length).toBeLessThanOrEqual(330);
  });

  it('is typed where it comes in the stream, or in JSON that says all is well', async () => {
    const error = { message: 'Not today', code: 401, type: 'auth' };
    for (const reply of [
      streamed({ pieces: [], raw: `data: ${JSON.stringify({ error })}\n\n` }),
      streamed({ raw: `event: error\ndata: ${JSON.stringify({ error })}\n\n` }),
      json(200, { error }),
    ]) {
      const server = await serving(reply);
      expect(await failureOf(reasonerOf(server).reason('q'))).toMatchObject({
        code: 'DENIED',
        message: expect.stringContaining('Not today'),
      });
    }
  });

  it('is final where the account is spent', async () => {
    const server = await serving(
      failing(429, { message: 'You exceeded your quota', code: 'insufficient_quota' }),
    );
    expect((await failureOf(reasonerOf(server).reason('q'))).code).toBe('DENIED');
    expect(server.bodies).toHaveLength(1);
  });

  it('is a redirection, which is not followed', async () => {
    const other = await serving();
    for (const status of [301, 302, 307, 308]) {
      const server = await serving(plain(status, '', { location: `${other.url}/chat/completions` }));
      expect(await failureOf(reasonerOf(server, key).reason('q'))).toMatchObject({
        code: 'BAD_REPLY',
        message: expect.stringContaining(`${status}, a redirection`),
      });
    }
    expect(other.requests).toEqual([]);
  });
});

describe('a server that says nothing', () => {
  it.each<[string, FakeReply]>([
    ['after it took the request', silent],
    ['after its headers', onlyHeaders],
    ['in the middle', streamed({ ...broken, hang: true })],
    ['in the middle of an error', (response) => void response.writeHead(500).write('{')],
  ])('is not waited for longer than the timeout, %s', async (_, reply) => {
    const server = await serving(reply);
    const reasoner = reasonerOf(server, { configuration: { timeout: 0.05 } });
    expect(await failureOf(reasoner.reason('q'))).toMatchObject({
      code: 'TIMEOUT',
      where: server.name(),
      message: expect.stringContaining('nothing for 0.05 s'),
    });
    expect(server.bodies).toHaveLength(1);
  });

  it('for a while, again and again, is waited for as long as no while is too long', async () => {
    const server = await serving(async (response, request) => {
      await onlyHeaders(response, request);
      for (let piece = 0; piece < 6; piece++) {
        await pause(250);
        response.write(`data: ${chunkOf({ delta: { content: String(piece) } })}\n\n`);
      }
      response.end(`data: ${chunkOf({ finish_reason: 'stop' })}\n\n`);
    });
    const reasoner = reasonerOf(server, { configuration: { timeout: 1 } });
    expect((await reasoner.reason('q')).text).toBe('012345');
  });

  it('but keep-alive comments for ever ends with the total timeout', async () => {
    const server = await serving(async (response, request) => {
      await onlyHeaders(response, request);
      const beat = setInterval(() => response.write(': keep-alive\n\n'), 5);
      response.on('close', () => clearInterval(beat));
    });
    const reasoner = reasonerOf(server, { configuration: { timeout: 5, totalTimeout: 0.1 } });
    expect(await failureOf(reasoner.reason('q'))).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('no whole reply within 0.1 s'),
    });
  });

  it('but is not there is a NETWORK error with the word of the system', async () => {
    const server = await serving();
    await server.stop();
    const reasoner = reasonerOf(server);
    const error = await failureOf(reasoner.reason('q'));
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringContaining('ECONNREFUSED') });
    expect(reasoner.totals).toMatchObject({ retries: 4, failures: 1 });
    expect((await failureOf(reasoner.ready())).code).toBe('NETWORK');
  });

  it('but has a port that fetch does not allow is a NETWORK error that says so', async () => {
    const reasoner = OpenAiReasoner.create({
      name: 'openai:m@http://127.0.0.1:6000/v1',
      env: {},
      configuration: { retries: 0 },
    });
    expect((await failureOf(reasoner.reason('q'))).message).toContain('a port that fetch does not allow');
  });
});

describe('stopping', () => {
  const stops: [string, FakeReply][] = [
    ['before the headers', silent],
    ['after the headers', onlyHeaders],
    ['in the middle', streamed({ ...broken, hang: true })],
  ];

  it.each(stops)('ends a call %s, and the request with it', async (_, reply) => {
    const server = await serving(reply);
    const stopping = new AbortController();
    const call = failureOf(reasonerOf(server).reason('q', { signal: stopping.signal }));
    await polled(() => server.bodies.length).toBe(1);
    stopping.abort();
    expect((await call).code).toBe('ABORTED');
    await polled(() => server.underWay).toBe(0);
  });

  it.each(stops)('by closing ends a call %s, and all later ones', async (_, reply) => {
    const server = await serving(reply);
    const reasoner = reasonerOf(server);
    const call = failureOf(reasoner.reason('q'));
    await polled(() => server.bodies.length).toBe(1);
    await reasoner.close();
    expect((await call).code).toBe('ABORTED');
    expect((await failureOf(reasoner.reason('q'))).code).toBe('ABORTED');
    expect((await failureOf(reasoner.ready())).code).toBe('ABORTED');
    await polled(() => server.underWay).toBe(0);
  });

  it('before the call sends nothing', async () => {
    const server = await serving();
    const reasoner = reasonerOf(server);
    expect((await failureOf(reasoner.reason('q', { signal: AbortSignal.abort() }))).code).toBe('ABORTED');
    expect(server.requests).toEqual([]);
    expect(reasoner.totals).toMatchObject({ calls: 1, failures: 0 });
  });

  it('to read the stream ends the request', async () => {
    const server = await serving(streamed({ ...broken, hang: true }));
    for await (const piece of reasonerOf(server).stream('q')) {
      expect(piece).toBe('Think ');
      break;
    }
    await polled(() => server.underWay).toBe(0);
  });

  it('by one signal is no leak to Node, for however many calls', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const server = await serving();
    const { signal } = new AbortController();
    const reasoner = reasonerOf(server);
    await Promise.all(Array.from({ length: 20 }, () => reasoner.reason('q', { signal })));
    await reasonSamples(reasoner, 'q', 20);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('leaves no listener on the signal', async () => {
    const server = await serving();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    const reasoner = reasonerOf(server);
    await reasoner.reason('q', { signal });
    server.reply = failing(400);
    await failureOf(reasoner.reason('q', { signal }));
    expect(listeners).toBe(0);
  });
});

describe('as many calls at once as the configuration allows', () => {
  it('are under way, the others wait in line in their order', async () => {
    const server = await serving();
    const held: (() => void)[] = [];
    server.reply = async (response, request) => {
      await new Promise<void>((resolve) => held.push(resolve));
      await streamed()(response, request);
    };
    const reasoner = reasonerOf(server, { configuration: { concurrency: 3 } });
    expect(reasoner.parallel).toBe(3);
    expect(reasonerOf(server).parallel).toBe(8);
    const queries = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const ended: string[] = [];
    const calls = queries.map((query) => reasoner.reason(query).then(() => ended.push(query)));
    for (let done = 0; done < queries.length; done++) {
      await polled(() => held.length).toBe(Math.min(3, queries.length - done));
      held.shift()!();
      await polled(() => ended.length).toBe(done + 1);
    }
    await Promise.all(calls);
    expect(server.mostUnderWay).toBe(3);
    expect(ended.slice(3)).toEqual(queries.slice(3));
  });

  it('can be stopped while they wait, and the next in line follows', async () => {
    const server = await serving(silent);
    const reasoner = reasonerOf(server, { configuration: { concurrency: 1 } });
    const first = new AbortController();
    const second = new AbortController();
    const calls = [
      failureOf(reasoner.reason('first', { signal: first.signal })),
      failureOf(reasoner.reason('second', { signal: second.signal })),
    ];
    const third = reasoner.reason('third');
    await polled(() => server.bodies.length).toBe(1);
    second.abort();
    expect((await calls[1]!).code).toBe('ABORTED');
    first.abort();
    expect((await calls[0]!).code).toBe('ABORTED');
    expect((await third).query).toBe('third');
    expect(server.bodies).toHaveLength(2);
  });

  it('can be stopped once their turn has come, and nobody behind them loses theirs', async () => {
    const server = await serving(streamed(), silent);
    const reasoner = reasonerOf(server, { configuration: { concurrency: 1 } });
    const stopping = new AbortController();
    const first = reasoner.reason('first');
    const second = failureOf(reasoner.reason('second', { signal: stopping.signal }));
    const third = reasoner.reason('third');
    await first;
    await polled(() => server.bodies.length).toBe(2);
    stopping.abort();
    expect((await second).code).toBe('ABORTED');
    expect((await third).query).toBe('third');
  });

  it('are free again after errors and streams that nobody reads to their end', async () => {
    const server = await serving(failing(400), destroyed, streamed({ pieces: [] }));
    const reasoner = reasonerOf(server, { configuration: { concurrency: 1, retries: 0 } });
    await failureOf(reasoner.reason('q'));
    await failureOf(reasoner.reason('q'));
    await failureOf(reasoner.reason('q'));
    for await (const _ of reasoner.stream('q')) break;
    expect((await reasoner.reason('q')).text).toBe('Think about it.');
  });
});

describe('the key', () => {
  const secret = 'sk-SECRET-0123456789abcdef';
  const env = { OPENAI_API_KEY: secret, OTHER_KEY: 'sk-OTHER' };

  it('is sent to the server and shows nowhere else, even where the server repeats it', async () => {
    const told = { message: `Incorrect API key provided: ${secret}`, code: secret, type: `Bearer ${secret}` };
    const replies: FakeReply[] = [
      streamed(),
      failing(401, told),
      failing(400, told, { 'retry-after': secret, 'x-request-id': secret }),
      plain(500, `${'x'.repeat(290)}${secret}`),
      json(422, { detail: [{ loc: ['body', secret], msg: secret, type: secret }] }),
      streamed({ pieces: [], raw: `data: ${JSON.stringify({ error: told })}\n\n` }),
      streamed({ pieces: [], raw: `data: ${secret}\n\n` }),
      streamed({ finish: secret }),
      streamed({ pieces: ['your key is ', secret] }),
      destroyed,
      onlyHeaders,
    ];
    const server = await serving(...replies);
    const warnings = new Warnings();
    const reasoner = reasonerOf(server, { env, warnings, configuration: { retries: 0, timeout: 0.05 } });
    const seen: unknown[] = [reasoner, await reasoner.reason('q'), await reasoner.cacheKey('q')];
    for (const _ of replies.slice(1)) seen.push(await failureOf(reasoner.reason('q')));
    await server.stop();
    seen.push(await failureOf(reasoner.reason('q')), reasoner.totals, warnings.list(), reasoner.id);
    for (const value of seen) {
      expect(allOf(value)).not.toContain(secret);
      expect(allOf(value)).not.toContain('sk-SECRET');
    }
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(
      replies.map(() => `Bearer ${secret}`),
    );
  });

  it('is the one in the variable that the configuration names', async () => {
    const server = await serving();
    await reasonerOf(server, { env, configuration: { keyVariable: 'OTHER_KEY' } }).reason('q');
    expect(server.requests[0]!.headers.authorization).toBe('Bearer sk-OTHER');
  });

  it('is not needed: without one, no header tells of one', async () => {
    const server = await serving(streamed(), failing(401));
    const reasoner = reasonerOf(server, { configuration: { keyVariable: 'NOT_SET' } });
    await reasoner.reason('q');
    expect(server.requests[0]!.headers.authorization).toBeUndefined();
    expect((await failureOf(reasoner.reason('q'))).hint).toBe(
      'Put the key into the environment variable NOT_SET, which is not set',
    );
  });

  it('and headers that the variables of other programs hold are not sent, and nothing is logged', async () => {
    const server = await serving(streamed(), streamed({ raw: 'data: {\n\n' }));
    const others = {
      OPENAI_ADMIN_KEY: 'sk-admin',
      OPENAI_ORG_ID: 'org-1',
      OPENAI_PROJECT_ID: 'proj-1',
      OPENAI_CUSTOM_HEADERS: 'X-Custom: sk-custom\nAuthorization: Bearer sk-custom',
      OPENAI_LOG: 'debug',
    };
    for (const [name, value] of Object.entries(others)) vi.stubEnv(name, value);
    const logs = (['debug', 'info', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level));
    await reasonerOf(server, { env }).reason('q');
    await failureOf(reasonerOf(server, { env }).reason('q'));
    vi.unstubAllEnvs();
    const logged = logs.flatMap((log) => log.mock.calls);
    vi.restoreAllMocks();
    expect(logged).toEqual([]);
    for (const { headers } of server.requests) {
      expect(headers.authorization).toBe(`Bearer ${secret}`);
      expect(JSON.stringify(headers)).not.toMatch(/sk-admin|org-1|proj-1|sk-custom|stainless/i);
    }
  });

  it('is refused, unseen, where it stands for the name of its variable', () => {
    let thrown: unknown;
    try {
      OpenAiReasoner.create({ name: 'openai:m', env: {}, configuration: { keyVariable: secret } });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'USAGE', where: 'keyVariable' });
    expect(allOf(thrown)).not.toContain('sk-');
  });

  it('is refused, unseen, where no header can hold it', () => {
    for (const OPENAI_API_KEY of ['sk-se cret', 'sk-sé', 'sk-a\nsk-b']) {
      let thrown: unknown;
      try {
        OpenAiReasoner.create({ name: 'openai:m', env: { OPENAI_API_KEY } });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'USAGE', where: 'OPENAI_API_KEY' });
      expect(allOf(thrown)).not.toContain('sk-');
    }
  });
});
