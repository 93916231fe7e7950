import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { writeTinyCheckpoint } from '../../../test/tiny-checkpoint.ts';
import { LlamaReasoner } from '../llama.ts';
import type { Enough } from '../reasoner.ts';

const folder = temporaryFolder();
const checkpoint = join(folder, 'checkpoint');
let reasoner: LlamaReasoner;

beforeAll(async () => {
  await writeTinyCheckpoint(checkpoint);
  reasoner = new LlamaReasoner(checkpoint, {
    cacheFolder: join(folder, 'cache'),
    threads: 1,
    sampling: { maxTokens: 24 },
  });
});
afterAll(() => reasoner?.close());

function after(length: number): Enough {
  return (text) => (text.length >= length ? { length, why: 'enough' } : undefined);
}

describe('a text of a model inside this process that is enough', () => {
  it('is a beginning of the whole, ends early, and costs the tokens up to there', async () => {
    const whole = await reasoner.reason('why do cats purr');
    const pieces: string[] = [];
    for await (const piece of reasoner.stream('why do cats purr')) pieces.push(piece);
    // Within a piece, so that there is something to cut off.
    const place = pieces.findIndex((piece, i) => i >= 4 && piece.length > 1);
    const length = pieces.slice(0, place).join('').length + 1;
    const ended = await reasoner.reason('why do cats purr', { enough: after(length) });
    expect(ended).toMatchObject({ finish: 'early', text: whole.text.slice(0, length), seed: whole.seed });
    expect(ended.completionTokens).toBeGreaterThan(place);
    expect(ended.completionTokens).toBeLessThan(whole.completionTokens);
    expect(ended.promptTokens).toBe(whole.promptTokens);
  });

  it('is asked about after each piece, with all of the text so far', async () => {
    const seen: string[] = [];
    const enough: Enough = async (text) => {
      seen.push(text);
      return undefined;
    };
    const pieces: string[] = [];
    const stream = reasoner.stream('why do cats purr', { enough });
    let next = await stream.next();
    for (; next.done !== true; next = await stream.next()) pieces.push(next.value);
    const sofar = pieces.map((_, i) => pieces.slice(0, i + 1).join(''));
    // What is left of a torn character comes at the end, when nobody is asked any more.
    expect(sofar.slice(0, seen.length)).toEqual(seen);
    expect(seen.length).toBeGreaterThanOrEqual(pieces.length - 1);
    expect(next.value.finish).not.toBe('early');
  });

  it('does not change what is written next', async () => {
    const before = await reasoner.reason('why do dogs bark');
    await reasoner.reason('why do cats purr', { enough: after(1) });
    expect((await reasoner.reason('why do dogs bark')).text).toBe(before.text);
  });
});

describe('passages that are shown to a model inside this process', () => {
  it('are part of the prompt, of the seed and of the key', async () => {
    const [without, shown] = [
      await reasoner.reason('why', { passages: [] }),
      await reasoner.reason('why', { passages: ['cats purr in their throats'] }),
    ];
    expect(reasoner.takesPassages).toBe(true);
    expect(shown.promptTokens).toBeGreaterThan(without.promptTokens + 20);
    expect(shown.seed).not.toBe(without.seed);
    const keys = await Promise.all(
      [undefined, [], ['a'], ['b'], ['a', 'b']].map((passages) => reasoner.cacheKey('why', { passages })),
    );
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(4);
  });

  it('that are too long are an error that says so, and nothing is written', async () => {
    const passages = Array.from({ length: 40 }, () => 'word '.repeat(3000));
    await expect(reasoner.reason('why', { passages })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/the prompt has \d+ tokens/),
    });
  });
});
