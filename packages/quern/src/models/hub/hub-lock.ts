import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError } from '../../errors.ts';
import { ProcessLock } from '../../process-lock.ts';
import { waitFor, type HubTiming } from './hub-retry.ts';

/** A content that one process at a time may download. */
export interface Contended {
  /** Its lock file. */
  readonly lock: string;
  /** Where it comes to be. */
  readonly partial: string;
  /** Its final name. */
  readonly target: string;
}

const pollPause = 200;

/**
 * Does `work` while no other process works on the same content; waits for one that does, as long as that makes progress
 * (`patience` of {@link HubTiming}), of which `onReceived` is told. Throws `LOCKED`, naming the other, when it makes none,
 * and `ABORTED`.
 */
export async function whileLocked<T>(
  contended: Contended,
  { patience }: HubTiming,
  onReceived: (bytes: number) => void,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await acquire(contended, patience, onReceived, signal);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function acquire(
  { lock, partial, target }: Contended,
  patience: number,
  onReceived: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<ProcessLock> {
  await mkdir(dirname(lock), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, dirname(lock));
  });
  let received = -1;
  let waited = 0;
  return ProcessLock.acquireInTurn(lock, { kind: 'file', where: target }, async (locked) => {
    if (waited >= patience) throw locked;
    const there = await sizeOf(partial);
    if (there === received) waited += pollPause;
    else {
      received = there;
      waited = 0;
      onReceived(there);
    }
    await waitFor(Math.min(pollPause, patience), signal);
  });
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
