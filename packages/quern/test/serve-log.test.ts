/** What the log of a service holds of an error that quotes what was asked. */
import * as z from 'zod';
import { afterEach, expect, it } from 'vitest';
import { readServiceConfig } from '../src/serve/configuration/read-service-config.ts';
import { serviceApplication } from '../src/serve/http/application.ts';
import { route } from '../src/serve/http/route.ts';
import { UnderWay } from '../src/serve/http/under-way.ts';
import { serviceMetrics } from '../src/serve/metrics.ts';
import { openService } from '../src/serve/service/service.ts';
import { Warnings } from '../src/warnings.ts';

const question = 'why does my sourdough bread never rise in winter';

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0)) await close();
});

/** The log of a service whose one route fails with words of its request. */
async function loggedOf(questions: boolean): Promise<string> {
  const config = await readServiceConfig({
    env: {},
    settings: [{ path: ['log', 'questions'], value: questions, where: 'log' }],
  });
  const metrics = await serviceMetrics();
  const service = await openService(config, {
    warnings: new Warnings(),
    observer: { ...metrics, failed: (what, code) => metrics.failed(what, code) },
  });
  let log = '';
  const application = await serviceApplication(service, {
    metrics,
    underWay: new UnderWay(10),
    logTo: { write: (line) => void (log += line) },
    routes: [
      route({
        method: 'POST',
        path: '/v1/fails',
        scope: 'read',
        tag: 'Search',
        summary: 'Fails.',
        body: z.strictObject({ messages: z.array(z.object({ content: z.string() })) }),
        answers: { 200: { description: 'Never.' } },
        handle: async ({ body }) => {
          const cause = new Error(`nothing is recorded for ${body.messages[0]!.content}`);
          throw new Error('the file cannot be read', { cause });
        },
      }),
    ],
  });
  closings.push(async () => {
    await application.close();
    await service.close();
  });
  const { statusCode, body } = await application.inject({
    method: 'POST',
    url: '/v1/fails',
    headers: { host: 'localhost' },
    payload: { messages: [{ content: question }] },
  });
  expect([statusCode, body.includes('sourdough')]).toEqual([500, false]);
  return log;
}

it('has no word of the question, unless questions are logged', async () => {
  const without = await loggedOf(false);
  expect(without).not.toContain('sourdough');
  expect(without).toContain('left out, as it quotes what was asked');
  expect(await loggedOf(true)).toContain(`nothing is recorded for ${question}`);
});
