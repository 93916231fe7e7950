import { expect, it } from 'vitest';
import { Tally } from './batch-progress.ts';

it('how far a batch is says what this run did a second, the servers in the pool, and failures', () => {
  let now = 0;
  const server = { underWay: 0, answered: 0, failed: 0 };
  const servers = [
    { ...server, name: 'a', state: 'in' as const },
    { ...server, name: 'b', state: 'out' as const },
  ];
  const tally = new Tally(
    1000,
    400,
    () => servers,
    () => now,
  );
  expect(tally.line).toBe('400 of 1000: 0.0 questions/s, 1 of 2 servers');
  now = 10_000;
  for (let call = 0; call < 50; call++) tally.add({ tokens: 20, isFailed: call < 2 });
  expect(tally.line).toBe(
    '450 of 1000: 5.0 questions/s, 100.0 tokens/s, 1 of 2 servers, 2 failed, 2 min left',
  );
});
