/** Our own model behind an endpoint of OpenAI's protocol, asked by our own remote reasoner. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LlamaReasoner } from '../src/reason/llama.ts';
import { OpenAiReasoner } from '../src/reason/openai.ts';
import { userPrompt } from '../src/reason/prompt.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTinyCheckpoint } from './tiny-checkpoint.ts';

interface ChatRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly stream?: boolean;
  readonly max_tokens: number;
}

const folder = temporaryFolder();
let local: LlamaReasoner;
let server: Server;
let remote: OpenAiReasoner;
const requests: ChatRequest[] = [];

/** A chunk of a streamed completion, as OpenAI's protocol has it. */
function chunk(delta: object, finish: string | null): object {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'tiny', choices };
}

beforeAll(async () => {
  await writeTinyCheckpoint(join(folder, 'checkpoint'));
  local = new LlamaReasoner(join(folder, 'checkpoint'), {
    cacheFolder: join(folder, 'cache'),
    sampling: { maxTokens: 20 },
    parallel: 2,
    threads: 1,
  });
  server = createServer((request, response) => {
    void (async () => {
      const body = (await json(request)) as ChatRequest;
      requests.push(body);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = (value: unknown): void => void response.write(`data: ${JSON.stringify(value)}\n\n`);
      // The query is what the prompt holds beside its fixed text.
      const [before, after] = userPrompt('\0').split('\0');
      const query = body.messages.at(-1)!.content.slice(before.length, -after.length);
      const pieces = local.stream(query);
      let next = await pieces.next();
      for (; next.done !== true; next = await pieces.next()) event(chunk({ content: next.value }, null));
      const { finish, promptTokens, completionTokens } = next.value;
      event(chunk({}, finish));
      const usage = {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
      };
      event({ ...chunk({}, null), choices: [], usage });
      response.end('data: [DONE]\n\n');
    })();
  });
  server.listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  remote = OpenAiReasoner.create({
    name: `openai:tiny@http://127.0.0.1:${port}/v1`,
    sampling: { maxTokens: 20 },
    env: {},
  });
});

afterAll(async () => {
  await remote?.close();
  server?.closeAllConnections();
  server?.close();
  await local?.close();
});

it('yields over the wire what it yields here, with the same counts', async () => {
  const here = await local.reason('why do cats purr');
  const there = await remote.reason('why do cats purr');
  const { text, finish, promptTokens, completionTokens } = here;
  expect(there).toMatchObject({ text, finish, promptTokens, completionTokens, reasoner: remote.id });
  expect(requests[0]).toMatchObject({
    stream: true,
    max_tokens: 20,
    temperature: 0.7,
    top_p: 0.8,
    top_k: 20,
    repetition_penalty: 1.05,
    messages: [{ role: 'system', content: '' }, { role: 'user' }],
  });
});

it('answers several at once', async () => {
  const queries = ['why do cats purr', 'why do dogs bark', 'why do cows moo'];
  const found = await Promise.all(queries.map((query) => remote.reason(query)));
  expect(found.map(({ query }) => query)).toEqual(queries);
  for (const { text } of found) expect(text).not.toBe('');
});
