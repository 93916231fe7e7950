import { reasoningTotals } from '../reasoning-totals.ts';
import { afterEach, describe, expect, it } from 'vitest';
import {
  completion,
  endless,
  FakeOpenAiServer,
  streamed,
  type FakeReply,
} from '../../../test/fake-openai-server.ts';
import { OpenAiReasoner, type OpenAiReasonerOptions } from '../openai.ts';
import { userPrompt } from '../prompt.ts';
import type { Enough } from '../reasoner.ts';

const servers: FakeOpenAiServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function serving(...script: FakeReply[]): Promise<FakeOpenAiServer> {
  const server = await FakeOpenAiServer.start(...script);
  servers.push(server);
  return server;
}

function reasonerOf(server: FakeOpenAiServer, options: Partial<OpenAiReasonerOptions> = {}): OpenAiReasoner {
  return OpenAiReasoner.create({ name: server.name(), env: {}, ...options });
}

function after(length: number): Enough {
  return (text) => (text.length >= length ? { length, why: 'enough' } : undefined);
}

describe('a text of a server that is enough', () => {
  it('ends there, with its connection, and pieces for tokens', async () => {
    const server = await serving(endless());
    const reasoner = reasonerOf(server);
    const reasoned = await reasoner.reason('q', { enough: after('and on and on and'.length) });
    expect(reasoned).toMatchObject({
      text: 'and on and on and',
      finish: 'early',
      promptTokens: 0,
      completionTokens: 3,
      uncounted: true,
    });
    expect(reasoningTotals([reasoned])).toMatchObject({ uncounted: 1, cost: [] });
    await expect.poll(() => server.underWay, { interval: 5 }).toBe(0);
    expect(reasoner.totals).toMatchObject({ calls: 1, failures: 0, completionTokens: 3 });
    await reasoner.close();
  });

  it('ends though the server leaves the connection open', async () => {
    const hanging = streamed({ pieces: ['Think ', 'about it.'], finish: null, done: false, hang: true });
    const server = await serving(hanging);
    expect(await reasonerOf(server).reason('q', { enough: after(8) })).toMatchObject({
      text: 'Think ab',
      finish: 'early',
    });
    await expect.poll(() => server.underWay, { interval: 5 }).toBe(0);
  });

  it('is asked about after each piece, with all of the text so far', async () => {
    const server = await serving(streamed({ pieces: ['Think ', 'about ', 'it.'] }));
    const seen: string[] = [];
    const enough: Enough = async (text) => {
      seen.push(text);
      return undefined;
    };
    expect(await reasonerOf(server).reason('q', { enough })).toMatchObject({
      text: 'Think about it.',
      finish: 'stop',
      completionTokens: 7,
    });
    expect(seen).toEqual(['Think ', 'Think about ', 'Think about it.']);
  });

  it('that comes as a whole ends early only where something is left out', async () => {
    const server = await serving(completion('Think about it.'), completion('Think about it.'));
    const reasoner = reasonerOf(server);
    expect(await reasoner.reason('q', { enough: after(5) })).toMatchObject({
      text: 'Think',
      finish: 'early',
      completionTokens: 7,
    });
    expect(await reasoner.reason('q', { enough: after(15) })).toMatchObject({
      text: 'Think about it.',
      finish: 'stop',
    });
  });

  it('is no reasoned query where what is left has no word', async () => {
    const server = await serving(streamed({ pieces: ['… ', 'well'] }));
    await expect(reasonerOf(server).reason('q', { enough: after(1) })).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining('empty'),
    });
  });

  it('leaves room for the next question', async () => {
    const server = await serving(endless(), streamed());
    const reasoner = reasonerOf(server, { configuration: { concurrency: 1 } });
    await reasoner.reason('q', { enough: after(3) });
    expect(await reasoner.reason('q')).toMatchObject({ text: 'Think about it.', finish: 'stop' });
  });
});

describe('passages that are shown to a server', () => {
  it('come after the published prompt, numbered, and change the seed and the key', async () => {
    const server = await serving();
    const reasoner = reasonerOf(server);
    const without = await reasoner.reason('q', { passages: [] });
    const shown = await reasoner.reason('q', { passages: ['Bread is stale.', 'Starch crystallises.'] });
    const contents = server.bodies.map(({ messages }) => (messages as { content: string }[])[1].content);
    expect(contents[0]).toBe(userPrompt('q'));
    expect(contents[1].startsWith(userPrompt('q'))).toBe(true);
    expect(contents[1].slice(contents[0].length)).toMatch(
      /\n\n\[1\] Bread is stale\.\n\n\[2\] Starch crystallises\.\n\n$/,
    );
    expect(shown.seed).not.toBe(without.seed);
    const keys = await Promise.all([
      reasoner.cacheKey('q'),
      reasoner.cacheKey('q', { passages: [] }),
      reasoner.cacheKey('q', { passages: ['a'] }),
      reasoner.cacheKey('q', { passages: ['a', 'b'] }),
    ]);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(3);
  });
});
