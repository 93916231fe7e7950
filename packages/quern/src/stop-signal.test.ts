import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { stopSignal } from './stop-signal.ts';

it('aborts with the outer signal, and by itself without it', () => {
  const outer = new AbortController();
  const [first, second, third] = [stopSignal(outer.signal), stopSignal(outer.signal), stopSignal(undefined)];
  first.stop();
  expect([first, second, third].map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
  outer.abort();
  third.stop();
  expect([second, third].map(({ signal }) => signal.aborted)).toEqual([true, true]);
  expect(stopSignal(outer.signal).signal.aborted).toBe(true);
});

it('lets go of the outer signal when it is stopped', () => {
  const outer = new AbortController();
  for (let i = 0; i < 20; i++) stopSignal(outer.signal).stop();
  expect(getEventListeners(outer.signal, 'abort').length).toBe(0);
});
