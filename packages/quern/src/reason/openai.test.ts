import { afterEach, describe, expect, it } from 'vitest';
import {
  chunkOf,
  completion,
  FakeOpenAiServer,
  json,
  refusing,
  streamed,
  type FakeReply,
} from '../../test/fake-openai-server.ts';
import { Warnings } from '../warnings.ts';
import { OpenAiReasoner, type OpenAiReasonerOptions } from './openai.ts';

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
  return OpenAiReasoner.create({ name: server.name(), env: {}, ...options });
}

async function seedOf(reasoner: OpenAiReasoner, query: string, sample?: number): Promise<unknown> {
  return (await reasoner.reason(query, { sample })).seed;
}

describe('what is asked', () => {
  it('is the published prompt after an empty system turn, with every value of the sampling', async () => {
    const server = await serving();
    const { seed } = await reasonerOf(server).reason('Why is the sky blue?');
    expect(server.bodies).toEqual([
      {
        model: 'served',
        messages: [
          { role: 'system', content: '' },
          {
            role: 'user',
            content:
              'Instructions:\n' +
              '1. Identify the essential problem.\n' +
              '2. Think step by step to reason and describe what information could be relevant and helpful to address the questions in detail.\n' +
              '3. Draft an answer with as many thoughts as you have.\n' +
              'Query: Why is the sky blue?\n\n',
          },
        ],
        n: 1,
        stream: true,
        stream_options: { include_usage: true },
        temperature: 0.7,
        top_p: 0.8,
        top_k: 20,
        repetition_penalty: 1.05,
        max_tokens: 500,
        seed,
      },
    ]);
    expect(seed).toBeGreaterThanOrEqual(0);
    expect(seed).toBeLessThan(2 ** 31);
  });

  it('goes over connections that are kept', async () => {
    const server = await serving();
    const reasoner = reasonerOf(server);
    for (let call = 0; call < 20; call++) await reasoner.reason('q');
    expect(server.connections).toBeLessThan(5);
  });

  it('takes values of the sampling from the caller before the configuration before the published ones', async () => {
    const server = await serving();
    const reasoner = reasonerOf(server, {
      sampling: { temperature: 0, maxTokens: undefined },
      configuration: { sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: 9 } },
    });
    await reasoner.reason('q');
    expect(server.bodies[0]).toMatchObject({
      temperature: 0,
      top_p: 1,
      // All tokens.
      top_k: -1,
      repetition_penalty: 1.05,
      max_tokens: 9,
    });
  });

  it('has a seed of its own for each query, sample, base seed and model, and the same on every call', async () => {
    const server = await serving();
    const first = reasonerOf(server);
    const seeds = [
      await seedOf(first, 'one'),
      await seedOf(first, 'two'),
      await seedOf(first, 'one', 1),
      await seedOf(reasonerOf(server, { seed: 1 }), 'one'),
      await seedOf(reasonerOf(server, { name: server.name('other') }), 'one'),
    ];
    expect(new Set(seeds).size).toBe(5);
    expect(await seedOf(reasonerOf(server), 'one', 0)).toBe(seeds[0]);
    expect(await seedOf(reasonerOf(server, { name: `${server.name()}/` }), 'one')).toBe(seeds[0]);
    expect(server.bodies.map(({ seed }) => seed).slice(0, 5)).toEqual(seeds);
  });

  it('goes to the server in OPENAI_BASE_URL where the name holds none', async () => {
    const server = await serving();
    const reasoner = OpenAiReasoner.create({
      name: 'openai:org/model:7b',
      env: { OPENAI_BASE_URL: `${server.url}/` },
    });
    expect((await reasoner.reason('q')).reasoner).toBe('openai:org/model:7b');
    expect(server.bodies[0]!.model).toBe('org/model:7b');
  });

  it.each([
    ['temperature', { temperature: -1 }],
    ['temperature', { temperature: NaN }],
    ['topP', { topP: 0 }],
    ['topP', { topP: 1.5 }],
    ['topK', { topK: 1.5 }],
    ['repetitionPenalty', { repetitionPenalty: 0 }],
    ['maxTokens', { maxTokens: 0 }],
  ])('is refused before it is sent where %s is out of range: %j', (where, sampling) => {
    expect(() => OpenAiReasoner.create({ name: 'openai:m', sampling, env: {} })).toThrow(
      expect.objectContaining({ code: 'USAGE', where }),
    );
  });
});

describe('a configuration made by hand', () => {
  it.each([
    ['concurrency', 0],
    ['concurrency', 1.5],
    ['retries', -1],
    ['timeout', 0],
    ['timeout', 301],
    ['totalTimeout', NaN],
    ['totalTimeout', Infinity],
  ])('is refused where %s is %d', (where, value) => {
    expect(() =>
      OpenAiReasoner.create({ name: 'openai:m', env: {}, configuration: { [where]: value } }),
    ).toThrow(expect.objectContaining({ code: 'USAGE', where }));
  });
});

describe('a reasoned query', () => {
  it('is the streamed text, with the tokens that the server counted', async () => {
    const server = await serving();
    const reasoner = reasonerOf(server);
    const reasoned = await reasoner.reason('q');
    expect(reasoned).toEqual({
      query: 'q',
      text: 'Think about it.',
      reasoner: server.name(),
      finish: 'stop',
      promptTokens: 50,
      completionTokens: 7,
      milliseconds: expect.any(Number),
      cached: false,
      seed: expect.any(Number),
    });
    expect(reasoner.totals).toEqual({
      calls: 1,
      retries: 0,
      failures: 0,
      promptTokens: 50,
      completionTokens: 7,
    });
  });

  it('comes in the pieces that the server sends', async () => {
    const server = await serving();
    const stream = reasonerOf(server).stream('q');
    expect(await stream.next()).toEqual({ done: false, value: 'Think ' });
    expect(await stream.next()).toEqual({ done: false, value: 'about it.' });
    expect(await stream.next()).toMatchObject({ done: true, value: { text: 'Think about it.' } });
  });

  it('says when it ended at the token limit', async () => {
    const server = await serving(streamed({ finish: 'length' }));
    expect((await reasonerOf(server).reason('q')).finish).toBe('length');
  });

  it.each<[string, FakeReply]>([
    ['with CRLF line ends', streamed({ lineEnd: '\r\n', pieces: ['Think ', 'about it.'] })],
    ['with comments between events', streamed({ comments: true })],
    ['without [DONE]', streamed({ done: false })],
    ['with a piece after which the connection is cut, but which ended it', streamed({ destroy: true })],
    ['a byte at a time', streamed({ writeBytes: 1 })],
    ['with CRLF, a byte at a time', streamed({ writeBytes: 1, lineEnd: '\r\n' })],
    ['in one piece of JSON', completion('Think about it.')],
    ['by a connection that stays open after the end', streamed({ hang: true })],
    ['with other choices', streamed({ raw: `data: ${chunkOf({ index: 1, delta: { content: 'No' } })}\n\n` })],
    [
      'with thoughts apart',
      streamed({ raw: `data: ${chunkOf({ delta: { reasoning_content: 'Hm' } })}\n\n` }),
    ],
    ['with events that say nothing', streamed({ raw: `data: ${chunkOf({ delta: { content: null } })}\n\n` })],
    ['with events of another kind', streamed({ raw: 'id: 7\nretry: 10\n\nevent: ping\ndata: {}\n\n' })],
  ])('is the same %s', async (_, reply) => {
    const server = await serving(reply);
    expect(await reasonerOf(server).reason('q')).toMatchObject({ text: 'Think about it.', finish: 'stop' });
  });

  it('is whole where the bytes of a character come apart', async () => {
    const text = 'Ω ≈ ∞ 😀 café\u0000\u2028"\\';
    const server = await serving(
      streamed({ pieces: [...text], writeBytes: 1 }),
      streamed({ pieces: [text], writeBytes: 3 }),
    );
    expect((await reasonerOf(server).reason('q')).text).toBe(text);
    expect((await reasonerOf(server).reason('q')).text).toBe(text);
  });

  it('counts the pieces as tokens where the server counts nothing', async () => {
    const server = await serving(
      streamed({ usage: null, pieces: ['a', 'b', 'c'] }),
      streamed({
        pieces: ['a'],
        raw: `data: ${chunkOf(null, { usage: { prompt_tokens: 'many' } })}\n\n`,
        usage: null,
      }),
      json(200, { choices: [{ message: { content: 'whole' }, finish_reason: 'stop' }] }),
    );
    const reasoner = reasonerOf(server, { configuration: { prices: { input: 1, output: 1 } } });
    for (const completionTokens of [3, 1, 1]) {
      const reasoned = await reasoner.reason('q');
      expect(reasoned).toMatchObject({ promptTokens: 0, completionTokens });
      expect(reasoned.cost).toBeUndefined();
    }
    expect(reasoner.totals).toMatchObject({ completionTokens: 5, cost: { amount: 0, currency: 'USD' } });
  });

  it('costs what the configured prices say, and the totals are their sum', async () => {
    const server = await serving();
    const prices = { input: 2, output: 10, currency: 'EUR' };
    const reasoner = reasonerOf(server, { configuration: { prices } });
    // 50 tokens at 2 a million and 7 at 10.
    const cost = { amount: expect.closeTo(170e-6, 12), currency: 'EUR' };
    expect((await reasoner.reason('q')).cost).toEqual(cost);
    await reasoner.reason('q');
    expect(reasoner.totals.cost).toEqual({ amount: expect.closeTo(340e-6, 12), currency: 'EUR' });
  });
});

describe('fields that a server refuses', () => {
  const extras = ['top_k', 'repetition_penalty', 'seed', 'stream_options'];

  it.each(['openai', 'param', 'fastapi'] as const)(
    'are left out, once and for all, where it names them (%s)',
    async (wording) => {
      const server = await serving();
      server.reply = refusing(extras, wording);
      const warnings = new Warnings();
      const reasoner = reasonerOf(server, { warnings });
      const reasoned = await reasoner.reason('q');
      expect(reasoned).toMatchObject({ text: 'Think about it.', completionTokens: 2 });
      expect(reasoned.seed).toBeUndefined();
      expect(server.bodies).toHaveLength(5);
      expect(reasoner.totals).toMatchObject({ calls: 1, retries: 4, failures: 0 });
      await Promise.all(['r', 's', 't'].map((query) => reasoner.reason(query)));
      expect(server.bodies).toHaveLength(8);
      expect(Object.keys(server.bodies.at(-1)!).toSorted()).toEqual([
        'max_tokens',
        'messages',
        'model',
        'n',
        'stream',
        'temperature',
        'top_p',
      ]);
      expect(warnings.list()).toEqual([
        {
          message: 'the server refuses top_k, repetition_penalty, seed: it is asked without',
          count: 1,
          first: server.name(),
        },
      ]);
    },
  );

  it('are those that are not in the protocol where it names none', async () => {
    const server = await serving();
    server.reply = refusing(['top_k', 'repetition_penalty'], 'unnamed');
    await reasonerOf(server).reason('q');
    expect(server.bodies).toHaveLength(2);
    expect(server.bodies[1]).not.toHaveProperty('top_k');
    expect(server.bodies[1]).not.toHaveProperty('repetition_penalty');
    expect(server.bodies[1]).toHaveProperty('seed');
  });

  it('cost one warning where several calls find them out at once', async () => {
    const server = await serving();
    server.reply = refusing(['top_k'], 'openai');
    const warnings = new Warnings();
    const reasoner = reasonerOf(server, { warnings });
    await Promise.all(['a', 'b', 'c', 'd'].map((query) => reasoner.reason(query)));
    expect(warnings.list()).toMatchObject([{ count: 1 }]);
  });

  it('may be the name of the token limit, which changes', async () => {
    const server = await serving();
    server.reply = refusing(['max_tokens'], 'param');
    const warnings = new Warnings();
    const reasoner = reasonerOf(server, { warnings });
    await reasoner.reason('q');
    await reasoner.reason('q');
    expect(server.bodies.map((body) => [body.max_tokens, body.max_completion_tokens])).toEqual([
      [500, undefined],
      [undefined, 500],
      [undefined, 500],
    ]);
    expect(warnings.list()).toEqual([]);
  });

  it('may be the temperature, where a model takes no other than its own', async () => {
    const server = await serving();
    server.reply = refusing(['temperature', 'top_p'], 'param');
    const warnings = new Warnings();
    await reasonerOf(server, { warnings }).reason('q');
    expect(server.bodies).toHaveLength(3);
    expect(warnings.list()[0]!.message).toContain('temperature, top_p');
  });

  it('are asked for again by the next call where leaving them out did not help', async () => {
    const server = await serving();
    server.reply = json(400, { error: { message: 'top_k is fine, this model is not', param: null } });
    const warnings = new Warnings();
    const reasoner = reasonerOf(server, { warnings });
    await expect(reasoner.reason('q')).rejects.toMatchObject({ code: 'BAD_REPLY' });
    server.reply = streamed();
    await reasoner.reason('q');
    expect(server.bodies.map((body) => 'top_k' in body)).toEqual([true, false, true]);
    expect(warnings.list()).toEqual([]);
  });
});

describe('the cache key', () => {
  it('changes with all that a reply depends on, and with nothing else', async () => {
    const server = await serving();
    const keyOf = (options: Partial<OpenAiReasonerOptions>, query = 'q', sample?: number): Promise<string> =>
      reasonerOf(server, options).cacheKey(query, { sample });
    const keys = await Promise.all([
      keyOf({}),
      keyOf({}, 'other'),
      keyOf({}, 'q', 1),
      keyOf({ seed: 1 }),
      keyOf({ name: server.name('other') }),
      keyOf({ name: 'openai:served@http://localhost:1/v1' }),
      keyOf({ sampling: { temperature: 0.6 } }),
      keyOf({ sampling: { topP: 0.6 } }),
      keyOf({ sampling: { topK: 6 } }),
      keyOf({ sampling: { repetitionPenalty: 1 } }),
      keyOf({ sampling: { maxTokens: 6 } }),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
    const same = await Promise.all([
      keyOf({}, 'q', 0),
      keyOf({ name: `${server.name()}/` }),
      keyOf({ env: { OPENAI_API_KEY: 'sk-1' } }),
      keyOf({ configuration: { retries: 0, timeout: 3, prices: { input: 1, output: 1 } } }),
    ]);
    expect(new Set(same)).toEqual(new Set([keys[0]]));
    expect(server.requests).toEqual([]);
  });

  it('is the same before and after the server is known to refuse a field', async () => {
    const server = await serving();
    server.reply = refusing(['top_k', 'seed'], 'openai');
    const reasoner = reasonerOf(server);
    const before = await reasoner.cacheKey('q');
    await reasoner.reason('q');
    expect(await reasoner.cacheKey('q')).toBe(before);
  });
});

describe('getting ready', () => {
  it('asks for the models, and is content with a server that lists none', async () => {
    const server = await serving();
    await reasonerOf(server).ready();
    server.models = json(404, { error: 'not found' });
    await reasonerOf(server).ready();
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/models',
      'GET /v1/models',
    ]);
  });

  it('throws what is wrong with the key', async () => {
    const server = await serving();
    server.models = json(401, { error: { message: 'Incorrect API key' } });
    await expect(reasonerOf(server).ready()).rejects.toMatchObject({
      code: 'DENIED',
      message: expect.stringContaining('OPENAI_API_KEY'),
    });
  });
});
