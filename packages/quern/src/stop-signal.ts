import { setMaxListeners } from 'node:events';
import { QuernError } from './errors.ts';

/** A signal for a piece of work that several parts listen to. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Aborts it; to be called at the end of the work in any case, as it also lets go of the outer signals. */
  stop(): void;
}

/** A signal that aborts when one of `outer` does, or when it is stopped; however many listen to it. */
export function stopSignal(...outer: readonly (AbortSignal | undefined)[]): StopSignal {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    for (const each of outer) each?.removeEventListener('abort', stop);
    controller.abort(new QuernError('ABORTED', 'stopped on request'));
  };
  for (const each of outer) {
    if (!each) continue;
    setMaxListeners(0, each);
    each.addEventListener('abort', stop);
  }
  if (outer.some((each) => each?.aborted)) stop();
  return { signal: controller.signal, stop };
}
