import { throwIfAborted } from '../errors.ts';

/** Lets signals and messages in between two pieces of work. Throws `ABORTED` where one of them is to stop. */
export async function turn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  throwIfAborted(signal);
}
