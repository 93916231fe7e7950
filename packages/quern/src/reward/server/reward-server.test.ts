import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout as later } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { lengthReward } from '../../../test/scripted-reward.ts';
import { QuernError } from '../../errors.ts';
import type { Reward, RewardResult } from '../reward.ts';
import { questionOf } from './openrlhf-protocol.ts';
import {
  rewardApplication,
  serveReward,
  type RewardServer,
  type RewardServerOptions,
} from './reward-server.ts';

const servers: RewardServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function served(reward: Reward, options: RewardServerOptions = {}): Promise<string> {
  const server = await serveReward(reward, options);
  servers.push(server);
  return server.url;
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** What is waited for until it is opened. */
function gate(): { readonly opened: Promise<unknown>; open(): void } {
  const controller = new AbortController();
  return { opened: once(controller.signal, 'abort'), open: () => controller.abort() };
}

/** What any of the routes may answer. */
interface Answer {
  readonly rewards: readonly RewardResult[];
  readonly scores: readonly number[];
  readonly extra_logs: unknown;
  readonly error: { readonly code: string; readonly message: string; readonly where?: string };
}

/** What one reads of the answer to a post; a status too. */
async function answered(
  url: string,
  body: unknown,
  headers?: Record<string, string>,
): Promise<[number, Answer]> {
  const response = await post(url, body, headers);
  return [response.status, (await response.json()) as Answer];
}

const item = (completion: string): object => ({ query: 'why', completion, positives: ['because'] });

describe('/v1/rewards', () => {
  it('answers a result an item, in their order', async () => {
    const url = await served(lengthReward());
    const [status, body] = await answered(`${url}/v1/rewards`, {
      items: [item('abc'), item(''), item('ab')],
    });
    expect(status).toBe(200);
    expect(body.rewards).toEqual([
      { reward: 3, parts: { length: 3, query: 3 } },
      { reward: -1, parts: {}, failure: 'empty' },
      { reward: 2, parts: { length: 2, query: 3 } },
    ]);
  });
  it.each([
    [{}, 'items'],
    [{ items: [] }, 'items'],
    [{ items: [item('a'), { query: 'q', completion: 'c', positives: [] }] }, 'items[1].positives'],
    [{ items: [{ query: ' ', completion: 'c', positives: ['p'] }] }, 'items[0].query'],
    [{ items: [{ query: 'q', positives: ['p'] }] }, 'items[0].completion'],
    [{ items: [{ ...item('c'), truncated: 1 }] }, 'items[0].truncated'],
    [[], 'body'],
  ])('names the field that is wrong in %j', async (body, where) => {
    const url = await served(lengthReward());
    const [status, { error }] = await answered(`${url}/v1/rewards`, body);
    expect([status, error.code, error.where]).toEqual([400, 'BAD_INPUT', where]);
  });
  it.each([
    ['{"items":', 400],
    ['', 400],
    [`{"items":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 400],
    ['{"__proto__":{"items":[]}}', 400],
    [JSON.stringify({ items: [item('x'.repeat(5000))] }), 413],
  ])('refuses what cannot be taken with one error', async (body, status) => {
    const url = await served(lengthReward(), { bodyLimit: body.length > 90_000 ? 1 << 20 : 4000 });
    const [found, { error }] = await answered(`${url}/v1/rewards`, body);
    expect([found, typeof error.message]).toEqual([status, 'string']);
  });
  it('takes a completion of ten megabytes', async () => {
    const url = await served(lengthReward());
    const [, { rewards }] = await answered(`${url}/v1/rewards`, { items: [item('x'.repeat(10_000_000))] });
    expect(rewards[0].reward).toBe(10_000_000);
  });
  it('refuses more than may wait, says when to come again, and goes on after that', async () => {
    const { opened, open } = gate();
    const url = await served(
      lengthReward(() => opened),
      { queue: 2, linger: 0 },
    );
    const first = answered(`${url}/v1/rewards`, { items: [item('a'), item('b'), item('c')] });
    await expect.poll(async () => (await fetch(`${url}/healthz`)).json()).toMatchObject({ waiting: 3 });
    const refused = await post(`${url}/v1/rewards`, { items: [item('d')] });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(((await refused.json()) as Answer).error.code).toBe('OVERLOADED');
    open();
    expect((await first)[0]).toBe(200);
    expect((await post(`${url}/v1/rewards`, { items: [item('d')] })).status).toBe(200);
  });
  it('lets a call fail only by itself', async () => {
    const reward = lengthReward(async (batch) => {
      if (batch.some(({ completion }) => completion === 'bad')) throw new QuernError('BAD_INPUT', 'is bad');
      if (batch.some(({ completion }) => completion === 'broken')) throw new Error('secret');
    });
    const url = await served(reward, { linger: 50 });
    const calls = ['ok', 'bad', 'broken', 'fine'].map((each) =>
      answered(`${url}/v1/rewards`, { items: [item(each)] }),
    );
    const [ok, bad, broken, fine] = await Promise.all(calls);
    expect([ok![0], bad![0], broken![0], fine![0]]).toEqual([200, 400, 500, 200]);
    expect(bad![1].error.message).toBe('is bad');
    expect(JSON.stringify(broken![1])).not.toContain('secret');
    expect(reward.batches[0]).toHaveLength(4);
  });
  it('never sends a number that is not finite', async () => {
    const reward: Reward = {
      ...lengthReward(),
      score: async (): Promise<RewardResult[]> => [
        { reward: NaN, parts: {} },
        { reward: 1, parts: { a: Infinity } },
      ],
    };
    const url = await served(reward);
    const [, { rewards }] = await answered(`${url}/v1/rewards`, { items: [item('a'), item('b')] });
    const failed = { reward: -1, parts: {}, failure: 'not finite' };
    expect(rewards).toEqual([failed, failed]);
  });
});

describe('/get_reward', () => {
  const prompt = '<|im_start|>user\nInstructions:\nQuestion: why is it so<|im_end|>\n<|im_start|>assistant\n';
  const label = JSON.stringify({ query: 'why is it so', positives: ['because'] });

  it("answers 192 calls of one sample each, as OpenRLHF's client makes them, in a few batches", async () => {
    const { opened, open } = gate();
    const reward = lengthReward(() => opened);
    const url = await served(reward);
    const calls = Array.from({ length: 192 }, (_, i) =>
      answered(`${url}/get_reward`, {
        query: [prompt + 'x'.repeat(i + 1)],
        prompts: [prompt],
        labels: [label],
      }),
    );
    await expect
      .poll(async () => (await fetch(`${url}/healthz`)).json(), { timeout: 10_000 })
      .toMatchObject({ waiting: 192 });
    open();
    const all = await Promise.all(calls);
    expect(all.map(([status, body]) => [status, body.rewards])).toEqual(
      Array.from({ length: 192 }, (_, i) => [200, [i + 1]]),
    );
    expect(reward.batches.flat()).toHaveLength(192);
    expect(reward.batches.length).toBeLessThanOrEqual(2);
  });
  it('sends numbers that become tensors of floats, and every part of each sample', async () => {
    const url = await served({ ...lengthReward(), partNames: ['length', 'query'] });
    const response = await post(`${url}/get_reward`, { query: ['P'], prompts: ['P'], labels: [label] });
    expect(await response.text()).toMatch(
      /^{"rewards":\[-1\.0],"scores":\[0\.26\d+],"extra_logs":{"length":\[0\.0],"query":\[0\.0],"failed":\[1\.0]}}$/,
    );
  });
  it('finds the response behind a prompt that was cut at its start, and in a turn', async () => {
    const reward = lengthReward();
    const url = await served(reward);
    const long = `A long beginning. ${'Words of the prompt, over and over. '.repeat(3)}Question: why?\n`;
    const queries = [`${long.slice(18)}ab`, 'changed<|im_start|>assistant\nabc'];
    const labels = queries.map(() => '["because"]');
    const body = { query: queries, prompts: [long, long], labels };
    const [, answer] = await answered(`${url}/get_reward`, body);
    expect(answer.rewards).toEqual([2, 3]);
    const [status, { error }] = await answered(`${url}/get_reward`, {
      query: ['another text'],
      prompts: [long],
      labels: ['["because"]'],
    });
    expect([status, error.where]).toEqual([400, 'query[0]']);
  });
  it('takes no note of what ends a turn, which samples are sent with', async () => {
    const reward = lengthReward();
    const url = await served(reward);
    const body = { query: [`${prompt}abc<|im_end|>`], prompts: [prompt], labels: [label] };
    expect((await answered(`${url}/get_reward`, body))[1].rewards).toEqual([3]);
    expect(reward.batches.flat()[0].completion).toBe('abc');
  });
  it('reads a question with much white space in time that grows with its length alone', () => {
    expect(questionOf(`Query: a${' '.repeat(1_000_000)}b`)).toHaveLength(1_000_002);
  });
  it('answers lists of any length, with scores between 0 and 1 and the parts of each', async () => {
    const url = await served(lengthReward());
    const body = { query: [`${prompt}abc`, prompt], prompts: [prompt, prompt], labels: [label, label] };
    const [, found] = await answered(`${url}/get_reward`, body);
    expect(found.rewards).toEqual([3, -1]);
    expect(found.scores[0]).toBeCloseTo(1 / (1 + Math.exp(-3)), 12);
    expect(found.scores[1]).toBeLessThan(0.5);
    expect(found.extra_logs).toEqual({ length: [3, 0], query: [12, 0], failed: [0, 1] });
    const [status, none] = await answered(`${url}/get_reward`, { query: [], prompts: [], labels: [] });
    expect([status, none]).toEqual([200, { rewards: [], scores: [], extra_logs: { failed: [] } }]);
  });
  it('reads the question from the prompt where the label holds positives alone', async () => {
    const reward = lengthReward();
    const url = await served(reward);
    const inference = 'Instructions:\nQuery: how\nmany?\n\n';
    const body = {
      query: [`${prompt}a`, `${inference}b`, `${prompt}c`, `${prompt}d`],
      prompts: [prompt, inference, prompt, prompt],
      labels: [
        '["p"]',
        { positives: ['p'], positiveIds: ['7'] },
        '"p"',
        JSON.stringify({ query: 'curated', pos_docs_list: ['p'], think_flag: false }),
      ],
    };
    expect((await answered(`${url}/get_reward`, body))[0]).toBe(200);
    expect(reward.batches.flat()).toEqual([
      { query: 'why is it so', completion: 'a', positives: ['p'] },
      { query: 'how\nmany?', completion: 'b', positives: ['p'], positiveIds: ['7'] },
      { query: 'why is it so', completion: 'c', positives: ['p'] },
      { query: 'curated', completion: 'd', positives: ['p'] },
    ]);
  });
  it.each([
    [{ query: ['a'], prompts: [], labels: [label] }, 'the lists differ'],
    [{ query: ['a'], prompts: ['p'], labels: ['no json'] }, 'is not JSON'],
    [{ query: ['a'], prompts: ['p'], labels: ['{"positives":[]}'] }, 'holds no positives'],
    [{ query: ['a'], prompts: ['p'], labels: ['["x"]'] }, 'neither the label nor the prompt'],
    [{ query: 'a', prompts: ['p'], labels: [label] }, 'array'],
  ])('refuses %j', async (body, message) => {
    const url = await served(lengthReward());
    const [status, { error }] = await answered(`${url}/get_reward`, body);
    expect([status, error.code]).toEqual([400, 'BAD_INPUT']);
    expect(error.message).toContain(message);
  });
});

describe('a reward server', () => {
  it('breaks off what does not end in time, so that it ends itself', async () => {
    const never = new Promise(() => undefined);
    const server = await serveReward(
      lengthReward(() => never),
      { grace: 50 },
    );
    const call = post(`${server.url}/v1/rewards`, { items: [item('a')] }).catch(() => 'broken off');
    await expect
      .poll(async () => (await fetch(`${server.url}/healthz`)).json())
      .toMatchObject({ waiting: 1 });
    await server.close();
    expect(await call).not.toHaveProperty('status', 200);
  });
  it('does not call a reward again for each item where it fails for none of them', async () => {
    const reward: Reward = lengthReward(async () => {
      throw new QuernError('NETWORK', 'nothing answers');
    });
    const url = await served(reward);
    const calls = Array.from({ length: 20 }, () => answered(`${url}/v1/rewards`, { items: [item('a')] }));
    const all = await Promise.all(calls);
    expect(all.every(([status, { error }]) => status === 500 && error.code === 'NETWORK')).toBe(true);
    expect((reward as ReturnType<typeof lengthReward>).batches.length).toBeLessThan(20);
  });
  it('refuses to divide results among items that a reward left out', async () => {
    const url = await served({ ...lengthReward(), score: async () => [] });
    const [status, { error }] = await answered(`${url}/v1/rewards`, { items: [item('a')] });
    expect([status, error.code]).toEqual([500, 'INTERNAL']);
  });
  it('leaves nothing behind on a connection that is used again', async () => {
    const warnings: Error[] = [];
    const keep = (warning: Error): void => void warnings.push(warning);
    process.on('warning', keep);
    const url = await served(lengthReward(), { linger: 0 });
    for (let i = 0; i < 30; i++) await answered(`${url}/v1/rewards`, { items: [item('a')] });
    process.off('warning', keep);
    expect(warnings).toEqual([]);
  });
  it('answers what it accepted before it ends, and takes no more', async () => {
    const { opened, open } = gate();
    const server = await serveReward(lengthReward(() => opened));
    const calls = ['a', 'bb'].map((each) => answered(`${server.url}/v1/rewards`, { items: [item(each)] }));
    await expect
      .poll(async () => (await fetch(`${server.url}/healthz`)).json())
      .toMatchObject({ waiting: 2 });
    const closed = server.close();
    setTimeout(open, 50);
    expect((await Promise.all(calls)).map(([, { rewards }]) => rewards[0].reward)).toEqual([1, 2]);
    await closed;
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
  });
  it('leaves out what nobody waits for any more', async () => {
    const { opened, open } = gate();
    const reward = lengthReward(() => opened);
    const url = await served(reward, { batch: 1, linger: 0 });
    const first = answered(`${url}/v1/rewards`, { items: [item('first')] });
    await expect.poll(() => reward.batches.length).toBe(1);
    const controller = new AbortController();
    const gone = fetch(`${url}/v1/rewards`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: [item('gone')] }),
      signal: controller.signal,
    });
    await expect.poll(async () => (await fetch(`${url}/healthz`)).json()).toMatchObject({ waiting: 2 });
    controller.abort();
    await expect(gone).rejects.toThrow('aborted');
    // So that the server hears of it.
    await later(200);
    open();
    await first;
    await expect.poll(async () => (await fetch(`${url}/healthz`)).json()).toMatchObject({ waiting: 0 });
    expect(reward.batches.flat().map(({ completion }) => completion)).toEqual(['first']);
  });
  it('counts for Prometheus, with labels that do not grow', async () => {
    const reward: Reward = {
      ...lengthReward(),
      score: async (batch) => batch.map(({ completion }) => ({ reward: -1, parts: {}, failure: completion })),
    };
    const url = await served(reward);
    const items = Array.from({ length: 50 }, (_, i) => item(`reason ${i}`));
    await post(`${url}/v1/rewards`, { items });
    await post(`${url}/${'x'.repeat(50)}`, {});
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('quern_reward_items_total 50');
    expect(text).toContain('quern_reward_requests_total{route="/v1/rewards",status="200"} 1');
    expect(text).toContain('quern_reward_failures_total{reason="other"} 30');
    expect(text).not.toContain('xxx');
  });
  it('answers its own machine alone, whatever name a page gives it', async () => {
    const url = await served(lengthReward());
    const status = await new Promise<number>((resolve, reject) => {
      const asked = httpRequest(`${url}/healthz`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(401);
  });
  it('says what a request is to look like', async () => {
    const url = await served(lengthReward());
    const form = await fetch(`${url}/v1/rewards`, { method: 'POST', body: new URLSearchParams({ a: '1' }) });
    expect([form.status, await form.json()]).toMatchObject([
      415,
      { error: { hint: expect.stringContaining('Content-Type: application/json') } },
    ]);
    const misspelt = await post(`${url}/v1/rewards`, { items: [{ ...item('a'), positivIds: ['x'] }] });
    expect(JSON.stringify(await misspelt.json())).toContain('positivIds');
    for (const [path, field] of [
      ['/v1/rewards', '"positives": '],
      ['/get_reward', '"labels": '],
    ]) {
      const answer = await post(`${url}${path}`, {});
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { error: { code: 'BAD_INPUT', hint: expect.stringContaining(field) } },
      ]);
    }
  });
  it('tells who shows no token that it is there, and no more', async () => {
    const url = await served(lengthReward(), { token: 'secret' });
    const unknown = await fetch(`${url}/healthz?x=1`);
    expect([unknown.status, await unknown.json()]).toEqual([200, { status: 'ok' }]);
    const known = await fetch(`${url}/healthz`, { headers: { authorization: 'Bearer secret' } });
    expect(await known.json()).toMatchObject({ status: 'ok', waiting: 0 });
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
  });
  it('asks for the token where there is one', async () => {
    const url = await served(lengthReward(), { token: 'secret' });
    const items = [item('a')];
    const basic = `Basic ${Buffer.from('quern:secret').toString('base64')}`;
    for (const authorization of ['', 'Bearer wrong', 'Basic c2VjcmV0', 'secret']) {
      expect((await post(`${url}/v1/rewards`, { items }, { authorization })).status).toBe(401);
    }
    for (const authorization of ['Bearer secret', basic]) {
      expect((await post(`${url}/v1/rewards`, { items }, { authorization })).status).toBe(200);
    }
  });
  it('is reached from elsewhere only with a token', async () => {
    const usage = expect.objectContaining({ code: 'USAGE' });
    await expect(serveReward(lengthReward(), { host: '0.0.0.0' })).rejects.toThrow(usage);
    await (await rewardApplication(lengthReward(), { host: '0.0.0.0', token: 't' })).close();
  });
  it('says it where the port is taken', async () => {
    const url = await served(lengthReward());
    await expect(serveReward(lengthReward(), { port: Number(new URL(url).port) })).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE', hint: 'Give another (--port), or 0 for one that is free' }),
    );
  });
  it.each([
    ['--host', { host: '203.0.113.7', token: 't' }],
    ['--host', { host: 'no-such-host.invalid', token: 't' }],
    ['--body-limit', { bodyLimit: 0 }],
  ])('says it where %s is none to serve with: %j', async (option, options) => {
    const message = expect.stringContaining(option) as string;
    await expect(serveReward(lengthReward(), options)).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE', message }),
    );
  });
  it('answers a thousand calls at once', async () => {
    const url = await served(lengthReward());
    const calls = Array.from({ length: 1000 }, (_, i) =>
      answered(`${url}/v1/rewards`, { items: [item('x'.repeat((i % 50) + 1))] }),
    );
    const all = await Promise.all(calls);
    expect(
      all.every(([status, { rewards }], i) => status === 200 && rewards[0].reward === (i % 50) + 1),
    ).toBe(true);
  });
});
