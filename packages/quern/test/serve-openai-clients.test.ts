/** The routes of OpenAI's API, by its official client, by curl, and by Quern itself. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEmbedder } from '../src/dense/embedders.ts';
import { userPrompt } from '../src/reason/prompt.ts';
import { reasonerNamed } from '../src/reason/reasoners.ts';
import { tokenHash } from '../src/serve/configuration/tokens.ts';
import { sampleFolder } from './beir-collection.ts';
import { failing, FakeOpenAiServer, json, streamed, type FakeReply } from './fake-openai-server.ts';
import { hashedEmbedder } from './hashed-embedder.ts';
import { quernJson } from './run-quern.ts';
import { startService, type ServiceUnderTest } from './running-service.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const token = 'a-token-of-more-than-thirty-two-characters';
const recorded = JSON.parse(readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8')) as Record<
  string,
  string
>;
const [question, reasonedText] = Object.entries(recorded)[0]!;
const hasCurl = spawnSync('curl', ['--version']).status === 0;
const vectors = hashedEmbedder('words', 12);

const embedding: FakeReply = async (response, request) => {
  const { input } = request.body as { input: string[] };
  const embedded = await vectors.embed(input, 'document');
  const data = embedded.map((vector, index) => ({ index, embedding: [...vector] }));
  await json(200, { data })(response, request);
};

let model: FakeOpenAiServer;
let service: ServiceUnderTest;
let client: OpenAI;

beforeAll(async () => {
  model = await FakeOpenAiServer.start();
  model.routes.set('POST /v1/embeddings', embedding);
  service = await startService(folder, {
    tokens: [{ name: 'test', scope: 'read', hash: `sha256:${tokenHash(token)}` }],
    reasoners: {
      recorded: `file:${join(sampleFolder, 'reasoned.json')}`,
      qr: { reasoner: model.name(), retries: 0, cached: false, concurrency: 4 },
      one: { reasoner: model.name('one'), retries: 0, cached: false },
      kept: { reasoner: model.name('kept'), retries: 0 },
    },
    embedders: { words: `openai:words@${model.url}` },
    limits: { generations: { waiting: 0 } },
  });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: token, maxRetries: 0 });
}, 60_000);
beforeEach(() => {
  model.reply = streamed();
  model.script.length = 0;
});
afterAll(async () => {
  await service?.close();
  await model?.stop();
});

/** What a promise rejects with. */
async function errorOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

const asked = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: 'user', content }];

/** What curl prints of an answer, its head too. */
async function curl(...args: readonly string[]): Promise<string> {
  const given = ['-sS', '-i', '-H', `authorization: Bearer ${token}`, ...args];
  return (await promisify(execFile)('curl', given)).stdout;
}

describe("OpenAI's client", () => {
  it('lists what can be asked, and finds each by its name', async () => {
    const listed = await client.models.list();
    expect(listed.data.map(({ id }) => id)).toEqual(['recorded', 'qr', 'one', 'kept', 'words']);
    expect(await client.models.retrieve('words')).toEqual(listed.data.at(-1));
    expect(await errorOf(client.models.retrieve('rm3'))).toBeInstanceOf(NotFoundError);
    expect(await errorOf(client.models.retrieve('../v1'))).toBeInstanceOf(BadRequestError);
  });

  it('gets the reasoned query as a completion, with what it took', async () => {
    model.reply = streamed({ pieces: ['Heat ', 'and water.'], finish: 'length' });
    const { choices, usage, id, ...rest } = await client.chat.completions.create({
      model: 'qr',
      messages: [
        { role: 'system', content: 'Answer in verse.' },
        ...asked('first'),
        { role: 'assistant', content: 'x' },
        ...asked('why is it so'),
      ],
      temperature: 2,
      max_tokens: 5,
      user: 'somebody',
    });
    expect(choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: 'Heat and water.', refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ]);
    expect(usage).toEqual({ prompt_tokens: 50, completion_tokens: 7, total_tokens: 57 });
    expect(id).toMatch(/^chatcmpl-[0-9a-f-]{36}$/);
    expect(rest).toMatchObject({ object: 'chat.completion', model: 'qr' });
    const sent = model.bodies.at(-1)!;
    expect(sent).toMatchObject({ temperature: 0.7, max_tokens: 500 });
    expect(sent['messages']).toEqual([
      { role: 'system', content: '' },
      { role: 'user', content: userPrompt('why is it so') },
    ]);
  });

  it('takes the parts of a question that are text', async () => {
    await client.chat.completions.create({
      model: 'qr',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'one part' },
            { type: 'text', text: 'another' },
          ],
        },
      ],
    });
    expect(model.bodies.at(-1)!['messages']).toMatchObject([
      {},
      { content: userPrompt('one part\nanother') },
    ]);
  });

  it('streams the same text in pieces, with the usage where it is asked for', async () => {
    const pieces = ['Thi', 'nk ', 'äbout — ', 'it 🙂.'];
    model.reply = streamed({ pieces });
    const stream = await client.chat.completions.create({
      model: 'qr',
      messages: asked('why'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(pieces.join(''));
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant');
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 57 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    const plain = await client.chat.completions.create({ model: 'qr', messages: asked('why'), stream: true });
    const usages: unknown[] = [];
    for await (const chunk of plain) usages.push(chunk.usage);
    expect(usages.filter(Boolean)).toEqual([]);
  });

  it("is helped by its runner's events", async () => {
    model.reply = streamed({ pieces: ['a ', 'text'] });
    const stream = client.chat.completions.stream({ model: 'qr', messages: asked('why') });
    expect(await stream.finalContent()).toBe('a text');
  });

  it('gets as many samples as it asks for, each with its own seed and in its place', async () => {
    // The texts tell by which seed they were made.
    model.reply = (response, request) =>
      streamed({ pieces: [`seed ${String(request.body!['seed'])}`] })(response, request);
    const before = model.bodies.length;
    const { choices, usage } = await client.chat.completions.create({
      model: 'qr',
      messages: asked('why'),
      n: 9,
    });
    const contents = choices.map(({ message }) => message.content);
    expect(new Set(contents).size).toBe(9);
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(usage!.total_tokens).toBe(9 * 57);
    expect(model.bodies).toHaveLength(before + 9);
    const again = await client.chat.completions.create({ model: 'qr', messages: asked('why'), n: 2 });
    expect(again.choices.map(({ message }) => message.content)).toEqual(contents.slice(0, 2));
    const streamedTexts = ['', '', ''];
    const stream = await client.chat.completions.create({
      model: 'qr',
      messages: asked('why'),
      n: 3,
      stream: true,
    });
    for await (const {
      choices: [choice],
    } of stream) {
      streamedTexts[choice!.index] += choice!.delta.content ?? '';
    }
    expect(streamedTexts).toEqual(contents.slice(0, 3));
  });

  it('has the text from the cache the second time', async () => {
    const request = { model: 'kept', messages: asked('why') };
    const first = await client.chat.completions.create(request);
    const before = model.bodies.length;
    expect((await client.chat.completions.create(request)).choices).toEqual(first.choices);
    expect(model.bodies).toHaveLength(before);
  });

  it('gets vectors as numbers and in Base64, the same', async () => {
    const input = ['heat and water', '', 'äöü 🙂'];
    const numbers = await client.embeddings.create({ model: 'words', input, encoding_format: 'float' });
    const packed = await client.embeddings.create({ model: 'words', input, encoding_format: 'base64' });
    // Its default: it asks for Base64 and unpacks that.
    const unpacked = await client.embeddings.create({ model: 'words', input });
    expect(numbers.data.map(({ embedding: { length } }) => length)).toEqual([12, 12, 12]);
    expect(unpacked.data).toEqual(numbers.data);
    const bytes = packed.data.map(({ embedding: text }) => Buffer.from(text as unknown as string, 'base64'));
    expect(bytes.map((each) => Array.from({ length: 12 }, (_, i) => each.readFloatLE(i * 4)))).toEqual(
      numbers.data.map(({ embedding: vector }) => vector),
    );
    expect(numbers).toMatchObject({ object: 'list', model: 'words' });
    expect(numbers.usage.total_tokens).toBeGreaterThan(3);
    const single = await client.embeddings.create({
      model: 'words',
      input: 'heat and water',
      dimensions: 12,
    });
    expect(single.data).toEqual(numbers.data.slice(0, 1));
  });

  it.each<[string, () => Promise<unknown>, unknown, object]>([
    [
      'a reasoner that is none',
      () => client.chat.completions.create({ model: 'gpt-4o', messages: asked('why') }),
      NotFoundError,
      { status: 404, code: 'NOT_FOUND', param: 'model', type: 'not_found_error' },
    ],
    [
      'an embedder that is none',
      () => client.embeddings.create({ model: 'qr', input: 'a' }),
      NotFoundError,
      { status: 404, code: 'NOT_FOUND', param: 'model' },
    ],
    [
      'a reasoner that learns from an index',
      () => client.chat.completions.create({ model: 'rm3', messages: asked('why') }),
      BadRequestError,
      { status: 400, code: 'BAD_INPUT', param: 'model' },
    ],
    [
      'a question that is not recorded',
      () => client.chat.completions.create({ model: 'recorded', messages: asked('why') }),
      NotFoundError,
      { status: 404, code: 'NOT_FOUND', param: 'model' },
    ],
    [
      'no message of the user',
      () => client.chat.completions.create({ model: 'qr', messages: [{ role: 'system', content: 'x' }] }),
      BadRequestError,
      { status: 400, param: 'messages' },
    ],
    [
      'a question with a picture',
      () =>
        client.chat.completions.create({
          model: 'qr',
          messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }],
        }),
      BadRequestError,
      { status: 400, param: 'messages[0].content' },
    ],
    [
      'tools',
      () =>
        client.chat.completions.create({
          model: 'qr',
          messages: asked('why'),
          tools: [{ type: 'function', function: { name: 'f' } }],
        }),
      BadRequestError,
      { status: 400, param: 'tools' },
    ],
    [
      'an answer in JSON',
      () =>
        client.chat.completions.create({
          model: 'qr',
          messages: asked('why'),
          response_format: { type: 'json_object' },
        }),
      BadRequestError,
      { status: 400, param: 'response_format' },
    ],
    [
      'too many samples',
      () => client.chat.completions.create({ model: 'qr', messages: asked('why'), n: 17 }),
      BadRequestError,
      { status: 400, param: 'n' },
    ],
    [
      'other dimensions',
      () => client.embeddings.create({ model: 'words', input: 'a', dimensions: 3 }),
      BadRequestError,
      { status: 400, param: 'dimensions' },
    ],
    [
      'tokens for a text',
      () => client.embeddings.create({ model: 'words', input: [1, 2] }),
      BadRequestError,
      { status: 400, param: 'input' },
    ],
    [
      'a wrong token',
      () => new OpenAI({ baseURL: `${service.url}/v1`, apiKey: `${token}x`, maxRetries: 0 }).models.list(),
      AuthenticationError,
      { status: 401, code: 'DENIED', type: 'authentication_error' },
    ],
  ])('has a typed error for %s', async (_, ask, kind, facts) => {
    const error = await errorOf(ask());
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject(facts);
  });

  it.each([
    ['a reasoner that fails', failing(401, { message: 'no such key' }), 502, 'DENIED'],
    ['a reasoner that breaks off', streamed({ pieces: [], finish: null }), 502, 'BAD_REPLY'],
  ])('has a typed error for %s, streaming or not, without an address', async (_, reply, status, code) => {
    model.reply = reply;
    for (const stream of [false, true]) {
      const error = await errorOf(
        client.chat.completions.create({ model: 'qr', messages: asked('why'), stream }),
      );
      expect(error).toBeInstanceOf(InternalServerError);
      expect(error).toMatchObject({ status, code, param: 'model' });
      expect(JSON.stringify(error)).not.toContain('127.0.0.1');
    }
  });

  it('has an error in the midst of a stream that breaks off', async () => {
    model.reply = streamed({ pieces: ['a beginning '], finish: null });
    const stream = await client.chat.completions.create({
      model: 'qr',
      messages: asked('why'),
      stream: true,
    });
    let text = '';
    const error = await errorOf(
      (async () => {
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      })(),
    );
    expect(text).toBe('a beginning ');
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'BAD_REPLY', type: 'server_error' });
  });

  it('has samples drawn at once, and waits and asks again where too much is asked, as it is told to', async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    model.reply = async (response, request) => {
      await held;
      await streamed()(response, request);
    };
    const ask = (asking = client) =>
      asking.chat.completions.create({ model: 'qr', messages: asked('why'), n: 4 });
    const first = ask();
    await expect.poll(() => model.underWay).toBe(4);
    const refused = (await errorOf(ask())) as InstanceType<typeof RateLimitError>;
    expect(refused).toBeInstanceOf(RateLimitError);
    expect(refused).toMatchObject({ status: 429, code: 'OVERLOADED', type: 'rate_limit_error' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    const waited = ask(client.withOptions({ maxRetries: 3 }));
    release!();
    expect((await first).choices).toHaveLength(4);
    expect((await waited).choices).toHaveLength(4);
  });

  it('ends the generation when it breaks off', async () => {
    model.reply = streamed({ pieces: ['a '], hang: true });
    const stream = await client.chat.completions.create({
      model: 'qr',
      messages: asked('why'),
      stream: true,
    });
    for await (const { choices } of stream) if (choices[0]?.delta.content === 'a ') break;
    await expect.poll(() => model.underWay).toBe(0);
  });
});

describe.skipIf(!hasCurl)('curl', () => {
  it('posts a question and reads events line by line', async () => {
    model.reply = streamed({ pieces: ['one ', 'two'] });
    const body = JSON.stringify({ model: 'qr', messages: asked('why'), stream: true });
    const told = await curl(
      '-N',
      '-H',
      'content-type: application/json',
      '-d',
      body,
      `${service.url}/v1/chat/completions`,
    );
    const [head, ...lines] = told.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(head).toMatch(/^content-type: text\/event-stream; charset=utf-8\r?$/m);
    expect(head).toMatch(/^x-request-id: \S+\r?$/m);
    const events = lines.join('\r\n\r\n').trim().split('\n\n');
    expect(events.every((event) => event.startsWith('data: '))).toBe(true);
    expect(events.at(-1)).toBe('data: [DONE]');
    const contents = events
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice(6)) as OpenAI.ChatCompletionChunk)
      .map(({ choices }) => choices[0]?.delta.content ?? '');
    expect(contents.join('')).toBe('one two');
  });

  it('is told what is wrong with a body that is none', async () => {
    for (const [type, body, status] of [
      ['application/json', '{"model": ', 400],
      ['application/json', '', 400],
      ['text/plain', 'why', 415],
      ['application/x-www-form-urlencoded', 'model=qr', 415],
    ] as const) {
      const told = await curl(
        '-H',
        `content-type: ${type}`,
        '-d',
        body,
        `${service.url}/v1/chat/completions`,
      );
      expect(told).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(told).toContain('"error":{"code":"BAD_INPUT","message":"');
    }
  });
});

describe('Quern that asks a Quern', () => {
  it('has the very text that the other has, for its question and not for its prompt', async () => {
    const name = `openai:recorded@${service.url}/v1`;
    const configuration = { reasoners: new Map([[name, { keyVariable: 'KEY' }]]) };
    const reasoner = await reasonerNamed(name, { cached: false, env: { KEY: token }, configuration });
    await reasoner.ready!();
    expect(await reasoner.reason(question)).toMatchObject({ text: reasonedText, finish: 'stop' });
    expect(await reasoner.reason('why')).toMatchObject({ finish: 'failed', failure: { code: 'NOT_FOUND' } });
    await reasoner.close();
  });

  it('shows the model of the other the prompt that it would show it itself, with passages too', async () => {
    const name = `openai:qr@${service.url}/v1`;
    const configuration = { reasoners: new Map([[name, { keyVariable: 'KEY' }]]) };
    const reasoner = await reasonerNamed(name, { cached: false, env: { KEY: token }, configuration });
    for (const passages of [[], ['Heat moves.', 'Water\n\nboils.']]) {
      await reasoner.reason(' why\nso? ', { passages });
      expect(model.bodies.at(-1)!['messages']).toMatchObject([
        { content: '' },
        { content: userPrompt(' why\nso? ', passages) },
      ]);
    }
    await reasoner.close();
  });

  it('has the very vectors that the other has', async () => {
    const outer = await openEmbedder(`openai:words@${service.url}/v1`, {
      env: { KEY: token },
      keyVariable: 'KEY',
    });
    const texts = ['heat and water', 'bread'];
    const expected = await vectors.embed(texts, 'document');
    const found = await outer.embed(texts, 'document');
    await outer.close();
    expect(outer.dimensions).toBe(12);
    for (const [i, vector] of found.entries()) {
      const length = Math.hypot(...expected[i]!);
      for (const [j, number] of vector.entries()) expect(number).toBeCloseTo(expected[i]![j]! / length, 5);
    }
  });

  it('works on the command line', async () => {
    const configuration = join(folder, 'outer.yaml');
    const name = `openai:recorded@${service.url}/v1`;
    writeFileSync(configuration, JSON.stringify({ reasoners: { [name]: { keyVariable: 'QUERN_KEY' } } }));
    const out = join(folder, 'outer.index');
    const options = { cwd: folder, env: { QUERN_KEY: token, QUERN_CACHE: join(folder, 'outer-cache') } };
    await quernJson(['index', join(sampleFolder, 'corpus.jsonl'), '--out', out], options);
    const own = `file:${join(sampleFolder, 'reasoned.json')}`;
    const [mine, theirs] = await Promise.all(
      [name, own].map((reasoner) =>
        quernJson<{ hits: unknown; reasoned: { text: string } }>(
          [
            'search',
            out,
            question,
            '--reasoner',
            reasoner,
            ...(reasoner === name ? ['--config', configuration] : []),
          ],
          options,
        ),
      ),
    );
    expect(mine!.reasoned.text).toBe(reasonedText);
    expect(mine!.hits).toEqual(theirs!.hits);
  });
});
