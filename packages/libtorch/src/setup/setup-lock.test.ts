import { mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { withSetupLock } from './setup-lock.ts';

const root = temporaryFolder();
const waited = new Error('it waits');
const onWait = (): never => {
  throw waited;
};

/** Works in a folder under the lock; throws where it would wait. */
function locked(folder: string): Promise<string> {
  return withSetupLock(folder, { onWait }, async () => 'done');
}

/** A folder with a lock of this process, as old as these seconds. */
function lockedFolder(seconds: number): string {
  const folder = mkdtempSync(join(root, 'builds-'));
  const lock = join(folder, 'setup.lock');
  writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname(), token: 'other' }));
  const date = Date.now() / 1000 - seconds;
  utimesSync(lock, date, date);
  return folder;
}

it('a lock whose holder lives is waited for', async () => {
  await expect(locked(lockedFolder(1))).rejects.toBe(waited);
});

it.each([
  ['long ago', 3600],
  ['in the future', -3600],
])('a lock that was touched %s is not waited for', async (_, seconds) => {
  const folder = lockedFolder(seconds);
  expect(await locked(folder)).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

it('a folder that has the name of the lock is to be removed, and stays', async () => {
  const folder = mkdtempSync(join(root, 'builds-'));
  const lock = join(folder, 'setup.lock');
  mkdirSync(lock);
  utimesSync(lock, 0, 0);
  const wanted = { code: 'SETUP', message: `${lock} is no file, and the lock of a setup is one. Remove it` };
  await expect(locked(folder)).rejects.toMatchObject(wanted);
  expect(readdirSync(folder)).toEqual(['setup.lock']);
});
