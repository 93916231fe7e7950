import { expect, it } from 'vitest';
import { SharedResource } from './shared-resource.ts';

it('is closed once, when it is let go and nobody uses it any more', async () => {
  const events: string[] = [];
  const shared = new SharedResource('it', async () => void events.push('closed'));
  let end!: () => void;
  const used = shared.use(() => new Promise<void>((resolve) => (end = resolve)));
  await shared.use(async (value) => void events.push(`used ${value}`));
  expect([events, shared.isLetGo]).toEqual([['used it'], false]);
  const gone = shared.letGo();
  void shared.letGo();
  await Promise.resolve();
  expect([events, shared.isLetGo]).toEqual([['used it'], true]);
  end();
  await used;
  await gone;
  expect(events).toEqual(['used it', 'closed']);
});

it('is let go also where what is done with it, or closing it, fails', async () => {
  const shared = new SharedResource('it', async () => {
    throw new Error('cannot close');
  });
  const failed = shared.use(async () => {
    throw new Error('cannot use');
  });
  await expect(failed).rejects.toThrow('cannot use');
  await expect(shared.letGo()).resolves.toBeUndefined();
});
