import { EventEmitter, once } from 'node:events';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { inOrder } from './in-order.ts';

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const result of results) list.push(result);
  return list;
}

it('yields results in the order of the items, however they end, with no more at work than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(5), { maxLength: 40 }),
      fc.integer({ min: 1, max: 6 }),
      async (delays, limit) => {
        let atWork = 0;
        let most = 0;
        const found = await all(
          inOrder(delays, limit, async (delay, position) => {
            most = Math.max(most, ++atWork);
            for (let i = 0; i < delay; i++) await Promise.resolve();
            atWork--;
            return position;
          }),
        );
        expect(found).toEqual(delays.map((_, i) => i));
        expect(most).toBeLessThanOrEqual(limit);
      },
    ),
  );
});

it('goes on with others while one is slow', async () => {
  const ended: number[] = [];
  const last = new EventEmitter();
  const held = once(last, 'ended');
  const results = inOrder([0, 1, 2, 3, 4], 2, async (item) => {
    if (item === 0) await held;
    ended.push(item);
    if (item === 4) last.emit('ended');
    return item;
  });
  expect(await all(results)).toEqual([0, 1, 2, 3, 4]);
  expect(ended).toEqual([1, 2, 3, 4, 0]);
});

it('throws a failure at once, though what comes before it is not done', async () => {
  const results = inOrder([0, 1], 2, (item) =>
    item === 0 ? new Promise<never>(() => undefined) : Promise.reject(new Error('no')),
  );
  await expect(all(results)).rejects.toThrow('no');
});

it('throws the first failure, and begins nothing after it', async () => {
  const begun: number[] = [];
  const results = inOrder([0, 1, 2, 3, 4, 5], 1, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('no');
    return item;
  });
  await expect(all(results)).rejects.toThrow('no');
  expect(begun).toEqual([0, 1, 2]);
});

it('begins nothing more when nobody takes the results', async () => {
  const begun: number[] = [];
  for await (const result of inOrder(
    Array.from({ length: 100 }, (_, i) => i),
    1,
    async (item) => {
      begun.push(item);
      return item;
    },
  )) {
    if (result === 1) break;
  }
  expect(begun.length).toBeLessThan(20);
});

function* broken(): Generator<number> {
  yield 1;
  yield 2;
  throw new Error('no more');
}

it('throws what the items throw', async () => {
  await expect(all(inOrder(broken(), 1, async (item) => item))).rejects.toThrow('no more');
});
