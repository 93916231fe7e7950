/** What a cache does for texts that end early: whole ones and beginnings are known, or written and kept. */
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { ReasonedQueryCache } from './cache/reasoned-query-cache.ts';
import { CachedReasoner, type CachedReasonerOptions } from './cached-reasoner.ts';
import type { Enough, ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';

const folder = temporaryFolder();
const whole = 'one two three four five six seven eight ';
let folders = 0;
let cache: ReasonedQueryCache;

beforeEach(async () => {
  cache = await ReasonedQueryCache.open(join(folder, String(folders++)));
});
afterEach(() => cache.close());

/** Writes a word a piece, and heeds `enough` unless it is deaf to it. */
class WritingReasoner implements Reasoner {
  readonly id = 'writing';
  /** Words that were written, all calls together. */
  written = 0;
  calls = 0;
  isDeaf = false;
  text = whole;
  /** What it waits for between the end that it was told of and its return. */
  linger: () => Promise<void> = async () => {};

  async cacheKey(query: string, { sample = 0, passages }: ReasonOptions = {}): Promise<string> {
    return JSON.stringify([query, sample, passages]);
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const pieces = this.stream(query, options);
    let next = await pieces.next();
    while (next.done !== true) next = await pieces.next();
    return next.value;
  }

  async *stream(
    query: string,
    { enough, signal }: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    this.calls++;
    let text = '';
    for (const piece of this.text.match(/\S+ /g) ?? []) {
      await turn();
      throwIfAborted(signal);
      this.written++;
      text += piece;
      yield piece;
      const end = this.isDeaf ? undefined : await enough?.(text);
      if (!end) continue;
      await this.linger();
      return this.#made(query, { text: text.slice(0, end.length), finish: 'early' });
    }
    return this.#made(query, { text });
  }

  async close(): Promise<void> {}

  #made(query: string, changes: Partial<ReasonedQuery>): ReasonedQuery {
    const completionTokens = changes.text!.split(' ').length - 1;
    const cost = { amount: completionTokens, currency: 'USD' };
    return reasonedQuery(query, { reasoner: this.id, completionTokens, cost, ...changes });
  }
}

/** Enough after so many words, which shows once the next one has come. */
function words(count: number): Enough & { seen: string[] } {
  const seen: string[] = [];
  const enough = async (text: string): Promise<{ length: number; why: string } | undefined> => {
    seen.push(text);
    const spaces = [...text.matchAll(/ /g)].map(({ index }) => index);
    return spaces.length > count ? { length: spaces[count - 1], why: `${count} words` } : undefined;
  };
  return Object.assign(enough, { seen });
}

function broken(): never {
  throw new QuernError('IO', 'the index is gone');
}

/** The pieces of a stream, and what it returns. */
async function collected(
  stream: AsyncGenerator<string, ReasonedQuery, undefined>,
): Promise<{ pieces: string[]; reasoned: ReasonedQuery }> {
  const pieces: string[] = [];
  for (;;) {
    const next = await stream.next();
    if (next.done === true) return { pieces, reasoned: next.value };
    pieces.push(next.value);
  }
}

/** What a reasoner over the cache says to one call, after which it is closed, so that all is stored. */
async function asked(
  inner: Reasoner,
  options: ReasonOptions = {},
  settings: CachedReasonerOptions = {},
): Promise<ReasonedQuery> {
  const reasoner = new CachedReasoner(inner, cache, settings);
  try {
    return await reasoner.reason('why', options);
  } finally {
    await reasoner.close();
  }
}

describe('a text that ends early, behind the cache', () => {
  it('is written as far as it is needed, and its beginning is kept', async () => {
    const inner = new WritingReasoner();
    expect(await asked(inner, { enough: words(2) })).toMatchObject({
      query: 'why',
      reasoner: 'writing',
      text: 'one two',
      finish: 'early',
      cached: false,
      completionTokens: 3,
    });
    expect(inner.written).toBe(3);
    const again = await asked(inner, { enough: words(2) });
    expect(again).toMatchObject({ text: 'one two', finish: 'early', cached: true, completionTokens: 3 });
    expect(await asked(inner, { enough: words(1) })).toMatchObject({ text: 'one', cached: true });
    expect(inner.calls).toBe(1);
  });

  it('is taken from the whole one where that is known', async () => {
    const inner = new WritingReasoner();
    await asked(inner);
    const enough = words(3);
    expect(await asked(inner, { enough })).toMatchObject({
      text: 'one two three',
      finish: 'early',
      cached: true,
    });
    expect(enough.seen).toEqual([whole]);
    expect(await asked(inner, { enough: words(50) })).toMatchObject({
      text: whole,
      finish: 'stop',
      cached: true,
    });
    expect(inner.calls).toBe(1);
  });

  it('is written anew where the beginning that is known is too short, and the longer one is kept', async () => {
    const inner = new WritingReasoner();
    await asked(inner, { enough: words(2) });
    expect(await asked(inner, { enough: words(5) })).toMatchObject({
      text: 'one two three four five',
      cached: false,
    });
    expect(inner.calls).toBe(2);
    expect(await asked(inner, { enough: words(5) })).toMatchObject({ cached: true });
    expect(await asked(inner, { enough: words(2) })).toMatchObject({ text: 'one two', cached: true });
    expect(inner.calls).toBe(2);
  });

  it('that is never enough is kept as a whole, for calls of either kind', async () => {
    const inner = new WritingReasoner();
    expect(await asked(inner, { enough: words(50) })).toMatchObject({ text: whole, finish: 'stop' });
    expect(await asked(inner)).toMatchObject({ text: whole, cached: true });
    expect(inner.calls).toBe(1);
  });

  it('is no answer to who wants the whole', async () => {
    const inner = new WritingReasoner();
    await asked(inner, { enough: words(2) });
    expect(await asked(inner)).toMatchObject({ text: whole, finish: 'stop', cached: false });
    expect(await asked(inner, { enough: words(2) })).toMatchObject({ text: 'one two', cached: true });
    expect(inner.calls).toBe(2);
  });

  it('is the same of a reasoner that writes on regardless, whose whole text is kept', async () => {
    const inner = new WritingReasoner();
    inner.isDeaf = true;
    expect(await asked(inner, { enough: words(2) })).toMatchObject({ text: 'one two', finish: 'early' });
    expect(await asked(inner)).toMatchObject({ text: whole, finish: 'stop', cached: true });
    expect(inner.calls).toBe(1);
  });

  it('is the same of a reasoner without pieces', async () => {
    const own = new WritingReasoner();
    own.isDeaf = true;
    const inner: Reasoner = {
      id: own.id,
      cacheKey: own.cacheKey.bind(own),
      reason: own.reason.bind(own),
      close: own.close.bind(own),
    };
    expect(await asked(inner, { enough: words(2) })).toMatchObject({ text: 'one two', cached: false });
    expect(await asked(inner, { enough: words(2) })).toMatchObject({ text: 'one two', cached: true });
  });

  it('is written once for calls at once, with ends of their own', async () => {
    const inner = new WritingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    const texts = await Promise.all(
      [words(2), words(4), undefined].map(async (enough) => (await reasoner.reason('why', { enough })).text),
    );
    expect(texts).toEqual(['one two', 'one two three four', whole]);
    expect(inner.calls).toBe(1);
    await reasoner.close();
  });

  it('goes on for the others when one leaves that is still looking at it', async () => {
    const reasoner = new CachedReasoner(new WritingReasoner(), cache);
    const stop = new AbortController();
    const enough: Enough = () => {
      setImmediate(() => stop.abort());
      return new Promise(() => undefined);
    };
    const left = reasoner.reason('why', { enough, signal: stop.signal });
    const stayed = reasoner.reason('why', { enough: words(3) });
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await stayed).toMatchObject({ text: 'one two three' });
    await reasoner.close();
  });

  it('is written anew when it is to be refreshed, and the new one is kept', async () => {
    const inner = new WritingReasoner();
    await asked(inner, { enough: words(2) });
    inner.text = 'uno due tre quattro ';
    expect(await asked(inner, { enough: words(2) }, { refresh: true })).toMatchObject({
      text: 'uno due',
      cached: false,
    });
    expect(await asked(inner, { enough: words(2) })).toMatchObject({ text: 'uno due', cached: true });
    expect(inner.calls).toBe(2);
  });

  it('takes the place of a whole one when it is to be refreshed', async () => {
    const inner = new WritingReasoner();
    await asked(inner);
    inner.text = 'uno due tre quattro ';
    await asked(inner, { enough: words(2) }, { refresh: true });
    expect(await asked(inner, { enough: words(1) })).toMatchObject({ text: 'uno', cached: true });
    expect(await asked(inner)).toMatchObject({ text: 'uno due tre quattro ', cached: false });
    expect(await asked(inner, { enough: words(2) })).toMatchObject({ text: 'uno due', cached: true });
    expect(inner.calls).toBe(3);
  });

  it('is written anew for who comes after its end, each piece told once and each cost counted', async () => {
    const inner = new WritingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    let late: Promise<{ pieces: string[]; reasoned: ReasonedQuery }> | undefined;
    inner.linger = async () => {
      late ??= collected(reasoner.stream('why'));
      for (let i = 0; i < 10; i++) await turn();
    };
    // Who came first takes no piece until the others are done, so that the late one is told of the cost.
    const first = reasoner.stream('why', { enough: words(2) });
    await first.next();
    await expect.poll(() => late).toBeDefined();
    const { pieces, reasoned } = await late!;
    const rest = await collected(first);
    expect(pieces.join('')).toBe(whole);
    expect(reasoned).toMatchObject({ text: whole, finish: 'stop', cost: { amount: 3 + 8 } });
    expect(rest.reasoned).toMatchObject({ text: 'one two', cost: { amount: 0 } });
    await reasoner.close();
  });

  it('goes on for the others where one cannot say whether it is enough', async () => {
    const inner = new WritingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    const outcomes = await Promise.allSettled([
      reasoner.reason('why', { enough: broken }),
      reasoner.reason('why', { enough: words(2) }),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'IO' } },
      { status: 'fulfilled', value: { text: 'one two' } },
    ]);
    expect(inner.calls).toBe(1);
    await reasoner.close();
  });

  it('is another for other passages and another sample', async () => {
    const inner = new WritingReasoner();
    await asked(inner, { enough: words(2) });
    await asked(inner, { enough: words(2), passages: ['p'] });
    await asked(inner, { enough: words(2), sample: 1 });
    expect(inner.calls).toBe(3);
  });

  it('comes in pieces that begin with it, or in one from the cache', async () => {
    const inner = new WritingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    const pieces: string[][] = [];
    for (let i = 0; i < 2; i++) {
      pieces.push([]);
      for await (const piece of reasoner.stream('why', { enough: words(2) })) pieces[i].push(piece);
    }
    expect(pieces).toEqual([['one ', 'two ', 'three '], ['one two three ']]);
    await reasoner.close();
  });

  it('is not kept where it breaks off, or is stopped', async () => {
    const inner = new WritingReasoner();
    const stop = new AbortController();
    const enough: Enough = (text) => {
      if (text.includes('three')) stop.abort();
      return undefined;
    };
    await expect(asked(inner, { enough, signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(asked(inner, { enough: broken })).rejects.toMatchObject({ code: 'IO' });
    expect(await cache.stats()).toMatchObject({ entries: 0 });
  });
});
