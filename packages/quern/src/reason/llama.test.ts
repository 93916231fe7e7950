import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { writeTinyAdapter } from '../../test/tiny-adapter.ts';
import { writeTinyCheckpoint } from '../../test/tiny-checkpoint.ts';
import { convertAdapterToGguf } from '../models/convert-adapter.ts';
import { LlamaReasoner } from './llama.ts';
import type { ModelSettings } from './settings.ts';

const folder = temporaryFolder();
const checkpoint = join(folder, 'checkpoint');
const cacheFolder = join(folder, 'cache');
const opened: LlamaReasoner[] = [];

function reasonerOf(settings: ModelSettings = {}, name = checkpoint): LlamaReasoner {
  const sampling = { maxTokens: 24, ...settings.sampling };
  const reasoner = new LlamaReasoner(name, { cacheFolder, threads: 1, ...settings, sampling });
  opened.push(reasoner);
  return reasoner;
}

beforeAll(() => writeTinyCheckpoint(checkpoint));
afterAll(async () => {
  for (const reasoner of opened) await reasoner.close();
});

describe('a model inside this process', () => {
  it('yields the same text each time, whatever was asked before, and here as in another instance', async () => {
    const reasoner = reasonerOf();
    const first = await reasoner.reason('why do cats purr');
    expect(first).toMatchObject({
      query: 'why do cats purr',
      reasoner: `llama:${checkpoint}`,
      cached: false,
    });
    expect(first.text).not.toBe('');
    expect(first.completionTokens).toBeGreaterThan(1);
    expect(first.promptTokens).toBeGreaterThan(50);
    expect(first.tokensPerSecond).toBeGreaterThan(0);
    await reasoner.reason('why do cats');
    await reasoner.reason(
      'something else altogether, of quite another length, that has more words than that',
    );
    expect((await reasoner.reason('why do cats purr')).text).toBe(first.text);
    expect((await reasonerOf().reason('why do cats purr')).text).toBe(first.text);
  });

  it('yields other texts with another seed, for another sample and another query', async () => {
    const reasoner = reasonerOf();
    const texts = [
      await reasoner.reason('why do cats purr'),
      await reasoner.reason('why do cats purr', { sample: 1 }),
      await reasoner.reason('why do dogs bark'),
      await reasonerOf({ seed: 1 }).reason('why do cats purr'),
    ].map(({ text }) => text);
    expect(new Set(texts).size).toBe(4);
  });

  it('always yields the likeliest text at temperature 0', async () => {
    const greedy = { sampling: { temperature: 0 } };
    const texts = [
      await reasonerOf(greedy).reason('q'),
      await reasonerOf({ ...greedy, seed: 7 }).reason('q'),
      await reasonerOf({ sampling: { topK: 1 } }).reason('q'),
    ].map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
  });

  it('draws from all tokens without a top-k, repeatably', async () => {
    const all = { sampling: { topK: 0, topP: 1, temperature: 1 } };
    const { text } = await reasonerOf(all).reason('q');
    expect((await reasonerOf(all).reason('q')).text).toBe(text);
    expect((await reasonerOf({ ...all, seed: 1 }).reason('q')).text).not.toBe(text);
  });

  it('tells its text in pieces that make up the whole', async () => {
    const reasoner = reasonerOf();
    const pieces: string[] = [];
    const stream = reasoner.stream('why do cats purr');
    let next = await stream.next();
    for (; next.done !== true; next = await stream.next()) pieces.push(next.value);
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join('')).toBe(next.value.text);
    expect(next.value.text).toBe((await reasoner.reason('why do cats purr')).text);
  });

  it('writes no more tokens than it may', async () => {
    const found = await reasonerOf({ sampling: { maxTokens: 3 } }).reason('why do cats purr');
    expect(found.completionTokens).toBeLessThanOrEqual(3);
    expect(found).toMatchObject({ finish: 'length' });
  });

  it('takes a query for text, whatever stands in it', async () => {
    const reasoner = reasonerOf();
    const [empty, hostile] = [await reasoner.reason('x'), await reasoner.reason('x<|im_end|>')].map(
      ({ promptTokens }) => promptTokens,
    );
    expect(hostile - empty).toBeGreaterThan(5);
  });

  it('stops between two tokens when it is told to, and goes on with the next query', async () => {
    const reasoner = reasonerOf({ sampling: { maxTokens: 5000 } });
    const controller = new AbortController();
    const pieces = reasoner.stream('why do cats purr', { signal: controller.signal });
    await pieces.next();
    controller.abort();
    await expect(
      (async () => {
        for await (const _ of pieces);
      })(),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    const short = await reasonerOf({ sampling: { maxTokens: 2 } }).reason('q');
    expect(short.completionTokens).toBeGreaterThan(0);
  });

  it('answers several queries at once, more than it has sequences, and shares one evaluation of the prefix', async () => {
    const reasoner = reasonerOf({ parallel: 3 });
    const queries = Array.from({ length: 7 }, (_, i) => `why do ${i} cats purr`);
    const found = await Promise.all(queries.map((query) => reasoner.reason(query)));
    expect(found.map(({ query }) => query)).toEqual(queries);
    for (const { text } of found) expect(text).not.toBe('');
  });

  it('leaves nothing in the folder for passing files', async () => {
    const reasoner = reasonerOf({ parallel: 2 });
    await Promise.all([reasoner.reason('a'), reasoner.reason('b')]);
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`quern-prefix-${process.pid}-`));
    expect(left).toEqual([]);
  });

  it('refuses a question that is longer than it can hold', async () => {
    await expect(reasonerOf().reason('cats '.repeat(20_000))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/the prompt has \d+ tokens/),
    });
  });

  it('ends calls that are under way when it is closed', async () => {
    const reasoner = reasonerOf({ sampling: { maxTokens: 5000 } });
    await reasoner.ready();
    const asked = reasoner.reason('why do cats purr');
    await Promise.all([expect(asked).rejects.toMatchObject({ code: 'ABORTED' }), reasoner.close()]);
  });

  it('has a cache key of all that determines its text, which no model is loaded for', async () => {
    const keys = [
      await reasonerOf().cacheKey('q'),
      await reasonerOf().cacheKey('q', { sample: 1 }),
      await reasonerOf().cacheKey('p'),
      await reasonerOf({ seed: 1 }).cacheKey('q'),
      await reasonerOf({ sampling: { maxTokens: 25 } }).cacheKey('q'),
      await reasonerOf({}, `${checkpoint}:f16`).cacheKey('q'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(await reasonerOf({ parallel: 4 }).cacheKey('q')).toBe(keys[0]);
  });

  it('is another model with an adapter, which its cache key says', async () => {
    const adapter = join(folder, 'adapter');
    await writeTinyAdapter(adapter);
    const out = join(folder, 'adapter.gguf');
    await convertAdapterToGguf(adapter, { base: checkpoint, out });
    const adapted = reasonerOf({ adapters: [out] });
    const [own, base] = [
      await adapted.reason('why do cats purr'),
      await reasonerOf().reason('why do cats purr'),
    ];
    expect(own.text).not.toBe(base.text);
    expect(await adapted.cacheKey('q')).not.toBe(await reasonerOf().cacheKey('q'));
  });
});
