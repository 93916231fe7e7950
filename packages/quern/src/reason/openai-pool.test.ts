import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  destroyed,
  failing,
  FakeOpenAiServer,
  plain,
  silent,
  streamed,
  type FakeReply,
} from '../../test/fake-openai-server.ts';
import { Warnings } from '../warnings.ts';
import { OpenAiPool, type OpenAiPoolOptions } from './openai-pool.ts';
import { OpenAiReasoner } from './openai.ts';

const servers: FakeOpenAiServer[] = [];
const pools: OpenAiPool[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function serving(count: number): Promise<FakeOpenAiServer[]> {
  const started = await Promise.all(Array.from({ length: count }, () => FakeOpenAiServer.start()));
  servers.push(...started);
  return started;
}

function nameOf(of: readonly FakeOpenAiServer[]): string {
  return `openai:served@${of.map(({ url }) => url).join(',')}`;
}

/** A pool of these servers that waits for a hundredth of its pauses, which are kept. */
function poolOf(
  of: readonly FakeOpenAiServer[],
  options: Partial<OpenAiPoolOptions> = {},
): { pool: OpenAiPool; pauses: number[]; changes: string[] } {
  const pauses: number[] = [];
  const changes: string[] = [];
  const pool = OpenAiPool.create({
    name: nameOf(of),
    env: {},
    random: () => 1,
    onServer: ({ name, isIn }) =>
      changes.push(`${name.replace(/^.*:(\d+)\/v1$/, '$1')} ${isIn ? 'in' : 'out'}`),
    sleep: async (milliseconds, signal) => {
      pauses.push(milliseconds);
      await pause(milliseconds / 100, undefined, { signal });
    },
    ...options,
  });
  pools.push(pool);
  return { pool, pauses, changes };
}

function configured(
  of: readonly FakeOpenAiServer[],
  configuration: Record<string, unknown>,
): Pick<OpenAiPoolOptions, 'configurations'> {
  return { configurations: new Map([[nameOf(of), configuration]]) };
}

function questions(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `question ${i}`);
}

/** Asks all at once, as many as the pool takes. */
async function texts(pool: OpenAiPool, count: number): Promise<string[]> {
  const reasoned = await Promise.all(questions(count).map((query) => pool.reason(query)));
  return reasoned.map(({ text }) => text);
}

/** Waits until something is so, however long that takes. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(2);
}

function askedOf(of: readonly FakeOpenAiServer[]): string[] {
  return of.flatMap((server) => server.questions).toSorted();
}

/** The keys that came with a server's requests. */
function keysOf({ requests }: FakeOpenAiServer): unknown[] {
  return [...new Set(requests.map(({ headers }) => headers.authorization))];
}

/** Answers with the seed, which depends on the question alone. */
const echo: FakeReply = (response, request) =>
  streamed({ pieces: [`the seed is ${String(request.body!.seed)}`] })(response, request);

describe('several servers', () => {
  it('are asked each about some, every question once, and say what one server says', async () => {
    const three = await serving(3);
    for (const server of three) server.reply = echo;
    const { pool } = poolOf(three);
    expect(pool.parallel).toBe(24);
    const answers = await texts(pool, 30);
    expect(askedOf(three)).toEqual(questions(30).toSorted());
    for (const { bodies } of three) expect(bodies.length).toBeGreaterThan(5);

    const [first] = three;
    const alone = OpenAiReasoner.create({ name: first.name(), env: {} });
    const alike = await Promise.all(questions(30).map((query) => alone.reason(query)));
    expect(alike.map(({ text }) => text)).toEqual(answers);
    expect((await pool.reason('q')).reasoner).toBe(alone.id);
    expect(pool.id).toBe(alone.id);
    expect(await pool.cacheKey('q', { sample: 2 })).toBe(await alone.cacheKey('q', { sample: 2 }));
  });

  it('are burdened as much as each may be, the one with the least to do first', async () => {
    const three = await serving(3);
    const held: (() => void)[] = [];
    for (const server of three) {
      server.reply = async (response, request) => {
        await new Promise<void>((release) => held.push(release));
        return streamed()(response, request);
      };
    }
    const { pool } = poolOf(three, {
      configurations: new Map([
        [nameOf(three), { concurrency: 2 }],
        [three[2].name(), { concurrency: 4 }],
      ]),
    });
    expect(pool.parallel).toBe(8);
    const all = texts(pool, 12);
    await until(() => held.length === 8);
    expect(three.map(({ underWay }) => underWay)).toEqual([2, 2, 4]);
    for (let released = 0; released < 12; released++) {
      await until(() => held.length > 0);
      held.shift()!();
    }
    await all;
    expect(three.map(({ mostUnderWay }) => mostUnderWay)).toEqual([2, 2, 4]);
  });

  it('get fewer questions where one is slow', async () => {
    const two = await serving(2);
    const held: (() => void)[] = [];
    two[1].reply = async (response, request) => {
      await new Promise<void>((release) => held.push(release));
      return streamed()(response, request);
    };
    const { pool } = poolOf(two, configured(two, { concurrency: 2 }));
    const all = texts(pool, 20);
    // The slow one answers when the other has answered all that it does not hold.
    await until(() => two[0].bodies.length === 18 && held.length === 2);
    for (const release of held) release();
    await all;
    expect(two.map(({ bodies }) => bodies.length)).toEqual([18, 2]);
  });

  it('stream the text of one', async () => {
    const two = await serving(2);
    const { pool } = poolOf(two);
    const pieces: string[] = [];
    const stream = pool.stream('q');
    let next = await stream.next();
    for (; next.done !== true; next = await stream.next()) pieces.push(next.value);
    expect(pieces).toEqual(['Think ', 'about it.']);
    expect(next.value.text).toBe('Think about it.');
    expect(pool.servers.map(({ underWay, answered }) => [underWay, answered])).toEqual([
      [0, 1],
      [0, 0],
    ]);
  });

  it.each([
    ['openai:m@http://h/v1,http://h/v1/', /this server twice/],
    ['openai:m@http://h/v1,h:8000/v1', /comma/],
    ['openai:m@http://h/v1,http://user:hunter2@g/v1', /user or a password/],
    ['openai:m@http://h/v1,http://g/v1?key=hunter2', /query or a fragment/],
    ['openai:m@http://h/v1,http://', /not a URL/],
  ])('are refused where they are %s', (name, message) => {
    const create = (): OpenAiPool => OpenAiPool.create({ name, env: {} });
    expect(create).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }),
    );
    expect(create).not.toThrow(/hunter2/);
  });
});

describe('a server that fails', () => {
  it.each<[string, FakeReply]>([
    ['breaks off before the text', destroyed],
    ['breaks off in the middle of it', streamed({ finish: null, done: false, usage: null, destroy: true })],
    ['ends without saying why', streamed({ finish: null, done: false, usage: null })],
    ['answers 500', failing(500)],
    ['answers 503', failing(503, { message: 'Loading model' })],
    ['answers with a web page', plain(200, '<html>gateway</html>', { 'content-type': 'text/html' })],
    ['answers with no JSON', plain(200, '{"choices":', { 'content-type': 'application/json' })],
    ['answers with a stream of garbage', streamed({ raw: 'data: {"choices": [null\n\n' })],
    ['is silent', silent],
    ['lacks the model', failing(404, { message: 'The model `served` does not exist.', code: 404 })],
    ['refuses the key', failing(401, { message: 'Incorrect API key provided' })],
    ['leads elsewhere', plain(302, '', { location: 'http://elsewhere.example' })],
  ])(
    'by what it does (%s) loses its questions to the others, and all are answered once',
    async (_, reply) => {
      const three = await serving(3);
      three[1].reply = reply;
      three[1].models = reply;
      const { pool } = poolOf(three, {
        configurations: new Map([
          [nameOf(three), { retries: 1, concurrency: 4 }],
          // The others are waited for however busy this machine is.
          [three[1].name(), { timeout: 0.2 }],
        ]),
      });
      expect(await texts(pool, 24)).toEqual(Array.from({ length: 24 }, () => 'Think about it.'));
      expect(askedOf([three[0], three[2]])).toEqual(questions(24).toSorted());
      expect(pool.servers[1]).toMatchObject({ answered: 0, underWay: 0, name: three[1].name() });
    },
  );

  it('is out until it is well, and comes back by one question', async () => {
    const three = await serving(3);
    const { pool, pauses, changes } = poolOf(three, configured(three, { concurrency: 2 }));
    const dead = three[2];
    await dead.stop();
    await texts(pool, 6);
    expect(pool.servers[2]).toMatchObject({ state: 'out', why: expect.stringContaining('ECONNREFUSED') });
    expect(changes).toEqual([`${dead.port} out`]);
    await until(() => pauses.length >= 4);
    expect(pauses.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
    await texts(pool, 6);
    expect(dead.bodies).toEqual([]);

    const back = await FakeOpenAiServer.startAt(dead.port);
    servers.push(back);
    await until(() => back.requests.length >= 2);
    expect(back.requests.map(({ path }) => path)).toEqual(['/health', '/v1/models']);
    const held: (() => void)[] = [];
    back.reply = async (response, request) => {
      await new Promise<void>((release) => held.push(release));
      return streamed()(response, request);
    };
    const some = texts(pool, 12);
    await until(() => held.length === 1 && three[0].bodies.length + three[1].bodies.length === 12 + 11);
    expect(back.mostUnderWay).toBe(1);
    held[0]();
    await some;
    expect(changes).toEqual([`${dead.port} out`, `${dead.port} in`]);
    expect(pool.servers[2]).toMatchObject({ state: 'in', answered: 1 });
    back.reply = streamed();
    await texts(pool, 12);
    expect(back.bodies.length).toBeGreaterThan(1);
  });

  it('is not out while it says that it is well, unless it fails three times in a row', async () => {
    const two = await serving(2);
    const { pool, changes } = poolOf(two, configured(two, { concurrency: 1 }));
    two[0].script.push(failing(500), failing(500), streamed(), failing(500), failing(500), failing(500));
    // Asked one by one, the first server is the first to be asked as long as it has had as many as the other.
    for (let i = 0; i < 4; i++) await pool.reason(`q ${i}`);
    expect(changes).toEqual([]);
    await until(() => {
      void pool.reason('more').catch(() => undefined);
      return changes.length > 0;
    });
    expect(changes[0]).toBe(`${two[0].port} out`);
    await until(() => pool.servers.every(({ underWay }) => underWay === 0));
  });

  it('is left alone for as long as it asks, and the others go on', async () => {
    const two = await serving(2);
    two[0].script.push(failing(429, {}, { 'retry-after': '30' }));
    const { pool, pauses, changes } = poolOf(two, { ...configured(two, { concurrency: 1 }) });
    await pool.reason('first');
    expect(pauses).toEqual([30_000]);
    expect(pool.servers.map(({ state }) => state)).toEqual(['paused', 'in']);
    await texts(pool, 5);
    expect(two.map(({ bodies }) => bodies.length)).toEqual([1, 6]);
    await until(() => pool.servers[0].state === 'in');
    await texts(pool, 4);
    expect(two[0].bodies.length).toBeGreaterThan(1);
    expect(changes).toEqual([]);
  });

  it('is known by its health, where it has a page for that', async () => {
    const two = await serving(2);
    two[0].reply = failing(500);
    two[0].routes.set('GET /health', plain(503, 'engine is dead'));
    const { pool, changes } = poolOf(two, configured(two, { concurrency: 1 }));
    await pool.reason('q');
    expect(changes).toEqual([`${two[0].port} out`]);
    expect(two[0].bodies).toHaveLength(1);
  });

  it('fails who has seen a piece of its text', async () => {
    const two = await serving(2);
    const { pool } = poolOf(two);
    two[0].reply = streamed({ finish: null, done: false, usage: null, destroy: true });
    const stream = pool.stream('q');
    expect((await stream.next()).value).toBe('Think ');
    await expect(
      (async () => {
        for await (const _ of stream);
      })(),
    ).rejects.toMatchObject({ code: 'NETWORK' });
  });

  it('is not blamed for being stopped by the caller', async () => {
    const two = await serving(2);
    for (const server of two) server.reply = silent;
    const { pool } = poolOf(two);
    const stopping = new AbortController();
    const call = pool.reason('q', { signal: stopping.signal });
    await until(() => two[0].underWay === 1);
    stopping.abort();
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    expect(pool.servers.map(({ state, failed, underWay }) => [state, failed, underWay])).toEqual([
      ['in', 0, 0],
      ['in', 0, 0],
    ]);
  });
});

describe('a question that is at fault itself', () => {
  it.each<[string, FakeReply]>([
    ['is refused', failing(400, { message: 'maximum context length is 10 tokens' })],
    ['has an empty answer', streamed({ pieces: [] })],
    ['is filtered', streamed({ pieces: ['I '], finish: 'content_filter' })],
  ])('(%s) fails at once, and the server stays', async (_, reply) => {
    const two = await serving(2);
    two[0].script.push(reply);
    const { pool, changes } = poolOf(two);
    await expect(pool.reason('q')).rejects.toMatchObject({ code: 'BAD_REPLY' });
    expect(two.map(({ bodies }) => bodies.length)).toEqual([1, 0]);
    expect(changes).toEqual([]);
    expect((await pool.reason('another')).text).toBe('Think about it.');
  });

  it('is given up where servers fail under it that are well', async () => {
    const three = await serving(3);
    for (const server of three) {
      server.reply = (response, request) =>
        JSON.stringify(request.body).includes('poison')
          ? failing(500)(response, request)
          : streamed()(response, request);
    }
    const { pool } = poolOf(three, configured(three, { retries: 1 }));
    await expect(pool.reason('poison')).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining('it failed at 2 servers'),
    });
    expect(await texts(pool, 9)).toHaveLength(9);
  });

  it('is given up where servers leave the pool under it', async () => {
    const three = await serving(3);
    for (const server of three) {
      server.reply = (response, request) => {
        if (!JSON.stringify(request.body).includes('poison')) return streamed()(response, request);
        // It takes a moment to come back.
        const { models } = server;
        if (models !== destroyed) setTimeout(() => (server.models = models), 20);
        server.models = destroyed;
        return destroyed(response, request);
      };
    }
    const { pool } = poolOf(three, configured(three, { retries: 2, outage: 100 }));
    await expect(pool.reason('poison')).rejects.toMatchObject({ code: 'NETWORK' });
    expect(three.flatMap(({ bodies }) => bodies)).toHaveLength(3);
    expect(await texts(pool, 9)).toHaveLength(9);
  });
});

describe('where no server is left', () => {
  it('those that wait end after an outage, and later ones at once, until one is back', async () => {
    const two = await serving(2);
    for (const server of two) await server.stop();
    const { pool } = poolOf(two, { outage: 50 });
    for (const query of ['one', 'two']) {
      await expect(pool.reason(query)).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringMatching(/no server is left to ask .*ECONNREFUSED.*; .*ECONNREFUSED/),
      });
    }
    servers.push(await FakeOpenAiServer.startAt(two[1].port));
    await until(() => servers.at(-1)!.requests.length === 2);
    await until(() => {
      void pool.reason('again').catch(() => undefined);
      return pool.servers[1].state === 'in';
    });
    expect((await pool.reason('three')).text).toBe('Think about it.');
  });

  it('and all refuse, that is said at once', async () => {
    const two = await serving(2);
    two[0].reply = failing(404, { message: 'The model `served` does not exist.' });
    two[1].reply = failing(401, { message: 'no key' });
    const { pool } = poolOf(two, { outage: 80_000_000 });
    await expect(pool.reason('q')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/does not exist.*no key/),
    });
  });

  it('getting ready says so, and else that one is there', async () => {
    const two = await serving(2);
    await two[0].stop();
    const { pool, changes } = poolOf(two, { outage: 50 });
    await pool.ready();
    expect(changes).toEqual([`${two[0].port} out`]);
    await two[1].stop();
    await expect(pool.reason('q')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(poolOf(two, { outage: 50 }).pool.ready()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('closing sends those away that wait', async () => {
    const two = await serving(2);
    for (const server of two) await server.stop();
    const { pool, changes } = poolOf(two, { outage: 80_000_000 });
    const call = pool.reason('q');
    const ended = call.catch((error: unknown) => error);
    await until(() => changes.length === 2);
    await pool.close();
    expect(await ended).toMatchObject({ code: 'ABORTED' });
  });
});

describe('the key of several servers', () => {
  it('that nobody chose goes to all of a private network', async () => {
    const two = await serving(2);
    const { pool } = poolOf(two, { env: { OPENAI_API_KEY: 'sk-1' } });
    await pool.ready();
    await texts(pool, 4);
    expect(two.map(keysOf)).toEqual([['Bearer sk-1'], ['Bearer sk-1']]);
  });

  it('does not go from a hosted server to one of yours, which is said', async () => {
    const [own] = await serving(1);
    const warnings = new Warnings();
    const name = `openai:served@https://models.invalid/v1,${own.url}`;
    const { pool } = poolOf([], { name, env: { OPENAI_API_KEY: 'sk-1' }, warnings });
    await pool.reason('q');
    expect(keysOf(own)).toEqual([undefined]);
    expect(warnings.list()).toMatchObject([
      { message: expect.stringContaining('is sent to where the first of the servers is'), first: own.name() },
    ]);
  });

  it('that is named for one goes to that alone, and no probe or error shows it elsewhere', async () => {
    const two = await serving(2);
    two[1].script.push(failing(401, { message: 'not sk-secret-2' }));
    const { pool } = poolOf(two, {
      env: { KEY_1: 'sk-secret-1', KEY_2: 'sk-secret-2' },
      configurations: new Map([
        [two[0].name(), { keyVariable: 'KEY_1', concurrency: 1 }],
        [two[1].name(), { keyVariable: 'KEY_2', concurrency: 1 }],
      ]),
    });
    await pool.ready();
    await texts(pool, 6);
    expect(two.map(keysOf)).toEqual([['Bearer sk-secret-1'], ['Bearer sk-secret-2']]);
    expect(JSON.stringify(pool.servers)).not.toContain('sk-secret');
  });
});
