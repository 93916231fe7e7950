import { afterEach, describe, expect, it } from 'vitest';
import {
  FakeOpenAiServer,
  failing,
  json,
  type FakeReply,
  type ReceivedRequest,
} from '../../test/fake-openai-server.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { Embedder } from './embedder.ts';
import { openEmbedder } from './embedders.ts';
import type { EmbedderOptions } from './model-options.ts';

const cacheFolder = temporaryFolder();
const servers: FakeOpenAiServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

/** A vector that tells how long its text is and how it begins. */
function vectorOf(text: string): number[] {
  return [1, text.length, text.charCodeAt(0) || 0];
}

function inputOf({ body }: ReceivedRequest): string[] {
  return (body as { input: string[] }).input;
}

/** What the server answers with: its vectors in any order, as their numbers tell. */
const embeddings: FakeReply = (response, request) => {
  const data = inputOf(request).map((text, index) => ({
    object: 'embedding',
    index,
    embedding: vectorOf(text),
  }));
  return json(200, { object: 'list', data: data.toReversed(), model: 'served' })(response, request);
};

async function serving(reply: FakeReply = embeddings): Promise<FakeOpenAiServer> {
  const server = await FakeOpenAiServer.start();
  servers.push(server);
  server.routes.set('POST /v1/embeddings', reply);
  return server;
}

async function embedderOf(
  server: FakeOpenAiServer,
  options: EmbedderOptions = {},
  model?: string,
): Promise<Embedder> {
  const retryTiming = { sleep: async () => undefined, random: () => 1 };
  return openEmbedder(server.name(model), { cacheFolder, env: {}, retryTiming, ...options });
}

describe('an embedder behind a server', () => {
  it('learns how long vectors are when it is opened, and asks for numbers rather than base64', async () => {
    const server = await serving();
    const embedder = await embedderOf(server);
    expect(embedder).toMatchObject({ dimensions: 3, isNormalized: true, id: server.name() });
    expect(embedder.maxTokens).toBeUndefined();
    expect(server.requests.map(({ body }) => body)).toEqual([
      { model: 'served', input: [expect.any(String)], encoding_format: 'float' },
    ]);
  });

  it('gives the vectors in the order of the texts, of length 1', async () => {
    const embedder = await embedderOf(await serving());
    const texts = ['bb', 'a', 'ccc', 'a'];
    const vectors = await embedder.embed(texts, 'document');
    for (const [i, text] of texts.entries()) {
      const length = Math.hypot(...vectorOf(text));
      expect(vectors[i]).toEqual(Float32Array.from(vectorOf(text), (value) => value / length));
    }
    expect(vectors[1]).not.toBe(vectors[3]);
  });

  it('leaves vectors as they come where it is told to', async () => {
    const embedder = await embedderOf(await serving(), { settings: { isNormalized: false } });
    expect(await embedder.embed(['bb'], 'query')).toEqual([Float32Array.of(1, 2, 98)]);
  });

  it('sends each text once, in requests of bounded size, and says how far it is', async () => {
    const server = await serving();
    const embedder = await embedderOf(server);
    const texts = [...Array.from({ length: 70 }, (_, i) => `text ${i}`), 'x'.repeat(300_000), 'text 1'];
    const done: number[] = [];
    expect(await embedder.embed(texts, 'document', undefined, (count) => done.push(count))).toHaveLength(72);
    const sent = server.requests.slice(1).map(inputOf);
    expect(sent.flat().sort()).toEqual([...new Set(texts)].sort());
    expect(Math.max(...sent.map((batch) => batch.length))).toBeLessThanOrEqual(32);
    expect(done.at(-1)).toBe(72);
  });

  it('puts instructions before texts, and sends a blank for an empty one', async () => {
    const server = await serving();
    const embedder = await embedderOf(server, {}, 'intfloat/e5-base-v2');
    await embedder.embed(['why'], 'query');
    await embedder.embed([''], 'document');
    const plain = await embedderOf(server);
    await plain.embed([''], 'document');
    expect(server.requests.map(inputOf).filter(([text]) => text !== 'dimensions')).toEqual([
      ['query: why'],
      ['passage: '],
      [' '],
    ]);
  });

  it('has another hash for another model, server or instruction for documents', async () => {
    const server = await serving();
    const embedders = [
      await embedderOf(server),
      await embedderOf(server, { settings: { queryInstruction: 'q: ' } }),
      await embedderOf(server, {}, 'other'),
      await embedderOf(await serving()),
      await embedderOf(server, { settings: { documentInstruction: 'q: ' } }),
    ];
    const hashes = embedders.map(({ contentHash }) => contentHash);
    expect(hashes[1]).toBe(hashes[0]);
    expect(new Set(hashes).size).toBe(4);
  });

  it('sends the key, and asks again where an error may pass', async () => {
    let failures = 2;
    const server = await serving((response, request) =>
      (failures-- > 0 ? failing(503) : embeddings)(response, request),
    );
    const embedder = await embedderOf(server, { env: { MINE: 'sk-1' }, keyVariable: 'MINE' });
    expect(embedder.dimensions).toBe(3);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer sk-1'));
  });
});

describe('what a server answers', () => {
  it.each([
    ['no list', { data: 'x' }],
    ['too few vectors', { data: [] }],
    ['base64', { data: [{ index: 0, embedding: 'AACAPw==' }] }],
    ['an empty vector', { data: [{ index: 0, embedding: [] }] }],
    ['a number that is none', { data: [{ index: 0, embedding: [1, null] }] }],
    ['a wrong position', { data: [{ index: 3, embedding: [1] }] }],
    ['nothing', null],
  ])('with %s cannot be used', async (_, reply) => {
    await expect(embedderOf(await serving(json(200, reply)))).rejects.toMatchObject({ code: 'BAD_REPLY' });
  });

  it.each([
    [401, 'DENIED', /OPENAI_API_KEY/],
    [404, 'NOT_FOUND', /\/embeddings/],
    [400, 'BAD_REPLY', /400/],
  ])('with %i is %s', async (status, code, message) => {
    await expect(embedderOf(await serving(failing(status)))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('may not change the length of its vectors, nor give a zero vector', async () => {
    let embedding = [1, 2, 3];
    const server = await serving((response, request) =>
      json(200, { data: [{ index: 0, embedding }] })(response, request),
    );
    const embedder = await embedderOf(server);
    embedding = [1, 2];
    await expect(embedder.embed(['a'], 'query')).rejects.toMatchObject({
      message: expect.stringMatching(/not 3/),
    });
    embedding = [0, 0, 0];
    await expect(embedder.embed(['a'], 'query')).rejects.toMatchObject({
      message: expect.stringMatching(/zero/),
    });
  });

  it('is no longer waited for once the caller stops or the embedder is closed', async () => {
    let isSilent = false;
    const server = await serving((response, request) =>
      isSilent ? undefined : embeddings(response, request),
    );
    const embedder = await embedderOf(server);
    isSilent = true;
    const controller = new AbortController();
    const stopped = embedder.embed(['a'], 'query', controller.signal);
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    const closed = embedder.embed(['a'], 'query');
    await embedder.close();
    await expect(closed).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

it('what is up to the server cannot be set', async () => {
  const server = await serving();
  await expect(embedderOf(server, { settings: { pooling: 'cls' } })).rejects.toMatchObject({ code: 'USAGE' });
  expect(server.requests).toEqual([]);
});
