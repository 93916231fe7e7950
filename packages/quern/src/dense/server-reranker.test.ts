import { afterEach, describe, expect, it } from 'vitest';
import { FakeOpenAiServer, failing, json, type FakeReply } from '../../test/fake-openai-server.ts';
import type { Reranker } from './reranker.ts';
import type { RerankerOptions } from './model-options.ts';
import { openReranker } from './rerankers.ts';

const servers: FakeOpenAiServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

/** Scores by length, the best first, as servers answer. */
const ranking: FakeReply = (response, request) => {
  const { documents } = request.body as { documents: string[] };
  const results = documents
    .map((text, index) => ({ index, relevance_score: text.length / 10 }))
    .sort((a, b) => b.relevance_score - a.relevance_score);
  return json(200, { model: 'served', results })(response, request);
};

async function rerankerOf(
  reply: FakeReply,
  options: RerankerOptions = {},
): Promise<[Reranker, FakeOpenAiServer]> {
  const server = await FakeOpenAiServer.start();
  servers.push(server);
  server.routes.set('POST /v1/rerank', reply);
  const retryTiming = { sleep: async () => undefined, random: () => 1 };
  return [
    await openReranker(`rerank:owner/model@${server.url}`, { env: {}, retryTiming, ...options }),
    server,
  ];
}

describe('a reranker behind a server', () => {
  it('gives the scores in the order of the texts', async () => {
    const [reranker, server] = await rerankerOf(ranking);
    expect(await reranker.score('why', ['aa', 'b', 'cccc'])).toEqual(Float32Array.of(0.2, 0.1, 0.4));
    expect(server.requests.map(({ body }) => body)).toEqual([
      { model: 'owner/model', query: 'why', documents: ['aa', 'b', 'cccc'], top_n: 3 },
    ]);
  });

  it('asks for many texts in several requests, and for none not at all', async () => {
    const [reranker, server] = await rerankerOf(ranking);
    const texts = Array.from({ length: 250 }, (_, i) => 'x'.repeat(i));
    expect(await reranker.score('q', texts)).toEqual(Float32Array.from(texts, ({ length }) => length / 10));
    expect(server.requests).toHaveLength(3);
    expect(await reranker.score('q', [])).toHaveLength(0);
    expect(server.requests).toHaveLength(3);
  });

  it('sends a key of its own, not the one for OpenAI, and asks again where an error may pass', async () => {
    let failures = 1;
    const [reranker, server] = await rerankerOf(
      (response, request) => (failures-- > 0 ? failing(429) : ranking)(response, request),
      { env: { OPENAI_API_KEY: 'sk-1', RERANK_API_KEY: 'sk-2' } },
    );
    await reranker.score('q', ['a']);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer sk-2',
      'Bearer sk-2',
    ]);
  });

  it.each([
    ['no results', {}],
    ['too few results', { results: [] }],
    ['a position twice', { results: [0, 0].map((index) => ({ index, relevance_score: 1 })) }],
    ['a position beyond the texts', { results: [0, 2].map((index) => ({ index, relevance_score: 1 })) }],
    ['a result without a score', { results: [{ index: 0 }, { index: 1 }] }],
    ['a score that is too large', { results: [0, 1].map((index) => ({ index, relevance_score: 1e300 })) }],
  ])('cannot use %s', async (_, reply) => {
    const [reranker] = await rerankerOf(json(200, reply));
    await expect(reranker.score('q', ['a', 'b'])).rejects.toMatchObject({ code: 'BAD_REPLY' });
  });

  it('tells of a server that lacks the route', async () => {
    const [reranker] = await rerankerOf(failing(404));
    await expect(reranker.score('q', ['a'])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/\/rerank/),
    });
  });

  it('stops on request and when it is closed', async () => {
    const [reranker] = await rerankerOf(() => undefined);
    await expect(reranker.score('q', ['a'], AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
    const waiting = reranker.score('q', ['a']);
    await reranker.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

it.each(['rerank:model', 'rerank:', 'rerank:m@ftp://host', 'jina:x', 'onnx:', ''])(
  '%j names no reranker',
  async (name) => {
    await expect(openReranker(name)).rejects.toMatchObject({ code: 'USAGE' });
  },
);
