import { appendFileSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { whileLocked, type Contended } from './hub-lock.ts';
import { defaultTiming } from './hub-retry.ts';

const folder = temporaryFolder();

function newContent(): Contended {
  const here = mkdtempSync(join(folder, 'content-'));
  return {
    lock: join(here, 'locks', 'x.lock'),
    partial: join(here, 'x.incomplete'),
    target: join(here, 'x'),
  };
}

function locked<T>(
  content: Contended,
  work: () => Promise<T>,
  {
    patience = 60_000,
    signal,
    received = [],
  }: { patience?: number; signal?: AbortSignal; received?: number[] } = {},
): Promise<T> {
  const onReceived = (bytes: number): void => void received.push(bytes);
  return whileLocked(content, { ...defaultTiming, patience }, onReceived, signal, work);
}

it('one after the other works on a content, and the second is told how far the first is', async () => {
  const content = newContent();
  const received: number[] = [];
  let second: Promise<string> | undefined;
  const told = new Promise<void>((done) => {
    void locked(content, async () => {
      writeFileSync(content.partial, 'four');
      second = locked(content, async () => (existsSync(content.target) ? 'it is there' : 'it is not'), {
        received,
      });
      while (received.length === 0) await new Promise((turn) => setTimeout(turn, 10));
      appendFileSync(content.target, 'all');
    }).then(done);
  });
  await told;
  expect(await second).toBe('it is there');
  expect(received[0]).toBe(4);
});

it('what fails leaves no lock', async () => {
  const content = newContent();
  await expect(locked(content, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(content.lock)).toBe(false);
});

it('who waits can be stopped', async () => {
  const content = newContent();
  const controller = new AbortController();
  await locked(content, async () => {
    const waiting = locked(content, async () => 'never', { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

it('who stands still for too long is named', async () => {
  const content = newContent();
  await locked(content, async () => {
    await expect(locked(content, async () => 'never', { patience: 1 })).rejects.toMatchObject({
      code: 'LOCKED',
      where: content.target,
      message: expect.stringContaining('this process'),
    });
  });
  // Of another machine nobody can say whether it is alive.
  const holder = { pid: 1, host: `not-${hostname()}`, token: '0123456789abcdef' };
  writeFileSync(content.lock, JSON.stringify(holder));
  await expect(locked(content, async () => 'never', { patience: 1 })).rejects.toMatchObject({
    code: 'LOCKED',
    hint: expect.stringContaining(content.lock),
  });
});
