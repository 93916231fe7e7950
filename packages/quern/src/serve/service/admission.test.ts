import { setImmediate as turn, setTimeout as later } from 'node:timers/promises';
import { array, asyncProperty, assert, constantFrom, integer, record } from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { QuernError } from '../../errors.ts';
import { Admission, OverloadedError } from './admission.ts';

/** What is to be done, and what ends it. */
function held(): { readonly work: () => Promise<void>; end(): void } {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { work: () => ended, end };
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error as QuernError).code,
  );
}

describe('Admission', () => {
  it('never runs more than it may, lets no more wait, loses none, and lets those that wait begin in their order', async () => {
    const call = record({
      /** Turns of the event loop that pass before it comes. */
      after: integer({ min: 0, max: 3 }),
      /** Turns that it works. */
      takes: integer({ min: 0, max: 5 }),
      ends: constantFrom('well', 'badly', 'aborted'),
      abortedAfter: integer({ min: 0, max: 6 }),
    });
    const limits = record({ concurrent: integer({ min: 1, max: 4 }), waiting: integer({ min: 0, max: 5 }) });
    await assert(
      asyncProperty(limits, array(call, { maxLength: 30 }), async ({ concurrent, waiting }, calls) => {
        const admission = new Admission('pieces', { concurrent, waiting, deadline: 60_000 });
        let running = 0;
        let most = 0;
        const began: number[] = [];
        const waited = new Set<number>();
        const results: Promise<string>[] = [];
        for (const [i, { after, takes, ends, abortedAfter }] of calls.entries()) {
          for (let t = 0; t < after; t++) await turn();
          const controller = new AbortController();
          const work = async (): Promise<void> => {
            began.push(i);
            most = Math.max(most, ++running);
            for (let t = 0; t < takes; t++) await turn();
            running--;
            if (ends === 'badly') throw new QuernError('BAD_REPLY', 'went wrong');
          };
          if (admission.running === concurrent) waited.add(i);
          results.push(codeOf(admission.run(work, controller.signal)));
          expect(admission.waiting).toBeLessThanOrEqual(waiting);
          expect(admission.running).toBeLessThanOrEqual(concurrent);
          if (ends === 'aborted') {
            void (async () => {
              for (let t = 0; t < abortedAfter; t++) await turn();
              controller.abort();
            })();
          }
        }
        const codes = await Promise.all(results);
        expect(most).toBeLessThanOrEqual(concurrent);
        const inTurn = began.filter((i) => waited.has(i));
        expect(inTurn).toEqual(inTurn.toSorted((a, b) => a - b));
        for (const [i, code] of codes.entries()) {
          const hasBegun = began.includes(i);
          const expected = hasBegun
            ? [calls[i]!.ends === 'badly' ? 'BAD_REPLY' : 'done']
            : ['OVERLOADED', ...(calls[i]!.ends === 'aborted' ? ['ABORTED'] : [])];
          expect(expected).toContain(code);
        }
        expect([running, admission.running, admission.waiting, admission.isFull]).toEqual([0, 0, 0, false]);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses what finds no place with the seconds to wait, and takes it when there is one', async () => {
    const admission = new Admission('pieces', { concurrent: 1, waiting: 1, deadline: 60_000 });
    const first = held();
    const results = [codeOf(admission.run(first.work)), codeOf(admission.run(async () => undefined))];
    expect(admission.isFull).toBe(true);
    const refused = await admission.run(async () => undefined).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OverloadedError);
    expect(refused).toMatchObject({
      code: 'OVERLOADED',
      retryAfter: 1,
      what: expect.stringContaining('1 wait already'),
    });
    expect(() => admission.check()).toThrow(/too many pieces/);
    first.end();
    expect(await Promise.all(results)).toEqual(['done', 'done']);
    admission.check();
  });

  it('refuses what has waited too long, while what has its place goes on', async () => {
    const admission = new Admission('pieces', { concurrent: 1, waiting: 5, deadline: 30 });
    const first = held();
    const result = codeOf(admission.run(first.work));
    let isBegun = false;
    const late = codeOf(
      admission.run(async () => {
        isBegun = true;
      }),
    );
    expect(await late).toBe('OVERLOADED');
    expect([isBegun, admission.running, admission.waiting]).toEqual([false, 1, 0]);
    first.end();
    expect(await result).toBe('done');
  });

  it('lets who gives up go at once, without a place or a timer left', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const admission = new Admission('pieces', { concurrent: 1, waiting: 5, deadline: 60_000 });
    const first = held();
    const result = codeOf(admission.run(first.work));
    const controller = new AbortController();
    const given = codeOf(admission.run(async () => undefined, controller.signal));
    const last = codeOf(admission.run(async () => undefined));
    controller.abort();
    expect(await given).toBe('ABORTED');
    expect(admission.waiting).toBe(1);
    expect(await codeOf(admission.run(async () => undefined, controller.signal))).toBe('ABORTED');
    first.end();
    expect([await result, await last]).toEqual(['done', 'done']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives a place back once, however often that is said', async () => {
    const admission = new Admission('pieces', { concurrent: 1, waiting: 0, deadline: 60_000 });
    const leave = await admission.take();
    leave();
    leave();
    expect(admission.running).toBe(0);
    await admission.take();
    expect(admission.running).toBe(1);
    leave();
    expect([admission.running, admission.isFull]).toEqual([1, true]);
  });

  it('lets others have a turn between two pieces of work that hold the loop', async () => {
    const admission = new Admission('pieces', { concurrent: 1, waiting: 10, deadline: 60_000 });
    const order: string[] = [];
    const pieces = Array.from({ length: 4 }, (_, i) =>
      admission.run(async () => {
        order.push(`piece ${i}`);
        setImmediate(() => order.push('other'));
        // Longer than work may go on in one turn.
        const until = performance.now() + 60;
        while (performance.now() < until);
      }),
    );
    await Promise.all(pieces);
    await later(5);
    expect(order.filter((each, i) => each.startsWith('piece') && order[i + 1] === 'other')).toHaveLength(4);
  });

  it('estimates when to come again from how long work took, within a minute', async () => {
    const admission = new Admission('pieces', { concurrent: 1, waiting: 1000, deadline: 600_000 });
    expect(admission.retryAfter).toBe(1);
    await admission.run(() => later(40));
    const first = held();
    const results = [admission.run(first.work)];
    for (let i = 0; i < 200; i++) results.push(admission.run(async () => undefined));
    expect(admission.retryAfter).toBeGreaterThanOrEqual(4);
    expect(admission.retryAfter).toBeLessThanOrEqual(60);
    first.end();
    await Promise.all(results);
  });
});
