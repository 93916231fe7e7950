/** Uploads by clients that mean no good, or fare badly. */
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { entries, line } from './data-folder.ts';
import { rawClient, requestHead, type RawClient } from './raw-client.ts';
import { services, type Served } from './served.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = services();
const folder = temporaryFolder();
const types = { 'content-type': 'application/x-ndjson' };
const body = line('a');

/** Waits until something is so; a test that waits in vain ends by its own limit. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(10);
}

function upload({ port }: Served, headers: Readonly<Record<string, string | number>>, sent = ''): RawClient {
  return rawClient(port, requestHead('PUT', '/v1/corpora/a/corpus.jsonl', { ...types, ...headers }) + sent);
}

async function partial({ path }: Served): Promise<boolean> {
  return (await readdir(join(path, 'corpora'))).some((name) => name.endsWith('.partial'));
}

describe('a path that would lead elsewhere', () => {
  const long = 'x'.repeat(65);
  const names = [
    '..',
    '.',
    '%2e%2e',
    '%2E%2e',
    '..%2f..',
    '%2e%2e%2f%2e%2e%2fetc',
    'a%2fb',
    'a%5cb',
    '..%5c..',
    '%00',
    'a%00',
    'a%0a',
    '%252e%252e',
    'con',
    'nul',
    'A',
    '.hidden',
    '.a.0123456789abcdef.partial',
    'a.b',
    '%c3%a4',
    '%ff',
    long,
    '~',
    '$HOME',
    '*',
    'a%20b',
  ];

  it.each(names)('as %s is refused, wherever it stands, and touches nothing', async (name) => {
    const service = await served({}, join(folder, 'deep/data'));
    const before = await readdir(folder, { recursive: true });
    const length = { 'content-length': body.length };
    for (const [method, path] of [
      ['PUT', `/v1/corpora/${name}/corpus.jsonl`],
      ['PUT', `/v1/corpora/a/qrels/${name}.tsv`],
      ['GET', `/v1/corpora/${name}`],
      ['DELETE', `/v1/corpora/${name}`],
      ['GET', `/v1/indexes/${name}`],
      ['DELETE', `/v1/indexes/${name}`],
      ['GET', `/v1/builds/${name}`],
    ] as const) {
      const sent = method === 'PUT' ? body : '';
      const type = path.endsWith('.tsv') ? { 'content-type': 'text/tab-separated-values' } : types;
      const headers = { connection: 'close', ...(method === 'PUT' && { ...type, ...length }) };
      const answer = await rawClient(service.port, requestHead(method, path, headers) + sent).ended;
      expect(`${method} ${path} ${answer.slice(0, 12)}`).toMatch(/HTTP\/1\.1 (?:400|404|414)$/);
      expect(answer).not.toContain(folder);
    }
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });
});

describe('an upload', () => {
  it('of a client that goes away leaves nothing, however it goes', async () => {
    const service = await served();
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
    for (const [headers, sent] of [
      [{ 'content-length': 1000 }, body],
      [{ 'transfer-encoding': 'chunked' }, chunk],
      [{ 'transfer-encoding': 'chunked' }, `${chunk}ffff\r\n`],
    ] as const) {
      for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
        const { socket, ended } = upload(service, headers, sent);
        await until(() => partial(service));
        socket[leave]();
        await ended;
        await until(async () => !(await partial(service)));
        expect(await entries(service.path)).toEqual([]);
      }
    }
    expect(service.log.filter((each) => each.includes('"level":50'))).toEqual([]);
    expect((await service.ask('GET', '/v1/corpora')).body).toEqual({ corpora: [] });
  });

  it('of chunks that are malformed leaves nothing', async () => {
    const service = await served();
    const { socket, ended } = upload(
      service,
      { 'transfer-encoding': 'chunked' },
      `${body.length.toString(16)}\r\n${body}\r\n`,
    );
    await until(() => partial(service));
    socket.write('zz\r\n');
    expect(await ended).toContain('400');
    await until(async () => !(await partial(service)));
    expect(await entries(service.path)).toEqual([]);
  });

  it('that comes a byte at a time is refused after a time, and is cut off', async () => {
    const service = await served({ 'limits.uploadRate': 1000, 'limits.uploadTime': 300 });
    const { socket, ended } = upload(service, { 'content-length': 1000 });
    const timer = setInterval(() => socket.writable && socket.write('x'), 30);
    const answer = await ended.finally(() => clearInterval(timer));
    expect(answer).toMatch(/^HTTP\/1\.1 408 .*"less than 1\.0 kB a second came/s);
    expect(await entries(service.path)).toEqual([]);
  });

  it('that is slow, but comes, is taken, though other requests must come sooner', async () => {
    const service = await served({
      'limits.uploadRate': 10,
      'limits.uploadTime': 200,
      'limits.bodyTime': 100,
    });
    const lines = Array.from({ length: 12 }, (_, i) => line(`d${i}`));
    const { socket, received } = upload(service, { 'content-length': lines.join('').length });
    for (const each of lines) {
      await wait(50);
      socket.write(each);
    }
    await until(() => received() !== '');
    expect(received()).toMatch(/^HTTP\/1\.1 201 .*"documents":12/s);
  });

  it('that is refused while it is sent has its answer read, and does not hold the connection', async () => {
    const service = await served({ 'limits.upload': 1_000_000 });
    const { socket, received, ended } = upload(service, { 'content-length': 1e12 });
    const piece = 'y'.repeat(65_536);
    const timer = setInterval(() => socket.writable && socket.write(piece), 5);
    await until(() => received().includes('TOO_LARGE'));
    expect(received()).toMatch(/^HTTP\/1\.1 413 /);
    await ended.finally(() => clearInterval(timer));
    expect(await entries(service.path)).toEqual([]);
  });

  it('that is refused keeps the connection for the next request, where the client has sent it whole', async () => {
    const service = await served();
    const wrong = '{"_id": }\n';
    const { socket, received } = upload(service, { 'content-length': wrong.length }, wrong);
    await until(() => received().includes('corpus.jsonl:1'));
    socket.write(requestHead('GET', '/v1/corpora', { connection: 'close' }));
    await once(socket, 'close');
    expect(received()).toMatch(/^HTTP\/1\.1 400 .*HTTP\/1\.1 200 .*"corpora":\[\]/s);
  });

  it('is one of those that come at once under one name', async () => {
    const service = await served();
    const texts = Array.from({ length: 6 }, (_, i) =>
      Array.from({ length: 2000 + i }, (__, j) => line(`${i}-${j}`)).join(''),
    );
    const answers = await Promise.all(
      texts.map((text) => service.ask('PUT', '/v1/corpora/a/corpus.jsonl', { body: text, headers: types })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    const found = await readFile(join(service.path, 'corpora/a/corpus.jsonl'), 'utf8');
    expect(texts).toContain(found);
    expect((await service.ask('GET', '/v1/corpora/a')).body).toMatchObject({
      documents: 2000 + texts.indexOf(found),
    });
  });

  it('is refused where many come at once, until one has ended', async () => {
    const service = await served();
    const held = Array.from({ length: 8 }, () => upload(service, { 'content-length': 1000 }, body));
    await until(async () => (await readdir(join(service.path, 'corpora'))).length === 8);
    const refused = await service.ask('PUT', '/v1/corpora/b/corpus.jsonl', { body, headers: types });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.any(String)]);
    held[0]!.socket.destroy();
    await until(async () => (await readdir(join(service.path, 'corpora'))).length === 7);
    await until(async () => {
      const { status } = await service.ask('PUT', '/v1/corpora/b/corpus.jsonl', { body, headers: types });
      return status === 201;
    });
    // Nothing of the others is counted, or seen.
    expect((await service.ask('GET', '/v1/corpora')).body).toMatchObject({ corpora: [{ name: 'b' }] });
  });

  it('that is under way when the service ends has its time, and then leaves nothing', async () => {
    const service = await served({ 'limits.grace': 200 });
    const { ended } = upload(service, { 'content-length': 1000 }, body);
    await until(() => partial(service));
    await service.running.close();
    await ended;
    expect((await readdir(service.path)).sort()).toEqual(['corpora', 'indexes']);
    expect(await entries(service.path)).toEqual([]);
  });
});

describe('a build', () => {
  const corpus = Array.from({ length: 4000 }, (_, i) => line(`d${i}`, `jet number${i} `.repeat(20))).join('');
  const json = { 'content-type': 'application/json' };

  it('holds its corpus and its index, and can be cancelled', async () => {
    const service = await served();
    const { ask } = service;
    await ask('PUT', '/v1/corpora/a/corpus.jsonl', { body: corpus, headers: types });
    const begun = await ask('POST', '/v1/indexes', { body: '{"name":"i","corpus":"a"}', headers: json });
    const { id } = begun.body as { id: string };
    const statuses = [await ask('DELETE', '/v1/corpora/a'), await ask('DELETE', '/v1/indexes/i')];
    const cancelled = await ask('DELETE', `/v1/builds/${id}`);
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(statuses).toMatchObject([
      { status: 409, body: { error: { code: 'LOCKED' } } },
      { status: 409, body: { error: { code: 'LOCKED' } } },
    ]);
    expect(await readdir(join(service.path, 'indexes'))).toEqual([]);
    expect((await ask('DELETE', '/v1/corpora/a')).status).toBe(204);
  });

  it('is cancelled when the service ends, and who watches it is told', async () => {
    const service = await served();
    await service.ask('PUT', '/v1/corpora/a/corpus.jsonl', { body: corpus, headers: types });
    const request = '{"name":"i","corpus":"a"}';
    const headers = { ...json, accept: 'text/event-stream', 'content-length': request.length };
    const { received, ended } = rawClient(
      service.port,
      requestHead('POST', '/v1/indexes', headers) + request,
    );
    await until(() => received().includes('event: progress'));
    await service.running.close();
    expect(await ended).toMatch(/event: cancelled\ndata: .*"state":"cancelled"/);
    expect(await entries(service.path)).toEqual([
      'corpora/a',
      'corpora/a/corpus.jsonl',
      'corpora/a/facts.json',
    ]);
  });

  it('goes on where the client that asked for its events goes', async () => {
    const service = await served();
    await service.ask('PUT', '/v1/corpora/a/corpus.jsonl', { body: corpus, headers: types });
    const request = '{"name":"i","corpus":"a"}';
    const headers = { ...json, accept: 'text/event-stream', 'content-length': request.length };
    const { socket, received } = rawClient(
      service.port,
      requestHead('POST', '/v1/indexes', headers) + request,
    );
    await until(() => received().includes('event: progress'));
    socket.destroy();
    await until(async () => (await service.ask('GET', '/v1/indexes/i')).status === 200);
    expect((await service.ask('GET', '/v1/indexes/i')).body).toMatchObject({ documents: 4000 });
  });
});
