/** `POST /v1/search` as events: the text as it grows, the rankings on the way, and the answer. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCorpus } from '../src/collections/open-corpus.ts';
import { indexCorpus } from '../src/lexical/index-corpus.ts';
import type { Look } from '../src/serve/service/growing-ranking.ts';
import type { SearchAnswer } from '../src/serve/service/search.ts';
import { sampleFolder } from './beir-collection.ts';
import { failing, FakeOpenAiServer, silent, streamed } from './fake-openai-server.ts';
import { startService, type ServiceUnderTest } from './running-service.ts';
import { sentEvents } from './server-sent-events.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const index = join(folder, 'sample.index');
const reasoned = JSON.parse(readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8')) as Record<
  string,
  string
>;
const [question] = Object.keys(reasoned) as [string];
/** Words enough for more looks than there may be. */
const long = Object.values(reasoned)
  .slice(1)
  .join(' ')
  .slice(0, 30_000)
  .split(/(?<= )/);

let service: ServiceUnderTest;
let model: FakeOpenAiServer;
let broken: FakeOpenAiServer;

beforeAll(async () => {
  await indexCorpus(await openCorpus(join(sampleFolder, 'corpus.jsonl')), { out: index, store: true });
  model = await FakeOpenAiServer.start();
  model.reply = streamed({ pieces: long });
  broken = await FakeOpenAiServer.start();
  broken.reply = failing(401, {});
  service = await startService(folder, {
    indexes: { notes: { index, questions: join(sampleFolder, 'queries.jsonl') } },
    reasoners: {
      recorded: `file:${join(sampleFolder, 'reasoned.json')}`,
      two: `join:file:${join(sampleFolder, 'reasoned.json')},openai:m@${model.url}`,
      model: { reasoner: `openai:m@${model.url}`, cached: false },
      broken: { reasoner: `openai:m@${broken.url}`, cached: false, retries: 0 },
    },
  });
});

afterAll(async () => {
  await service?.close();
  await model?.stop();
  await broken?.stop();
});

interface Watched {
  readonly names: readonly string[];
  readonly texts: readonly string[];
  readonly looks: readonly Look[];
  readonly done: SearchAnswer;
}

async function watched(body: Readonly<Record<string, unknown>>): Promise<Watched> {
  const { status, headers, text } = await service.ask(
    '/v1/search',
    { query: question, index: 'notes', k: 5, ...body },
    { accept: 'text/event-stream' },
  );
  expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const events = sentEvents(text).map(({ event, data }) => ({ event, data: JSON.parse(data) as unknown }));
  const of = <T>(name: string): T[] =>
    events.flatMap(({ event, data }) => (event === name ? [data as T] : []));
  const texts: string[] = [];
  for (const piece of of<{ text: string; part: number; isStart?: true }>('piece')) {
    texts[piece.part] = (piece.isStart ? '' : (texts[piece.part] ?? '')) + piece.text;
  }
  return {
    names: events.map(({ event }) => event),
    texts,
    looks: of<Look>('ranking'),
    done: of<SearchAnswer>('done').at(0)!,
  };
}

describe('a search that is watched', () => {
  it('tells the text, rankings at every few words of it, and at the end what a search answers', async () => {
    const { names, texts, looks, done } = await watched({ reasoner: 'recorded' });
    expect(texts).toEqual([reasoned[question]]);
    expect(names.filter((name) => name === 'reasoned')).toEqual(['reasoned']);
    expect(names.at(-1)).toBe('done');
    const { body } = await service.ask<SearchAnswer>('/v1/search', {
      query: question,
      index: 'notes',
      k: 5,
      reasoner: 'recorded',
    });
    expect(done.hits).toEqual(body.hits);
    expect(looks.length).toBeGreaterThan(10);
    const lengths = looks.map((look) => look.lengths[0]!);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });

  it('ranks on the way as a search for the text so far would', async () => {
    const { texts, looks } = await watched({ reasoner: 'recorded' });
    for (const { lengths, hits } of looks) {
      const query = texts[0]!.slice(0, lengths[0]);
      const { body } = await service.ask<SearchAnswer>('/v1/search', {
        query,
        index: 'notes',
        k: 5,
        texts: 'none',
      });
      expect(hits.map(({ id, score, rank }) => ({ id, score, rank }))).toEqual(body.hits);
    }
  });

  it('combines on the way as it does in the end', async () => {
    const { texts, looks } = await watched({ reasoner: 'recorded', combine: 'concat:1' });
    const { lengths, hits } = looks.at(7)!;
    const { body } = await service.ask<SearchAnswer>('/v1/search', {
      query: `${question} ${texts[0]!.slice(0, lengths[0])}`,
      index: 'notes',
      k: 5,
    });
    expect(hits.map(({ id }) => id)).toEqual(body.hits.map(({ id }) => id));
  });

  it('tells the title of each document once', async () => {
    const { looks } = await watched({ reasoner: 'recorded' });
    const titled = looks.flatMap(({ hits }) =>
      hits.filter(({ title }) => title !== undefined).map(({ id }) => id),
    );
    expect(new Set(titled).size).toBe(titled.length);
    expect(new Set(titled)).toEqual(new Set(looks.flatMap(({ hits }) => hits.map(({ id }) => id))));
  });

  it('looks at a long text a bounded number of times, over all of it', async () => {
    const { texts, looks } = await watched({ reasoner: 'model' });
    expect(texts[0]!.length).toBeGreaterThan(20_000);
    expect(looks.length).toBeGreaterThan(20);
    expect(looks.length).toBeLessThanOrEqual(60);
  });

  it('tells the texts of several reasoners apart', async () => {
    const { texts, looks } = await watched({ reasoner: 'two' });
    expect(texts[0]).toBe(reasoned[question]);
    expect(texts[1]!.slice(0, 80)).toBe(long.join('').slice(0, 80));
    expect(looks.every(({ lengths }) => lengths.length === 2)).toBe(true);
  });

  it('goes on without rankings on the way where a reasoner has no text, or fails', async () => {
    for (const [reasoner, finish] of [
      ['none', 'skipped'],
      ['rm3', 'stop'],
      ['broken', 'failed'],
    ]) {
      const { texts, looks, done } = await watched({ reasoner });
      expect([texts, looks]).toEqual([[], []]);
      expect(done.hits).toHaveLength(5);
      expect(done).toMatchObject({ reasoned: { finish } });
    }
  });

  it('stops as soon as the ranking is stable', async () => {
    const { texts, done } = await watched({ reasoner: 'model', earlyStop: 'overlap=0.2,checks=1' });
    expect(done).toMatchObject({ reasoned: { finish: 'early' } });
    expect(texts[0]!.length).toBeLessThan(10_000);
  });

  it('ends the generation when who asked goes away', async () => {
    model.reply = streamed({ pieces: long.slice(0, 100), hang: true, finish: null });
    const gone = new AbortController();
    const asked = fetch(`${service.url}/v1/search`, {
      method: 'POST',
      signal: gone.signal,
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: question, index: 'notes', reasoner: 'model' }),
    });
    await expect.poll(() => model.underWay).toBe(1);
    expect((await asked).status).toBe(200);
    gone.abort();
    await expect.poll(() => model.underWay).toBe(0);
    model.reply = streamed({ pieces: long });
  });

  it('begins to answer while nothing is written yet, so that no proxy gives it up', async () => {
    model.reply = silent;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const gone = new AbortController();
      const asked = fetch(`${service.url}/v1/search`, {
        method: 'POST',
        signal: gone.signal,
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: question, index: 'notes', reasoner: 'model' }),
      });
      while (model.underWay === 0) await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(5000);
      expect((await asked).status).toBe(200);
      gone.abort();
      while (model.underWay > 0) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      vi.useRealTimers();
      model.reply = streamed({ pieces: long });
    }
  });

  it('answers what is refused at once as any error', async () => {
    for (const [body, status] of [
      [{ index: 'no' }, 404],
      [{ k: 0 }, 400],
      [{ query: 'nothing is recorded of this', reasoner: 'recorded' }, 404],
    ] as const) {
      const asked = { query: question, index: 'notes', ...body };
      const refused = await service.ask('/v1/search', asked, { accept: 'text/event-stream' });
      expect([refused.status, refused.headers.get('content-type')]).toEqual([
        status,
        'application/json; charset=utf-8',
      ]);
    }
  });
});

describe('the questions of an index', () => {
  it('are those of its file, in parts', async () => {
    const all = await service.ask<{ total: number; questions: { id: string; text: string }[] }>(
      '/v1/indexes/notes/questions',
    );
    expect(all.body.total).toBe(30);
    expect(all.body.questions.map(({ text }) => text)).toEqual(expect.arrayContaining([question]));
    const some = await service.ask('/v1/indexes/notes/questions?from=3&limit=2');
    expect(some.body).toEqual({ total: 30, questions: all.body.questions.slice(3, 5) });
    const { body } = await service.ask<{ indexes: unknown[] }>('/v1/indexes');
    expect(body.indexes).toMatchObject([{ name: 'notes', hasQuestions: true }]);
  });

  it('are told of by a name alone, within limits', async () => {
    for (const [path, status] of [
      ['no/questions', 404],
      ['..%2fnotes/questions', 400],
      ['notes/questions?limit=5000', 400],
      ['notes/questions?from=-1', 400],
    ] as const) {
      expect((await service.ask(`/v1/indexes/${path}`)).status).toBe(status);
    }
  });
});

describe('what names stand for', () => {
  it('is told by a service of this machine alone', async () => {
    const { body } = await service.ask('/v1/config');
    expect(body).toMatchObject({
      declared: {
        indexes: { notes: index },
        reasoners: { recorded: `file:${join(sampleFolder, 'reasoned.json')}`, rm3: 'rm3' },
      },
    });
  });

  it.each([
    ['x-forwarded-for', '192.0.2.1'],
    ['via', '1.1 proxy'],
    ['forwarded', 'for=192.0.2.1'],
  ])('is kept from who asks through a proxy that says so by %s', async (name, value) => {
    const { body } = await service.ask('/v1/config', undefined, { [name]: value });
    expect(body).not.toHaveProperty('declared');
  });

  it.each([
    ['asks for tokens', { tokens: [{ name: 'a', scope: 'read', variable: 'TOKEN' }] }],
    ['is behind a proxy', { listen: { proxy: true } }],
    ['is reached by a name', { listen: { hosts: ['search.example.org'] } }],
  ])('is kept by one that %s', async (_, configuration) => {
    const token = 'a-token-of-many-characters';
    const guarded = await startService(
      folder,
      { indexes: { notes: index }, ...configuration },
      { TOKEN: token },
    );
    const { status, text } = await guarded.ask('/v1/config', undefined, { authorization: `Bearer ${token}` });
    expect(status).toBe(200);
    expect(text).not.toContain(folder);
    await guarded.close();
  });
});
