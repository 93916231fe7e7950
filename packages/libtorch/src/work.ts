/** Work that is done at once: what {@link noGrad}, `autocast` and `scope` are given. */
import { types } from 'node:util';
import { LibTorchError } from './errors.ts';

/** Throws `BAD_ARGUMENT` for what cannot be called. */
export function checkWork(work: unknown, what: string): void {
  if (typeof work !== 'function') throw new LibTorchError('BAD_ARGUMENT', `${what}: its work is a function`);
}

/** Throws `BAD_ARGUMENT` where the work only began, and goes on when other work has come in between. */
export function checkDone(result: unknown, what: string, hint: string): void {
  if (!types.isPromise(result)) return;
  result.catch(() => undefined);
  throw new LibTorchError('BAD_ARGUMENT', `${what}: its work is asynchronous`, { hint });
}
