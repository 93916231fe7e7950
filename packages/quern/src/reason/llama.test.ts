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

  it('takes all tokens for a top-k of 0, in the same order of cuts as with one', async () => {
    const warm = { temperature: 0.5, topP: 0.9 };
    const { text } = await reasonerOf({ sampling: { ...warm, topK: 0 } }).reason('why do cats purr');
    expect((await reasonerOf({ sampling: { ...warm, topK: 100_000 } }).reason('why do cats purr')).text).toBe(
      text,
    );
  });

  it('repeats no token of prompt or completion, where that is forbidden', async () => {
    const free = await reasonerOf({
      sampling: { temperature: 0, repetitionPenalty: 1, maxTokens: 60 },
    }).reason('q');
    const strict = await reasonerOf({
      sampling: { temperature: 0, repetitionPenalty: 10, maxTokens: 60 },
    }).reason('q');
    const [some, many] = [strict, free].map(({ text }) => text.length - new Set(text).size);
    expect(some).toBeLessThan(many / 2);
  });

  it('is closed once, however often it is told to, and leaves others alone', async () => {
    const [one, other] = [reasonerOf(), reasonerOf()];
    await Promise.all([one.reason('a'), other.reason('a')]);
    await Promise.all([one.close(), one.close()]);
    await one.close();
    expect((await other.reason('b')).text).not.toBe('');
    await expect(one.reason('c')).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('ends all calls with ABORTED when it is closed amid them', async () => {
    const reasoner = reasonerOf({ parallel: 2, sampling: { maxTokens: 400 } });
    await reasoner.ready();
    const asked = ['a', 'b', 'c', 'd'].map((query) => reasoner.reason(query));
    await new Promise((later) => setTimeout(later, 30));
    const outcomes = Promise.allSettled(asked);
    await reasoner.close();
    const errors = (await outcomes).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.map((error: { code?: string }) => error.code)).toEqual(errors.map(() => 'ABORTED'));
  });

  it('holds no sequence for who has stopped listening', async () => {
    const reasoner = reasonerOf({ sampling: { maxTokens: 2000 } });
    const controller = new AbortController();
    const pieces = reasoner.stream('why do cats purr', { signal: controller.signal });
    await pieces.next();
    controller.abort();
    // Nobody takes the next piece, nor ends the stream.
    expect(
      (await reasoner.reason('why do cats purr', { signal: AbortSignal.timeout(60_000) })).text,
    ).not.toBe('');
  });

  it('is the same model however its path is written, with the same seed and text', async () => {
    const there = await reasonerOf({ cacheFolder: join(folder, 'cache-1') }).reason('q');
    const dotted = join(folder, '.', 'checkpoint', '..') + '/checkpoint/.';
    const here = await reasonerOf({ cacheFolder: join(folder, 'cache-2') }, dotted).reason('q');
    expect([here.seed, here.text]).toEqual([there.seed, there.text]);
    await expect(reasonerOf({}, dotted).cacheKey('q')).resolves.toBe(await reasonerOf().cacheKey('q'));
  });

  it('goes on where the folder for passing files cannot be used', async () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = join(folder, 'absent');
    try {
      const reasoner = reasonerOf({ parallel: 2 });
      const texts = await Promise.all(['a', 'b'].map((query) => reasoner.reason(query)));
      expect(texts.every(({ text }) => text !== '')).toBe(true);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  it.each([{ parallel: 0 }, { parallel: 1.5 }, { seed: Number.NaN }, { seed: 0.5 }])(
    'refuses %o',
    (settings) => {
      expect(() => reasonerOf(settings)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );
});
