import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { QuernError } from '../errors.ts';
import { CachedReasoner, type CachedReasonerOptions } from './cached-reasoner.ts';
import { NoReasoner } from './none.ts';
import { ReasonedQueryCache } from './cache/reasoned-query-cache.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';

const folder = temporaryFolder();
let folders = 0;
let cache: ReasonedQueryCache;

beforeEach(async () => {
  cache = await ReasonedQueryCache.open(join(folder, String(folders++)));
});

afterEach(() => cache.close());

/** Counts what it is asked; each generation waits until the test lets it go on. */
class CountingReasoner implements Reasoner {
  readonly id = 'counting';
  readonly parallel = 3;
  generations = 0;
  stopped = 0;
  isClosed = false;
  isHeld = false;
  isDeaf = false;
  outcome: (query: string) => ReasonedQuery = (query) => reasonedQuery(query, { reasoner: this.id });
  /** Waits for {@link release}, once for each piece and the end. */
  #released: (() => void)[] = [];

  release(): void {
    for (const go of this.#released.splice(0)) go();
  }

  async cacheKey(query: string, { sample = 0 }: ReasonOptions = {}): Promise<string> {
    return JSON.stringify([this.id, query, sample]);
  }

  async reason(query: string, { signal }: ReasonOptions = {}): Promise<ReasonedQuery> {
    this.generations++;
    await this.#wait(signal);
    return this.outcome(query);
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    if (!this.isHeld) return;
    await new Promise<void>((resolve, reject) => {
      let isReleased = false;
      this.#released.push(() => {
        isReleased = true;
        resolve();
      });
      if (this.isDeaf) return;
      signal?.addEventListener('abort', () => {
        if (isReleased) return;
        this.stopped++;
        reject(new QuernError('ABORTED', 'stopped on request'));
      });
    });
  }

  /** The same, with a stream of the words of its text. */
  streaming(): Reasoner & { stream: NonNullable<Reasoner['stream']> } {
    return Object.assign(Object.create(this) as CountingReasoner, {
      id: this.id,
      parallel: 3,
      cacheKey: (query: string, options?: ReasonOptions) => this.cacheKey(query, options),
      reason: (query: string, options?: ReasonOptions) => this.reason(query, options),
      stream: (query: string, options?: ReasonOptions) => this.#stream(query, options),
      close: () => this.close(),
    });
  }

  async *#stream(
    query: string,
    { signal }: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    this.generations++;
    const reasoned = this.outcome(query);
    for (const piece of reasoned.text.split(/(?<= )/)) {
      await this.#wait(signal);
      yield piece;
    }
    await this.#wait(signal);
    return reasoned;
  }
}

function failing(): never {
  throw new QuernError('NETWORK', 'no answer');
}

async function* breaking(): AsyncGenerator<string, ReasonedQuery, undefined> {
  yield 'half';
  throw new QuernError('NETWORK', 'broke off');
}

/** Lets everything that is ready go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

async function collected(
  stream: AsyncGenerator<string, ReasonedQuery, undefined>,
): Promise<{ pieces: string[]; reasoned: ReasonedQuery }> {
  const pieces: string[] = [];
  for (;;) {
    const { done, value } = await stream.next();
    if (done) return { pieces, reasoned: value };
    pieces.push(value);
  }
}

/** What a reasoner of its own says, which is closed, so that it is stored. */
async function askedAndClosed(inner: Reasoner, options?: CachedReasonerOptions): Promise<ReasonedQuery> {
  const reasoner = new CachedReasoner(inner, cache, options);
  const reasoned = await reasoner.reason('why');
  await reasoner.close();
  return reasoned;
}

describe('a cached reasoner', () => {
  it('asks once and has the answer from then on, also for the next that uses the cache', async () => {
    const inner = new CountingReasoner();
    const cost = { amount: 0.5, currency: 'EUR' };
    inner.outcome = (query) => reasonedQuery(query, { finish: 'length', seed: 5, cost, milliseconds: 1e9 });
    const first = await askedAndClosed(inner);
    const second = await new CachedReasoner(inner, cache).reason('why');
    expect(inner.generations).toBe(1);
    expect(first).toMatchObject({ cached: false, cost });
    expect(second).toEqual({
      ...first,
      cached: true,
      cost: { amount: 0, currency: 'EUR' },
      milliseconds: second.milliseconds,
    });
    expect(second.milliseconds).toBeLessThan(1e9);
  });

  it('waits for nobody who stores', async () => {
    const inner = new CountingReasoner();
    const disk = new EventEmitter();
    const slow = {
      get: async () => undefined,
      put: () => once(disk, 'stored').then(() => true),
      close: async () => undefined,
    };
    const reasoner = new CachedReasoner(inner, slow, { ownsCache: true });
    expect((await reasoner.reason('why')).cached).toBe(false);
    let isClosed = false;
    const closed = reasoner.close().then(() => (isClosed = true));
    await new Promise((later) => setTimeout(later, 20));
    expect(isClosed).toBe(false);
    disk.emit('stored');
    await closed;
  });

  it('has the key of the reasoner in it, where that has one', async () => {
    const inner = new CountingReasoner();
    expect(await new CachedReasoner(inner, cache).cacheKey?.('why')).toBe(await inner.cacheKey('why'));
    const without: Reasoner = { id: 'x', reason: inner.reason.bind(inner), close: async () => undefined };
    expect(new CachedReasoner(without, cache).cacheKey).toBeUndefined();
  });

  it('has a cost only where prices are known', async () => {
    const reasoner = new CachedReasoner(new CountingReasoner(), cache);
    await reasoner.reason('why');
    expect(await reasoner.reason('why')).not.toHaveProperty('cost');
  });

  it('asks for each query and each sample', async () => {
    const inner = new CountingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    await reasoner.reason('why');
    await reasoner.reason('why ');
    await reasoner.reason('why', { sample: 1 });
    await reasoner.reason('why', { sample: 0 });
    expect(inner.generations).toBe(3);
  });

  it('asks anew and keeps the new answer, when told to', async () => {
    const inner = new CountingReasoner();
    await askedAndClosed(inner);
    inner.outcome = (query) => reasonedQuery(query, { text: 'better' });
    const refreshed = await askedAndClosed(inner, { refresh: true });
    expect(refreshed).toMatchObject({ text: 'better', cached: false });
    expect(await new CachedReasoner(inner, cache).reason('why')).toMatchObject({
      text: 'better',
      cached: true,
    });
    expect(inner.generations).toBe(2);
  });

  it('passes on what it is, and closes the cache only where it owns it', async () => {
    const inner = new CountingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    expect([reasoner.id, reasoner.parallel]).toEqual(['counting', 3]);
    await reasoner.ready();
    await reasoner.close();
    expect(inner.isClosed).toBe(true);
    expect(await cache.stats()).toMatchObject({ entries: 0 });
    await new CachedReasoner(inner, cache, { ownsCache: true }).close();
    await expect(cache.stats()).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('leaves a reasoner without a key alone', async () => {
    const reasoner = new CachedReasoner(new NoReasoner(), cache);
    expect(await reasoner.reason('why')).toMatchObject({ reasoner: 'none', finish: 'skipped' });
    expect((await collected(reasoner.stream('why'))).pieces).toEqual([]);
    expect(await cache.stats()).toMatchObject({ entries: 0 });
  });

  it.each<[string, (query: string) => ReasonedQuery]>([
    ['fails', failing],
    ['is empty', (query) => reasonedQuery(query, { text: '' })],
    ['was skipped', (query) => reasonedQuery(query, { finish: 'skipped' })],
  ])('does not keep what %s, and asks again', async (_, outcome) => {
    const inner = new CountingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    inner.outcome = outcome;
    await reasoner.reason('why').catch(() => undefined);
    expect(await cache.stats()).toMatchObject({ entries: 0 });
    inner.outcome = (query) => reasonedQuery(query);
    expect(await reasoner.reason('why')).toMatchObject({ finish: 'stop', cached: false });
    expect(inner.generations).toBe(2);
  });

  it('works where the cache does not', async () => {
    const unusable = await ReasonedQueryCache.open('/dev/null/cache');
    const inner = new CountingReasoner();
    const reasoner = new CachedReasoner(inner, unusable, { ownsCache: true });
    await reasoner.reason('why');
    expect(await reasoner.reason('why')).toMatchObject({ finish: 'stop', cached: false });
    expect(inner.generations).toBe(2);
    await reasoner.close();
  });
});

describe('calls of one key at once', () => {
  it('share one generation, of which one has the cost', async () => {
    const inner = new CountingReasoner();
    inner.outcome = (query) => reasonedQuery(query, { cost: { amount: 2, currency: 'USD' } });
    const reasoner = new CachedReasoner(inner, cache);
    const answers = await Promise.all(Array.from({ length: 100 }, () => reasoner.reason('why')));
    expect(inner.generations).toBe(1);
    expect(answers.every(({ cached }) => !cached)).toBe(true);
    expect(answers.reduce((sum, { cost }) => sum + cost!.amount, 0)).toBe(2);
    expect(await reasoner.reason('why')).toMatchObject({ cached: true });
    expect(inner.generations).toBe(1);
  });

  it('fail together where it fails, and the next call tries again', async () => {
    const inner = new CountingReasoner();
    inner.outcome = failing;
    const reasoner = new CachedReasoner(inner, cache);
    const calls = await Promise.allSettled([1, 2, 3].map(() => reasoner.reason('why')));
    expect(calls.map((call) => call.status === 'rejected' && (call.reason as QuernError).code)).toEqual(
      Array.from({ length: 3 }, () => 'NETWORK'),
    );
    expect(inner.generations).toBe(1);
    inner.outcome = (query) => reasonedQuery(query);
    expect(await reasoner.reason('why')).toMatchObject({ finish: 'stop' });
    expect(inner.generations).toBe(2);
  });

  it('leave one by one when they are told to, and the generation goes on for the others', async () => {
    const inner = new CountingReasoner();
    inner.isHeld = true;
    const reasoner = new CachedReasoner(inner, cache);
    const [first, second] = [new AbortController(), new AbortController()];
    const leaving = reasoner.reason('why', { signal: first.signal });
    const staying = reasoner.reason('why', { signal: second.signal });
    await settle();
    first.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' });
    expect(inner.stopped).toBe(0);
    inner.release();
    expect(await staying).toMatchObject({ finish: 'stop', cached: false });
    expect(inner.generations).toBe(1);
    expect(await reasoner.reason('why')).toMatchObject({ cached: true });
  });

  it('stop the generation when the last has left, and a later call begins another', async () => {
    const inner = new CountingReasoner();
    inner.isHeld = true;
    const reasoner = new CachedReasoner(inner, cache);
    const stops = [new AbortController(), new AbortController()];
    const calls = stops.map(({ signal }) => reasoner.reason('why', { signal }));
    await settle();
    for (const stop of stops) stop.abort();
    const next = reasoner.reason('why');
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    expect(inner.stopped).toBe(1);
    await settle();
    inner.release();
    expect(await next).toMatchObject({ finish: 'stop', cached: false });
    expect(inner.generations).toBe(2);
  });

  it('do not wait for a reasoner that does not stop', async () => {
    const inner = new CountingReasoner();
    inner.isHeld = true;
    inner.isDeaf = true;
    const reasoner = new CachedReasoner(inner, cache);
    const stop = new AbortController();
    const call = reasoner.reason('why', { signal: stop.signal });
    await settle();
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    inner.release();
    await settle();
  });

  it('do not begin when they are aborted already', async () => {
    const inner = new CountingReasoner();
    const reasoner = new CachedReasoner(inner, cache);
    const { signal } = { signal: AbortSignal.abort() };
    await expect(reasoner.reason('why', { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(inner.generations).toBe(0);
  });
});

describe('the stream of a cached reasoner', () => {
  it('has the pieces as they come, and the whole in one piece from the cache', async () => {
    const inner = new CountingReasoner();
    inner.outcome = (query) => reasonedQuery(query, { text: 'one two three' });
    const reasoner = new CachedReasoner(inner.streaming(), cache);
    const first = await collected(reasoner.stream('why'));
    expect(first.pieces).toEqual(['one ', 'two ', 'three']);
    expect(first.reasoned).toMatchObject({ text: 'one two three', cached: false });
    const second = await collected(reasoner.stream('why'));
    expect(second.pieces).toEqual(['one two three']);
    expect(second.reasoned).toMatchObject({ text: 'one two three', cached: true });
    expect(await reasoner.reason('why')).toMatchObject({ cached: true });
    expect(inner.generations).toBe(1);
  });

  it('gives one who comes late what came before, and both the rest as it comes', async () => {
    const inner = new CountingReasoner();
    inner.isHeld = true;
    inner.outcome = (query) => reasonedQuery(query, { text: 'one two three' });
    const reasoner = new CachedReasoner(inner.streaming(), cache);
    const early = reasoner.stream('why');
    const first = early.next();
    await settle();
    inner.release();
    expect((await first).value).toBe('one ');
    const late = reasoner.stream('why');
    expect((await late.next()).value).toBe('one ');
    const whole = reasoner.reason('why');
    const rest = Promise.all([collected(early), collected(late)]);
    await settle();
    for (let i = 0; i < 3; i++) {
      inner.release();
      await settle();
    }
    for (const { pieces } of await rest) expect(pieces).toEqual(['two ', 'three']);
    expect(await whole).toMatchObject({ text: 'one two three' });
    expect(inner.generations).toBe(1);
  });

  it('has one piece where the reasoner has no stream', async () => {
    const reasoner = new CachedReasoner(new CountingReasoner(), cache);
    const { pieces, reasoned } = await collected(reasoner.stream('why'));
    expect(pieces).toEqual([reasoned.text]);
  });

  it('stops the generation when its only reader stops reading', async () => {
    const inner = new CountingReasoner();
    inner.outcome = (query) => reasonedQuery(query, { text: 'one two three' });
    const reasoner = new CachedReasoner(inner.streaming(), cache);
    for await (const piece of reasoner.stream('why')) {
      expect(piece).toBe('one ');
      inner.isHeld = true;
      break;
    }
    await settle();
    expect(await cache.stats()).toMatchObject({ entries: 0 });
    inner.isHeld = false;
    expect(await reasoner.reason('why')).toMatchObject({ cached: false });
    expect(inner.generations).toBe(2);
  });

  it('ends as soon as its signal says so, and leaves even while nobody reads', async () => {
    const inner = new CountingReasoner();
    inner.isHeld = true;
    const reasoner = new CachedReasoner(inner.streaming(), cache);
    const stop = new AbortController();
    const stream = reasoner.stream('why', { signal: stop.signal });
    const first = stream.next();
    await settle();
    inner.release();
    await first;
    await settle();
    stop.abort();
    expect(inner.stopped).toBe(1);
    await expect(stream.next()).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('fails for all where it breaks off, and keeps nothing', async () => {
    const inner = new CountingReasoner();
    const broken = inner.streaming();
    broken.stream = breaking;
    const reasoner = new CachedReasoner(broken, cache);
    const calls = await Promise.allSettled([1, 2].map(() => collected(reasoner.stream('why'))));
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.stats()).toMatchObject({ entries: 0 });
  });
});
