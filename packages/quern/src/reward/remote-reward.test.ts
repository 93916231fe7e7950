import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lengthReward } from '../../test/scripted-reward.ts';
import { remoteReward, requestParts, type RemoteRewardOptions } from './remote-reward.ts';
import type { Reward, RewardItem } from './reward.ts';
import { rewardNamed } from './rewards.ts';
import { serveReward, type RewardServerOptions } from './server/reward-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  for (const close of closing.splice(0).toReversed()) await close();
});

async function served(reward: Reward, options?: RewardServerOptions): Promise<string> {
  const server = await serveReward(reward, options);
  closing.push(() => server.close());
  return server.url;
}

/** What a scripted server does with one request to `/v1/rewards`, whose items it is told. */
type Step = (response: ServerResponse, items: readonly RewardItem[], request: IncomingMessage) => void;

/** A server that does one step after another, the last of them again and again, and keeps the items of each request. */
async function scripted(
  ...steps: readonly Step[]
): Promise<{ url: string; asked: (readonly RewardItem[])[] }> {
  const asked: (readonly RewardItem[])[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      response.end('{"status":"ok","reward":"scripted"}');
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { items } = JSON.parse(Buffer.concat(chunks).toString()) as { items: RewardItem[] };
      asked.push(items);
      steps[Math.min(asked.length, steps.length) - 1](response, items, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const scores: Step = (response, items) => {
  const rewards = items.map(({ completion }) => ({ reward: completion.length, parts: { length: 1 } }));
  response.end(JSON.stringify({ rewards }));
};

/** Answers with a status, and nothing to score by. */
function status(code: number, headers: Record<string, string> = {}, body = '{}'): Step {
  return (response) => response.writeHead(code, headers).end(body);
}

/** Answers with a text. */
function says(text: string): Step {
  return (response) => response.end(text);
}

/** Lets the time for an answer pass, on a clock that is the test's. */
const hangs: Step = () => void vi.advanceTimersByTime(180_000);
const breaksOff: Step = (response) => response.destroy();
const breaksOffHalfway: Step = (response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('{"rewards":[', () => response.destroy());
};

/** Options with which nothing is waited for, and what would have been. */
function hasty(options: RemoteRewardOptions = {}): { options: RemoteRewardOptions; waits: number[] } {
  const waits: number[] = [];
  const sleep = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  return { options: { sleep, random: () => 1, ...options }, waits };
}

const item = (completion: string): RewardItem => ({ query: 'why', completion, positives: ['because'] });
const one = [item('abc')];
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('of the real server', () => {
  const items: RewardItem[] = [
    {
      query: 'why does bread go stale',
      completion: 'starch retrogradation makes bread stale',
      positives: ['starch retrogradation in stored bread'],
      positiveIds: ['d1'],
      completionTokens: 500,
      truncated: true,
    },
    { query: 'how do wings lift', completion: '', positives: ['pressure of air under wings'] },
  ];

  it.each(['', '/', '/v1/rewards', '/v1/rewards/'])(
    'at the address with %j gives what it gives',
    async (path) => {
      const local = await rewardNamed('mix:1*lexical,-0.1*length:400,-1*truncation');
      const remote = await remoteReward((await served(local)) + path, hasty().options);
      expect([remote.id, remote.partNames, remote.forget]).toEqual([local.id, undefined, undefined]);
      expect(await remote.score(items)).toEqual(await local.score(items));
      expect(await remote.score([])).toEqual([]);
      await remote.close();
    },
  );

  it('sends what the protocol knows of an item, and nothing else', async () => {
    const reward = lengthReward();
    const remote = await remoteReward(await served(reward), hasty().options);
    const more = { ...items[0], reasoned: 'x' };
    await remote.score([more]);
    expect(reward.batches).toEqual([[items[0]]]);
  });

  it('shows the token that is given, else that of the environment', async () => {
    const url = await served(lengthReward(), { token: 'secret' });
    vi.stubEnv('QUERN_TOKEN', ' secret\n');
    expect(await (await remoteReward(url)).score(one)).toMatchObject([{ reward: 3 }]);
    vi.stubEnv('QUERN_TOKEN', 'another');
    expect((await remoteReward(url, { token: 'secret' })).id).toBe('length');
  });

  it.each([
    ['wrong', /not the one of the server/],
    ['', /environment variable QUERN_TOKEN/],
  ])('says at once that the token %j does not let it in', async (token, message) => {
    const url = await served(lengthReward(), { token: 'secret' });
    const { options, waits } = hasty({ token });
    await expect(remoteReward(url, options)).rejects.toThrow(
      expect.objectContaining({ code: 'DENIED', where: url, hint: expect.stringMatching(message) }),
    );
    expect(waits).toEqual([]);
  });

  it('keeps the order of a batch that goes in several requests', async () => {
    const reward = lengthReward();
    const remote = await remoteReward(await served(reward), hasty().options);
    const many = Array.from({ length: 1000 }, (_, i) => item('x'.repeat(1 + ((i * 7919) % 1000))));
    const results = await remote.score(many);
    expect(results.map((each) => each.reward)).toEqual(many.map(({ completion }) => completion.length));
    expect(reward.batches.map((batch) => batch.length).toSorted((a, b) => a - b)).toEqual([
      232, 256, 256, 256,
    ]);
  });

  it('sends fewer items at a time to a server that takes less, and says it where one alone is too large', async () => {
    const remote = await remoteReward(await served(lengthReward(), { bodyLimit: 1000 }), hasty().options);
    const some = Array.from({ length: 20 }, (_, i) => item('x'.repeat(20 * i + 1)));
    const results = await remote.score(some);
    expect(results.map((each) => each.reward)).toEqual(some.map(({ completion }) => completion.length));
    await expect(remote.score([...some, item('x'.repeat(2000))])).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', hint: expect.stringContaining('--body-limit') }),
    );
  });

  it('waits for its turn where too many items wait', async () => {
    const opening = new AbortController();
    const opened = once(opening.signal, 'abort');
    const url = await served(
      lengthReward(() => opened),
      { queue: 1 },
    );
    const first = (await remoteReward(url)).score(one);
    const waits: number[] = [];
    const sleep = async (milliseconds: number): Promise<void> => {
      waits.push(milliseconds);
      opening.abort();
      await first;
    };
    await vi.waitFor(async () =>
      expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ waiting: 1 }),
    );
    const remote = await remoteReward(url, { sleep, random: () => 0 });
    expect(await remote.score(one)).toEqual(await first);
    expect(waits).toEqual([1000]);
  });

  it('refuses an item that cannot be scored before anything is sent', async () => {
    const reward = lengthReward();
    const remote = await remoteReward(await served(reward), hasty().options);
    await expect(remote.score([...one, { ...one[0], positives: [] }])).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', where: 'item 2 of 2' }),
    );
    expect(reward.batches).toEqual([]);
  });

  it("hands on what is wrong with an item in the server's eyes, and where", async () => {
    const remote = await remoteReward(await served(lengthReward()), hasty().options);
    await expect(remote.score([...one, { ...one[0], completionTokens: -1 }])).rejects.toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        what: expect.stringContaining('400: items[1].completionTokens: '),
      }),
    );
  });
});

describe('of a server that fails', () => {
  it.each([
    ['502', status(502)],
    ['503', status(503)],
    ['504', status(504, {}, '<html>')],
    ['408', status(408)],
    ['429', status(429)],
    ['a connection that ends', breaksOff],
    ['an answer that ends halfway', breaksOffHalfway],
  ])('asks again after %s, and is told rewards in the end', async (_, failing) => {
    const { url, asked } = await scripted(failing, failing, scores);
    const told: [string, number][] = [];
    const { options, waits } = hasty({ onRetry: (failure, attempt) => told.push([failure, attempt]) });
    const remote = await remoteReward(url, options);
    expect(await remote.score(one)).toEqual([{ reward: 3, parts: { length: 1 } }]);
    expect([asked.length, waits]).toEqual([3, [500, 1000]]);
    expect(told).toEqual([
      [expect.stringContaining('server'), 1],
      [expect.stringContaining('server'), 2],
    ]);
  });

  it('asks again where no answer comes in time', async () => {
    const { url, asked } = await scripted(hangs, hangs, scores);
    const { options, waits } = hasty();
    const remote = await remoteReward(url, options);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    expect(await remote.score(one)).toMatchObject([{ reward: 3 }]);
    expect([asked.length, waits]).toEqual([3, [500, 1000]]);
  });

  it.each([
    [status(429), 'OVERLOADED', /answers 429.*after 2 retries/],
    [status(503, {}, 'busy'), 'OVERLOADED', /answers 503: busy \(after 2 retries\)/],
    [status(502, {}, ' <html>'), 'NETWORK', /answers 502: a page/],
    [breaksOff, 'NETWORK', /cannot be reached.*after 2 retries/],
  ])('gives up after the last retry', async (failing, name, message) => {
    const { url, asked } = await scripted(failing);
    const remote = await remoteReward(url, hasty({ retries: 2 }).options);
    await expect(remote.score(one)).rejects.toThrow(
      expect.objectContaining({
        code: name,
        where: url,
        hint: expect.stringMatching(/./),
        message: expect.stringMatching(message),
      }),
    );
    expect(asked.length).toBe(3);
  });

  it('gives up on a server that never answers', async () => {
    const { url, asked } = await scripted(hangs);
    const remote = await remoteReward(url, hasty({ retries: 1, timeoutMs: 90_500 }).options);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await expect(remote.score(one)).rejects.toThrow(
      expect.objectContaining({
        code: 'NETWORK',
        what: 'there was no whole answer within 90.5 s (after 1 retry)',
      }),
    );
    expect(asked.length).toBe(2);
  });

  it.each([
    ['0', 500],
    ['7', 7000],
    ['86400', 60_000],
    ['soon', 500],
  ])('waits as Retry-After: %s asks, within reason', async (header, wait) => {
    const { url } = await scripted(status(429, { 'retry-after': header }), scores);
    const { options, waits } = hasty();
    await (await remoteReward(url, options)).score(one);
    expect(waits).toEqual([wait]);
  });

  it.each([
    [400, 'BAD_REPLY'],
    [401, 'DENIED'],
    [403, 'DENIED'],
    [404, 'BAD_REPLY'],
    [413, 'BAD_INPUT'],
    [422, 'BAD_REPLY'],
    [500, 'BAD_REPLY'],
    [302, 'BAD_REPLY'],
  ])('asks once where it answers %d', async (number, name) => {
    const { url, asked } = await scripted(status(number, { location: '/healthz' }));
    const remote = await remoteReward(url, hasty().options);
    await expect(remote.score(one)).rejects.toThrow(
      expect.objectContaining({ code: name, where: url, hint: expect.stringMatching(/./) }),
    );
    expect(asked.length).toBe(1);
  });

  it.each([
    ['no JSON', 'garbage', /not JSON/],
    ['NaN', '{"rewards":[{"reward":NaN,"parts":{}}]}', /not JSON/],
    ['null', '{"rewards":[{"reward":null,"parts":{}}]}', /rewards\.0\.reward/],
    ['what is too large for a number', '{"rewards":[{"reward":1e999,"parts":{}}]}', /rewards\.0\.reward/],
    ['a part that is none', '{"rewards":[{"reward":1,"parts":{"a":"b"}}]}', /rewards\.0\.parts\.a/],
    ['no parts', '{"rewards":[{"reward":1}]}', /rewards\.0\.parts/],
    ['no rewards', '{}', /rewards/],
    ['too few', '{"rewards":[]}', /0 rewards for 1 items/],
    ['too many', '{"rewards":[{"reward":1,"parts":{}},{"reward":1,"parts":{}}]}', /2 rewards for 1/],
    ['nothing', '', /not JSON/],
    ['without end', ' '.repeat(1_000_000), /larger than 81920 bytes/],
  ])('refuses an answer of %s, and asks once', async (_, text, message) => {
    const { url, asked } = await scripted(says(text));
    const remote = await remoteReward(url, hasty().options);
    await expect(remote.score(one)).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_REPLY', where: url, message: expect.stringMatching(message) }),
    );
    expect(asked.length).toBe(1);
  });

  it('never repeats the token that a server sends back', async () => {
    const { url } = await scripted((response, _, { headers }) => {
      response.writeHead(400).end(JSON.stringify({ seen: headers.authorization }));
    });
    const remote = await remoteReward(url, hasty({ token: 'secret-word' }).options);
    const error: unknown = await remote.score(one).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('Bearer');
    expect(String(error)).not.toContain('secret-word');
  });

  it('stops the other requests of a batch where one fails', async () => {
    let closed = 0;
    const { url, asked } = await scripted(
      (response) => response.once('close', () => closed++),
      (response) => response.once('close', () => closed++),
      status(404),
    );
    const remote = await remoteReward(url, hasty().options);
    const many = Array.from({ length: 2000 }, () => item('x'));
    await expect(remote.score(many)).rejects.toThrow(code('BAD_REPLY'));
    await vi.waitFor(() => expect(closed).toBe(2));
    expect(asked.length).toBeLessThan(8);
  });
});

describe('stopped', () => {
  it('breaks off a request', async () => {
    const stop = new AbortController();
    const { url, asked } = await scripted(() => stop.abort());
    const remote = await remoteReward(url, hasty().options);
    await expect(remote.score(one, stop.signal)).rejects.toThrow(code('ABORTED'));
    expect(asked.length).toBe(1);
  });

  it('breaks off a wait, whatever that waits for', async () => {
    const stop = new AbortController();
    const { url, asked } = await scripted(status(503));
    const sleep = (): Promise<void> => {
      stop.abort();
      return new Promise(() => undefined);
    };
    const remote = await remoteReward(url, { sleep });
    await expect(remote.score(one, stop.signal)).rejects.toThrow(code('ABORTED'));
    expect(asked.length).toBe(1);
  });

  it('breaks off a wait by the clock', async () => {
    const stop = new AbortController();
    const { url, asked } = await scripted(status(503, { 'retry-after': '60' }));
    const remote = await remoteReward(url, { onRetry: () => queueMicrotask(() => stop.abort()) });
    await expect(remote.score(one, stop.signal)).rejects.toThrow(code('ABORTED'));
    expect(asked.length).toBe(1);
  });

  it('asks nothing where it was stopped before', async () => {
    const { url, asked } = await scripted(scores);
    const remote = await remoteReward(url, hasty().options);
    await expect(remote.score(one, AbortSignal.abort())).rejects.toThrow(code('ABORTED'));
    expect(asked).toEqual([]);
    await expect(remoteReward(url, { signal: AbortSignal.abort() })).rejects.toThrow(code('ABORTED'));
  });
});

describe('opened', () => {
  it.each([
    ['127.0.0.1:8700', /neither http nor https|not a URL/],
    ['ftp://127.0.0.1', /neither http nor https/],
    ['http://', /not a URL/],
    [' http://127.0.0.1', /not a URL/],
    ['http://127.0.0.1/?a=b', /query or a fragment/],
    ['http://127.0.0.1/#', /query or a fragment/],
    ['http://user:hunter2@127.0.0.1', /user or a password/],
    ['http://@127.0.0.1', /user or a password/],
  ])('refuses the address %j', async (address, message) => {
    const opening = remoteReward(address, hasty().options);
    await expect(opening).rejects.toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringMatching(message),
        stack: expect.not.stringContaining('hunter2'),
      }),
    );
  });

  it.each([
    { retries: -1 },
    { retries: 0.5 },
    { timeoutMs: 0 },
    { timeoutMs: 300_001 },
    { token: 'a\nb' },
    { token: 'schlüssel' },
  ])('refuses %j', async (options) => {
    await expect(remoteReward('http://127.0.0.1:1', options)).rejects.toThrow(code('USAGE'));
  });

  it('asks a server that is not there again', async () => {
    const { options, waits } = hasty({ retries: 3 });
    const gone = await serveReward(lengthReward());
    await gone.close();
    await expect(remoteReward(gone.url, options)).rejects.toThrow(
      expect.objectContaining({ code: 'NETWORK', message: expect.stringContaining('ECONNREFUSED') }),
    );
    expect(waits).toEqual([500, 1000, 2000]);
  });

  it('has its address for an id where the server does not tell one', async () => {
    const server = createServer((request, response) =>
      request.url === '/healthz' ? response.end('{"status":"ok"}') : response.writeHead(404).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect((await remoteReward(`${url}/v1/rewards`)).id).toBe(`${url}/v1/rewards`);
  });

  it('says it where another kind of server answers', async () => {
    const server = createServer((_, response) => response.end('<html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(remoteReward(url)).rejects.toThrow(code('BAD_REPLY'));
  });
});

function lengths(batch: readonly RewardItem[], most: { items: number; bytes: number }): number[] {
  return Array.from(requestParts(batch, most), (part) => part.length);
}

it('divides a batch by items and by bytes, and leaves what is larger alone', () => {
  const bytes = JSON.stringify(item('')).length;
  const batch = Array.from({ length: 5 }, () => item(''));
  expect(lengths(batch, { items: 2, bytes: 10_000 })).toEqual([2, 2, 1]);
  expect(lengths(batch, { items: 9, bytes: 3 * bytes })).toEqual([3, 2]);
  const large = item('ü'.repeat(2 * bytes));
  expect(lengths([large, ...batch, large], { items: 9, bytes: 3 * bytes })).toEqual([1, 3, 2, 1]);
  expect(lengths([], { items: 9, bytes: 9 })).toEqual([]);
});
