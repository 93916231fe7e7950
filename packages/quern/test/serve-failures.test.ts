import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { failing, FakeOpenAiServer, json } from './fake-openai-server.ts';
import { posted, servicesIn } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

const served = servicesIn(temporaryFolder());
const models: FakeOpenAiServer[] = [];
afterEach(async () => {
  for (const model of models.splice(0)) await model.stop();
});

const vectors = json(200, {
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding: [1, 2, 3] }],
  usage: { prompt_tokens: 1, total_tokens: 1 },
});

it('a server behind the service that refuses is no refusal of the client, and is told to the log alone', async () => {
  const model = await FakeOpenAiServer.start();
  models.push(model);
  model.routes.set('POST /v1/embeddings', vectors);
  const { url, logged } = await served({ embedders: { e: `openai:m@${model.url}` } });
  expect((await posted(`${url}/v1/embeddings`, { model: 'e', input: 'ash' })).status).toBe(200);
  model.routes.set('POST /v1/embeddings', failing(401, { message: 'no key', type: 'auth' }));
  const { status, body } = await posted(`${url}/v1/embeddings`, { model: 'e', input: 'elm' });
  expect([status, body.error?.code]).toEqual([503, 'UNAVAILABLE']);
  const address = `127.0.0.1:${model.port}`;
  expect(JSON.stringify(body)).not.toContain(address);
  expect(JSON.stringify(logged)).toContain(address);
});

it('a path of the service is in no answer, whatever fails', async () => {
  const { url, folder, logged } = await served({ log: { level: 'warn' } });
  const recorded = join(folder, 'recorded.json');
  writeFileSync(recorded, '{"ash": "beech"}');
  const other = await served({ reasoners: { qr: `file:${recorded}` } });
  rmSync(recorded);
  for (const [path, request] of [
    ['/v1/search', { query: 'elm', index: 'trees', reasoner: 'qr' }],
    ['/v1/reason', { query: 'elm', reasoner: 'qr' }],
    ['/v1/chat/completions', { model: 'qr', messages: [{ role: 'user', content: 'elm' }] }],
  ] as const) {
    const { status, body } = await posted(other.url + path, request);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(body)).not.toContain(folder);
  }
  expect((await posted(`${url}/v1/search`, { query: 'ash', index: 'trees' })).status).toBe(200);
  expect(logged.filter(({ msg }) => msg === 'failed')).toEqual([]);
});
