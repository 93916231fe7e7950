import { join } from 'node:path';
import { ProcessLock } from '../process-lock.ts';
import { lockFileName } from './index-folder.ts';

/** Takes the lock of the index in `folder`. Throws `LOCKED` naming the process that holds it, also when that is this one. */
export function lockWriter(folder: string): Promise<ProcessLock> {
  return ProcessLock.acquire(join(folder, lockFileName), { kind: 'index', where: folder });
}
