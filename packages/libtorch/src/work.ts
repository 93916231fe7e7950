/** Work that is done at once, within something that ends with it: what `scope`, `noGrad` and `autocast` are given. */
import { types } from 'node:util';
import { LibTorchError } from './errors.ts';

/** What is to be done at the end of each piece of work that is under way, the innermost last. */
const endings: (() => void)[] = [];
let isWatched = false;

/** How {@link within} does its work. */
interface Within<T> {
  /** The function's name. */
  readonly what: string;
  /** What asynchronous work is to do instead. */
  readonly hint: string;
  readonly enter: () => void;
  /** Undoes what `enter` did; harmless where that was not done, or undone before. */
  readonly leave: () => void;
  /** Is given what work returned, before `leave`. */
  readonly finish?: (result: T) => void;
}

/**
 * What `work` returns, between `enter` and `leave`. Work that ends without its `finally` (a time limit of `vm` does that, and a
 * stack that is full may) is left all the same: by the work around it, or when JavaScript's stack is empty. Throws
 * `BAD_ARGUMENT` for what cannot be called, and where the work only began and goes on when other work has come in between.
 */
export function within<T>({ what, hint, enter, leave, finish }: Within<T>, work: () => T): T {
  if (typeof work !== 'function') throw new LibTorchError('BAD_ARGUMENT', `${what}: its work is a function`);
  watch();
  const depth = endings.length;
  try {
    endings.push(leave);
    enter();
    const result = work();
    checkDone(result, what, hint);
    finish?.(result);
    return result;
  } finally {
    leaveDownTo(depth);
  }
}

function leaveDownTo(depth: number): void {
  while (endings.length > depth) {
    // It is taken off when it is done: where the stack is too full for it, the work around does it.
    endings[endings.length - 1]();
    endings.length--;
  }
}

/** Microtasks run when nothing else does: whatever is under way by then was ended from outside. */
function watch(): void {
  if (isWatched) return;
  isWatched = true;
  queueMicrotask(() => {
    isWatched = false;
    leaveDownTo(0);
  });
}

function checkDone(result: unknown, what: string, hint: string): void {
  if (types.isPromise(result)) result.catch(() => undefined);
  else if (!isThenable(result) && !types.isGeneratorObject(result)) return;
  throw new LibTorchError('BAD_ARGUMENT', `${what}: its work is asynchronous, or a generator`, { hint });
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
  );
}
