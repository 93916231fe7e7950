/** Corpora and indexes over HTTP. */
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { IndexBuilder } from '../src/lexical/index-builder.ts';
import { tokenHash } from '../src/serve/configuration/tokens.ts';
import { analyzerNamed } from '../src/text/analyzers.ts';
import { entries, line } from './data-folder.ts';
import { FakeOpenAiServer, json as jsonReply } from './fake-openai-server.ts';
import { eventsOf, services, type Answer, type Served } from './served.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = services();
const folder = temporaryFolder();
const ndjson = { 'content-type': 'application/x-ndjson' };
const tsv = { 'content-type': 'text/tab-separated-values; charset=utf-8' };
const json = { 'content-type': 'application/json' };

function corpusOf(count: number, word = 'jet'): string {
  return Array.from({ length: count }, (_, i) => line(`d${i}`, `${word} number${i}`)).join('');
}

function uploaded({ ask }: Served, name: string, body: string): Promise<Answer> {
  return ask('PUT', `/v1/corpora/${name}/corpus.jsonl`, { body, headers: ndjson });
}

/** Asks for an index, and returns the events of its build. */
async function built({ ask }: Served, request: object): Promise<ReturnType<typeof eventsOf>> {
  const headers = { ...json, accept: 'text/event-stream' };
  const answer = await ask('POST', '/v1/indexes', { body: JSON.stringify(request), headers });
  return eventsOf(answer.body);
}

async function hitsOf({ ask }: Served, index: string, query: string): Promise<unknown> {
  const { body } = await ask('POST', '/v1/search', {
    body: JSON.stringify({ query, index, k: 50 }),
    headers: json,
  });
  const { hits, error } = body as { hits?: { id: string }[]; error?: { code: string } };
  return hits?.map(({ id }) => id) ?? error!.code;
}

describe('a corpus over HTTP', () => {
  it('is uploaded file by file, listed and deleted', async () => {
    const service = await served();
    const { ask, path } = service;
    const corpus = corpusOf(3);
    const first = await uploaded(service, 'notes', corpus);
    expect([first.status, first.body]).toEqual([
      201,
      { name: 'notes', file: 'corpus.jsonl', bytes: corpus.length, documents: 3 },
    ]);
    const again = await ask('PUT', '/v1/corpora/notes/corpus.jsonl', {
      body: corpusOf(2),
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect([again.status, again.body]).toMatchObject([200, { documents: 2 }]);
    const queries = await ask('PUT', '/v1/corpora/notes/queries.jsonl', {
      body: '{"_id":"q","text":"why"}',
      headers: { 'content-type': 'application/jsonl' },
    });
    expect([queries.status, queries.body]).toMatchObject([201, { file: 'queries.jsonl', queries: 1 }]);
    const qrels = await ask('PUT', '/v1/corpora/notes/qrels/dev-2.tsv', { body: 'q\td1\t1\n', headers: tsv });
    expect([qrels.status, qrels.body]).toMatchObject([201, { file: 'qrels/dev-2.tsv', judgements: 1 }]);
    const listed = await ask('GET', '/v1/corpora');
    expect(listed.body).toMatchObject({
      corpora: [
        {
          name: 'notes',
          documents: 2,
          files: [
            { file: 'corpus.jsonl', documents: 2 },
            { file: 'queries.jsonl', queries: 1 },
            { file: 'qrels/dev-2.tsv', judgements: 1 },
          ],
        },
      ],
    });
    expect((await ask('GET', '/v1/corpora/notes')).body).toEqual(
      (listed.body as { corpora: unknown[] }).corpora[0],
    );
    expect(JSON.stringify(listed.body)).not.toContain(path);
    expect((await ask('DELETE', '/v1/corpora/notes')).status).toBe(204);
    expect((await ask('DELETE', '/v1/corpora/notes')).status).toBe(404);
    expect((await ask('GET', '/v1/corpora')).body).toEqual({ corpora: [] });
    expect(await entries(path)).toEqual([]);
  });

  it('is refused with the line where it is wrong', async () => {
    const service = await served();
    const { status, body } = await uploaded(service, 'notes', `${line('a')}{"text":"no id"}\n`);
    expect([status, body]).toMatchObject([400, { error: { code: 'BAD_INPUT', where: 'corpus.jsonl:2' } }]);
    expect(await entries(service.path)).toEqual([]);
  });

  it.each([
    ['application/json', undefined, 'content-type'],
    ['text/plain', undefined, 'content-type'],
    ['text/tab-separated-values', undefined, 'content-type'],
    ['multipart/form-data; boundary=x', undefined, 'content-type'],
    ['application/x-ndjson; charset=utf-16', undefined, 'content-type'],
    ['application/x-ndjson', 'gzip', 'content-encoding'],
    ['application/x-ndjson', 'br', 'content-encoding'],
  ])('of the type %s, encoded %s, is refused, and what would do is said', async (type, encoding, where) => {
    const { ask, path } = await served();
    const headers = { 'content-type': type, ...(encoding !== undefined && { 'content-encoding': encoding }) };
    const { status, body } = await ask('PUT', '/v1/corpora/a/corpus.jsonl', { body: line('a'), headers });
    expect([status, body]).toMatchObject([415, { error: { where, hint: expect.stringMatching(/^Send/) } }]);
    expect(await entries(path)).toEqual([]);
  });

  it('that is too large is refused before it is sent, or when it has become so', async () => {
    const service = await served({ 'limits.upload': 1000 });
    const whole = await uploaded(service, 'a', corpusOf(100));
    expect([whole.status, whole.body]).toMatchObject([413, { error: { code: 'TOO_LARGE' } }]);
    let given = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(Buffer.from(line(`d${given++}`)));
      },
    });
    const streamed = await service
      .ask('PUT', '/v1/corpora/a/corpus.jsonl', { body: endless, headers: ndjson })
      .catch(() => undefined);
    // A client that is still sending may not read the answer.
    expect([undefined, 413]).toContain(streamed?.status);
    expect(await entries(service.path)).toEqual([]);
    expect((await uploaded(service, 'a', corpusOf(3))).status).toBe(201);
  });

  it('that the data folder has no room for is refused', async () => {
    const service = await served({ 'limits.data': 2000 });
    expect((await uploaded(service, 'a', corpusOf(10))).status).toBe(201);
    const { status, body } = await uploaded(service, 'b', corpusOf(100));
    expect([status, body]).toMatchObject([507, { error: { code: 'DISK_FULL' } }]);
    expect(await readdir(join(service.path, 'corpora'))).toEqual(['a']);
  });

  it('is not made by a link that somebody planted, nor read, and the client is not told where it leads', async () => {
    const service = await served();
    const { ask, path } = service;
    const secret = join(folder, 'secret');
    await mkdir(secret, { recursive: true });
    await writeFile(join(secret, 'corpus.jsonl'), line('secret'));
    await symlink(secret, join(path, 'corpora/a'));
    await symlink(secret, join(path, 'indexes/i'));
    for (const answer of [
      await uploaded(service, 'a', line('b')),
      await ask('GET', '/v1/corpora/a'),
      await ask('DELETE', '/v1/corpora/a'),
      await ask('GET', '/v1/indexes/i'),
      await ask('DELETE', '/v1/indexes/i'),
      await ask('POST', '/v1/indexes', { body: '{"name":"x","corpus":"a"}', headers: json }),
    ]) {
      expect([answer.status, answer.body]).toMatchObject([
        500,
        { error: { code: 'IO', message: 'the service failed' } },
      ]);
    }
    expect(await readdir(secret)).toEqual(['corpus.jsonl']);
    expect((await ask('GET', '/v1/corpora')).body).toMatchObject({
      corpora: [{ name: 'a', error: { code: 'IO' } }],
    });
  });
});

describe('an index over HTTP', () => {
  it('is built of a corpus with events, and searched at once, by its name, and after a restart', async () => {
    const service = await served();
    await uploaded(service, 'notes', corpusOf(40));
    const events = await built(service, { name: 'all', corpus: 'notes', store: true });
    expect(events.at(-1)).toMatchObject({
      event: 'done',
      data: { index: 'all', state: 'done', summary: { documents: 40, analyzer: 'english', stored: true } },
    });
    expect(events.slice(0, -1).every(({ event }) => event === 'progress')).toBe(true);
    expect(await hitsOf(service, 'all', 'number7')).toEqual(['d7']);
    const { body } = await service.ask('GET', '/v1/indexes/all');
    expect(body).toMatchObject({
      name: 'all',
      source: 'built',
      retriever: 'bm25',
      documents: 40,
      stored: true,
      builtFrom: { corpus: 'notes', isCurrent: true },
    });
    expect((await service.ask('GET', '/v1/config')).body).toMatchObject({ indexes: ['all'] });
    await service.running.close();
    const next = await served({}, service.path);
    expect(await hitsOf(next, 'all', 'number7')).toEqual(['d7']);
    expect((await next.ask('GET', '/v1/indexes')).body).toEqual({ indexes: [body] });
  });

  it('is built in the background where events are not asked for', async () => {
    const service = await served();
    const { ask } = service;
    await uploaded(service, 'notes', corpusOf(40));
    const begun = await ask('POST', '/v1/indexes', {
      body: '{"name":"all","corpus":"notes"}',
      headers: json,
    });
    const { id } = begun.body as { id: string };
    expect([begun.status, begun.headers.get('location')]).toEqual([202, `/v1/builds/${id}`]);
    const events = eventsOf((await ask('GET', `/v1/builds/${id}/events`)).body);
    expect(events.at(-1)).toMatchObject({ event: 'done', data: { id } });
    expect((await ask('GET', `/v1/builds/${id}`)).body).toEqual(events.at(-1)!.data);
    expect((await ask('GET', '/v1/builds')).body).toEqual({ builds: [events.at(-1)!.data] });
    expect((await ask('GET', '/v1/builds/none')).status).toBe(404);
    expect((await ask('GET', '/v1/builds/none/events')).status).toBe(404);
  });

  it('is searched anew once it is replaced, and not at all once it is deleted, while searches go on', async () => {
    const service = await served();
    await uploaded(service, 'notes', corpusOf(20, 'old'));
    await built(service, { name: 'all', corpus: 'notes' });
    await uploaded(service, 'notes', corpusOf(20, 'new'));
    const replacing = { isDone: false };
    const replaced = built(service, { name: 'all', corpus: 'notes' }).then(() => (replacing.isDone = true));
    const counts = new Set<string>();
    while (!replacing.isDone) {
      const [old, fresh] = [await hitsOf(service, 'all', 'old'), await hitsOf(service, 'all', 'new')];
      counts.add([old, fresh].map((hits) => (Array.isArray(hits) ? hits.length : hits)).join(' '));
    }
    await replaced;
    // Of the old one, of the new one, or of either, where it was replaced between the two searches; never an error.
    expect([...counts].filter((each) => !['20 0', '0 20', '20 20'].includes(each))).toEqual([]);
    expect([await hitsOf(service, 'all', 'old'), (await hitsOf(service, 'all', 'new')) as string[]]).toEqual([
      [],
      expect.objectContaining({ length: 20 }),
    ]);
    expect((await service.ask('DELETE', '/v1/indexes/all')).status).toBe(204);
    expect(await hitsOf(service, 'all', 'new')).toBe('NOT_FOUND');
    expect((await service.ask('GET', '/v1/indexes/all')).status).toBe(404);
    expect(await readdir(join(service.path, 'indexes'))).toEqual([]);
  });

  it('has vectors where an embedder is named, which is called as it is declared and no more', async () => {
    const server = await FakeOpenAiServer.start();
    onTestFinished(() => server.stop());
    server.routes.set('POST /v1/embeddings', (response, request) => {
      const texts = (request.body as { input: string[] }).input;
      const data = texts.map((text, index) => ({
        object: 'embedding',
        index,
        embedding: [1, text.length % 7, text.length % 11],
      }));
      return jsonReply(200, { object: 'list', data, model: 'served' })(response, request);
    });
    const service = await served({
      embedders: { mini: server.name() },
      retrievers: { near: `dense:${server.name()}` },
    });
    await uploaded(service, 'notes', corpusOf(300));
    const events = await built(service, { name: 'all', corpus: 'notes', embedder: 'mini' });
    const vectors = { embedder: 'mini', vectors: 300, dimensions: 3 };
    expect(events.at(-1)).toMatchObject({ event: 'done', data: { summary: { vectors } } });
    const { body } = await service.ask('GET', '/v1/indexes/all');
    expect(body).toMatchObject({ vectors: [vectors] });
    const all = JSON.stringify([body, events, (await service.ask('GET', '/v1/builds')).body]);
    expect(all).not.toContain(server.url);
    const asked = JSON.stringify({ query: 'jet', index: 'all', retriever: 'near', k: 5 });
    const found = await service.ask('POST', '/v1/search', { body: asked, headers: json });
    expect((found.body as { hits: unknown[] }).hits).toHaveLength(5);
    for (const [status, words] of [
      [401, 'refused'],
      [404, 'no model'],
      [400, 'bad'],
    ] as const) {
      server.routes.set(
        'POST /v1/embeddings',
        jsonReply(status, { error: { message: `${words} at ${server.url}` } }),
      );
      const failed = await built(service, { name: 'all', corpus: 'notes', embedder: 'mini' });
      expect(failed.at(-1)).toMatchObject({
        event: 'failed',
        data: { error: { message: expect.stringContaining('mini') } },
      });
      expect(JSON.stringify(failed)).not.toContain(server.url);
      expect(service.log.join('')).toContain(words);
    }
    expect((await service.ask('GET', '/v1/indexes/all')).body).toEqual(body);
  });

  it('that cannot be built says why, or when it fails', async () => {
    const service = await served();
    const { ask } = service;
    await uploaded(service, 'notes', line('a') + line('a'));
    const posted = (body: object): Promise<Answer> =>
      ask('POST', '/v1/indexes', { body: JSON.stringify(body), headers: json });
    expect(await posted({ name: 'all', corpus: 'none' })).toMatchObject({ status: 404 });
    expect(await posted({ name: 'all', corpus: 'notes', embedder: 'none' })).toMatchObject({
      status: 404,
      body: { error: { where: 'embedder' } },
    });
    expect(await posted({ name: 'all', corpus: 'notes', embedder: 'onnx:/etc' })).toMatchObject({
      status: 400,
    });
    expect(await posted({ name: 'all', corpus: 'notes', analyzer: 'x' })).toMatchObject({ status: 400 });
    expect(await posted({ name: '../all', corpus: 'notes' })).toMatchObject({ status: 400 });
    expect(await posted({ name: 'all', corpus: '../notes' })).toMatchObject({ status: 400 });
    expect(await posted({ name: 'all', corpus: 'notes', path: '/' })).toMatchObject({
      status: 400,
      body: { error: { where: 'path' } },
    });
    const events = await built(service, { name: 'all', corpus: 'notes' });
    expect(events.at(-1)).toMatchObject({
      event: 'failed',
      data: { state: 'failed', error: { code: 'BAD_INPUT', where: 'corpus.jsonl:2' } },
    });
    expect(service.log.join('')).toContain('a build failed');
    expect(await hitsOf(service, 'all', 'jets')).toBe('NOT_FOUND');
  });

  it('that the configuration declares is listed, and neither replaced nor deleted', async () => {
    const declared = join(folder, 'declared');
    const builder = await IndexBuilder.create({ out: declared, analyzer: analyzerNamed('whitespace') });
    await builder.add({ id: 'x', title: '', text: 'declared' }, 'here');
    await builder.finish();
    const service = await served({
      indexes: { Mine: declared, mine2: declared, lost: join(folder, 'nowhere') },
    }).catch((error: unknown) => error);
    // What is declared must open.
    expect(service).toMatchObject({ code: 'NOT_FOUND' });
    const good = await served({ indexes: { Mine: declared, mine2: declared } });
    await uploaded(good, 'notes', corpusOf(2));
    const posted = await good.ask('POST', '/v1/indexes', {
      body: '{"name":"mine2","corpus":"notes"}',
      headers: json,
    });
    expect(posted).toMatchObject({ status: 409, body: { error: { code: 'ALREADY_EXISTS' } } });
    expect(await good.ask('DELETE', '/v1/indexes/Mine')).toMatchObject({ status: 409 });
    await built(good, { name: 'own', corpus: 'notes' });
    const { body } = await good.ask('GET', '/v1/indexes');
    expect(body).toMatchObject({
      indexes: [
        { name: 'Mine', source: 'declared', documents: 1, analyzer: 'whitespace', vectors: [] },
        { name: 'mine2', source: 'declared' },
        { name: 'own', source: 'built', documents: 2 },
      ],
    });
    expect(JSON.stringify(body)).not.toContain(folder);
  });
});

describe('what a token allows', () => {
  it('is to look with read, to upload and build with write, and to delete with admin', async () => {
    const [read, write, admin] = ['read', 'write', 'admin'].map((scope) => `${scope}-${'x'.repeat(40)}`);
    const tokens = [read, write, admin].map((token, i) => ({
      name: `t${i}`,
      scope: ['read', 'write', 'admin'][i],
      hash: `sha256:${tokenHash(token!)}`,
    }));
    const { ask } = await served({ tokens });
    const statuses = async (
      method: string,
      path: string,
      asked: { body?: string; headers?: Record<string, string> } = {},
    ): Promise<number[]> => {
      const all: number[] = [];
      for (const token of ['', read, write, admin]) {
        const headers = { ...asked.headers, ...(token !== '' && { authorization: `Bearer ${token}` }) };
        all.push((await ask(method, path, { ...asked, headers })).status);
      }
      return all;
    };
    expect(await statuses('GET', '/v1/corpora')).toEqual([401, 200, 200, 200]);
    expect(await statuses('PUT', '/v1/corpora/a/corpus.jsonl', { body: line('a'), headers: ndjson })).toEqual(
      [401, 403, 201, 200],
    );
    expect(
      await statuses('POST', '/v1/indexes', { body: '{"name":"a","corpus":"a"}', headers: json }),
    ).toEqual([401, 403, 202, 202]);
    expect(await statuses('DELETE', '/v1/builds/none')).toEqual([401, 403, 404, 404]);
    expect(await statuses('DELETE', '/v1/indexes/none')).toEqual([401, 403, 403, 404]);
    expect(await statuses('DELETE', '/v1/corpora/none')).toEqual([401, 403, 403, 404]);
  });

  it('is nothing of this without a data folder, but for a look at the indexes', async () => {
    const { ask } = await served({ data: undefined });
    expect(await ask('GET', '/v1/indexes')).toMatchObject({ status: 200, body: { indexes: [] } });
    const refused = await ask('PUT', '/v1/corpora/a/corpus.jsonl', { body: line('a'), headers: ndjson });
    expect(refused).toMatchObject({
      status: 404,
      body: { error: { hint: expect.stringContaining('--data-dir') } },
    });
  });
});
