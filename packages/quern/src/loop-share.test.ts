import { expect, it } from 'vitest';
import { LoopShare } from './loop-share.ts';

/** Holds the event loop. */
function compute(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

it('lets others in where work has held the loop for long, and only then', async () => {
  const share = new LoopShare();
  const order: string[] = [];
  setImmediate(() => order.push('others'));
  await share.yield();
  order.push('soon');
  compute(20);
  await share.yield();
  order.push('late');
  expect(order).toEqual(['soon', 'others', 'late']);
});

it('ends work that is to stop', async () => {
  const stopping = new AbortController();
  const share = new LoopShare();
  setImmediate(() => stopping.abort());
  await share.yield(stopping.signal);
  compute(20);
  await expect(share.yield(stopping.signal)).rejects.toMatchObject({ code: 'ABORTED' });
});
