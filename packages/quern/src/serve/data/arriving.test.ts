import { afterEach, expect, it, vi } from 'vitest';
import { arriving } from './arriving.ts';

afterEach(() => void vi.useRealTimers());

it('leaves no timer behind when it is stopped while it waits', async () => {
  vi.useFakeTimers();
  const silent: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
  };
  const stopping = new AbortController();
  const leastRate = { bytesPerSecond: 1024, seconds: 60 };
  const block = arriving(silent, { signal: stopping.signal, leastRate }).next();
  await Promise.resolve();
  expect(vi.getTimerCount()).toBe(1);
  stopping.abort();
  await expect(block).rejects.toThrow('stopped on request');
  expect(vi.getTimerCount()).toBe(0);
});
