import autocannon from 'autocannon';
import { afterEach, describe, expect, it } from 'vitest';
import { chunkOf, FakeOpenAiServer, json, streamed, type FakeReply } from './fake-openai-server.ts';
import { RawConnection, requestText } from './raw-http.ts';
import { posted, servicesIn, type Answered, type ServiceOfTest } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = servicesIn(temporaryFolder());
const models: FakeOpenAiServer[] = [];
afterEach(async () => {
  for (const model of models.splice(0)) await model.stop();
});

/** A server of models that answers nothing before it is let; then what waits, and what comes, is answered. */
async function held(
  answer: FakeReply = streamed(),
): Promise<{ readonly model: FakeOpenAiServer; go(): void; reply: FakeReply }> {
  let go!: () => void;
  const isLet = new Promise<void>((resolve) => (go = resolve));
  const model = await FakeOpenAiServer.start();
  models.push(model);
  const reply: FakeReply = async (response, request) => {
    await isLet;
    if (!response.destroyed) await answer(response, request);
  };
  model.reply = reply;
  return { model, go, reply };
}

/** A service whose reasoner `qr` asks a model for one thing at a time. */
function withModel(model: FakeOpenAiServer, generations: object, rest: object = {}): Promise<ServiceOfTest> {
  return served({
    reasoners: { qr: { reasoner: model.name(), concurrency: 1, retries: 0 } },
    limits: { generations, ...rest },
  });
}

function reasoned({ url }: ServiceOfTest, query: string, signal?: AbortSignal): Promise<Answered> {
  return posted(`${url}/v1/reason`, { query, reasoner: 'qr' }, {}, signal);
}

/** How much of a kind of work is under way, and waits. */
async function queue({ url }: ServiceOfTest, work: string): Promise<[running: number, waiting: number]> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const valueOf = (state: string): number =>
    Number(new RegExp(`^quern_queue{work="${work}",state="${state}"} (\\d+)`, 'm').exec(text)?.[1]);
  return [valueOf('running'), valueOf('waiting')];
}

async function expectRefused(answer: Promise<Answered>): Promise<void> {
  const { status, body, headers } = await answer;
  expect([status, body.error?.code]).toEqual([429, 'OVERLOADED']);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
}

const statuses = async (answers: readonly Promise<Answered>[]): Promise<number[]> =>
  (await Promise.all(answers)).map(({ status }) => status);

describe('generations', () => {
  it('wait for a place, one after the other, and are refused where too many wait', async () => {
    const { model, go } = await held();
    const service = await withModel(model, { waiting: 2 });
    const accepted = [reasoned(service, 'a')];
    await expect.poll(() => model.underWay).toBe(1);
    accepted.push(reasoned(service, 'b'), reasoned(service, 'c'));
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([1, 2]);
    await expectRefused(reasoned(service, 'd'));
    const body = { query: 'd', reasoner: 'qr', stream: true };
    await expectRefused(posted(`${service.url}/v1/reason`, body));
    await expectRefused(
      posted(`${service.url}/v1/chat/completions`, {
        model: 'qr',
        messages: [{ role: 'user', content: 'd' }],
      }),
    );
    await expectRefused(posted(`${service.url}/v1/search`, { query: 'd', index: 'trees', reasoner: 'qr' }));
    // What needs no model is answered.
    expect((await posted(`${service.url}/v1/search`, { query: 'ash', index: 'trees' })).status).toBe(200);
    go();
    expect(await statuses(accepted)).toEqual([200, 200, 200]);
    expect([model.mostUnderWay, model.questions]).toEqual([1, ['a', 'b', 'c']]);
    expect((await reasoned(service, 'd')).status).toBe(200);
    expect(await queue(service, 'reasoner qr')).toEqual([0, 0]);
  });
  it('are refused where no turn comes in time', async () => {
    const { model, go } = await held();
    const service = await withModel(model, { waiting: 5, deadline: '100ms' });
    const first = reasoned(service, 'a');
    await expect.poll(() => model.underWay).toBe(1);
    await expectRefused(reasoned(service, 'b'));
    go();
    expect((await first).status).toBe(200);
    expect(model.questions).toEqual(['a']);
  });
  it('that a reasoner has no time for leave the question alone, their waiting included', async () => {
    const { model } = await held();
    const service = await served({
      reasoners: { qr: { reasoner: model.name(), concurrency: 1, deadline: '200ms', retries: 0 } },
    });
    const answers = await Promise.all(
      ['ash', 'elm', 'oak'].map((query) =>
        posted(`${service.url}/v1/search`, { query, index: 'trees', reasoner: 'qr' }),
      ),
    );
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(body['reasoned']).toMatchObject({ finish: 'failed', failure: { code: 'TIMEOUT' } });
    }
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([0, 0]);
  });
  it('do not hold up what is in the cache', async () => {
    const { model, reply } = await held();
    model.reply = streamed();
    const service = await withModel(model, { waiting: 0 });
    expect((await reasoned(service, 'known')).body['cached']).toBe(false);
    model.reply = reply;
    const leaving = new AbortController();
    const running = reasoned(service, 'a', leaving.signal).catch((error: Error) => error.name);
    await expect.poll(() => model.underWay).toBe(1);
    await expectRefused(reasoned(service, 'b'));
    const again = await reasoned(service, 'known');
    expect([again.status, again.body['cached']]).toEqual([200, true]);
    leaving.abort();
    expect(await running).toBe('AbortError');
  });
  it('of the same question at once are one, with one place', async () => {
    const { model, go } = await held();
    const service = await withModel(model, { waiting: 0 });
    const answers = Array.from({ length: 8 }, () => reasoned(service, 'same'));
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([1, 0]);
    await expect.poll(() => model.underWay).toBe(1);
    go();
    expect(await statuses(answers)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(model.questions).toEqual(['same']);
  });
  it('whose clients go give their places back, whether they run or wait', async () => {
    const { model, go } = await held();
    const service = await withModel(model, { waiting: 2 });
    const running = new AbortController();
    const waiting = new AbortController();
    const gone = [reasoned(service, 'a', running.signal).catch((error: Error) => error.name)];
    await expect.poll(() => model.underWay).toBe(1);
    gone.push(reasoned(service, 'b', waiting.signal).catch((error: Error) => error.name));
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([1, 1]);
    const last = reasoned(service, 'c');
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([1, 2]);
    waiting.abort();
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([1, 1]);
    running.abort();
    await expect.poll(() => model.questions).toEqual(['a', 'c']);
    expect(await queue(service, 'reasoner qr')).toEqual([1, 0]);
    go();
    expect((await last).status).toBe(200);
    expect(await Promise.all(gone)).toEqual(['AbortError', 'AbortError']);
    expect(await queue(service, 'reasoner qr')).toEqual([0, 0]);
  });
  it('that are streamed to a client that goes end', async () => {
    const { model } = await held();
    model.reply = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${chunkOf({ delta: { content: 'To begin with ' } })}\n\n`);
    };
    const service = await withModel(model, { waiting: 0 });
    const client = await RawConnection.to(service.port);
    const body = JSON.stringify({ query: 'a', reasoner: 'qr', stream: true });
    const head = { 'content-type': 'application/json', 'content-length': String(body.length) };
    client.write(requestText('POST /v1/reason', head, body));
    await client.until(/event: piece/);
    client.socket.destroy();
    await expect.poll(() => model.underWay).toBe(0);
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([0, 0]);
  });
});

describe('searches', () => {
  it('wait for a place and are refused where too many wait', async () => {
    const { model, go, reply } = await held(json(200, { results: [{ index: 0, relevance_score: 1 }] }));
    model.routes.set('POST /v1/rerank', reply);
    const service = await served({
      rerankers: { slow: `rerank:m@${model.url}` },
      limits: { searches: { concurrent: 2, waiting: 3, deadline: '1m' } },
    });
    const asked = { query: 'ash', index: 'trees', reranker: 'slow', rerankDepth: 1 };
    const accepted = Array.from({ length: 5 }, () => posted(`${service.url}/v1/search`, asked));
    await expect.poll(() => queue(service, 'searches')).toEqual([2, 3]);
    const refused = Array.from({ length: 30 }, () => posted(`${service.url}/v1/search`, asked));
    for (const answer of refused) await expectRefused(answer);
    expect(await queue(service, 'searches')).toEqual([2, 3]);
    go();
    expect(await statuses(accepted)).toEqual([200, 200, 200, 200, 200]);
    expect(await queue(service, 'searches')).toEqual([0, 0]);
  });
});

describe('requests', () => {
  it('beyond those that may be under way are refused, but for those that ask how the service fares', async () => {
    const { model, go } = await held();
    const service = await withModel(model, { waiting: 10 }, { requests: 2 });
    const accepted = ['a', 'b'].map((query) => reasoned(service, query));
    await expect.poll(() => queue(service, 'reasoner qr')).toEqual([1, 1]);
    await expectRefused(posted(`${service.url}/v1/search`, { query: 'ash', index: 'trees' }));
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await fetch(service.url + path)).status).toBe(200);
    }
    go();
    expect(await statuses(accepted)).toEqual([200, 200]);
    expect((await posted(`${service.url}/v1/search`, { query: 'ash', index: 'trees' })).status).toBe(200);
  });
  it('of many more clients than are served at once are all answered, well or with 429', async () => {
    const service = await served({ limits: { requests: 40, searches: { concurrent: 1, waiting: 4 } } });
    const { errors, timeouts, statusCodeStats } = await autocannon({
      url: `${service.url}/v1/search`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'ash elm oak', index: 'trees' }),
      connections: 100,
      amount: 6000,
    });
    expect([errors, timeouts]).toEqual([0, 0]);
    const counts = Object.fromEntries(
      Object.entries(statusCodeStats!).map(([status, each]) => [status, each.count!]),
    );
    expect((counts['200'] ?? 0) + (counts['429'] ?? 0)).toBe(6000);
    expect(counts['200']).toBeGreaterThan(0);
    expect(await queue(service, 'searches')).toEqual([0, 0]);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/^quern_requests_under_way 0$/m);
    expect(metrics).toContain(`quern_requests_total{route="/v1/search",status="200"} ${counts['200']!}`);
  });
});
