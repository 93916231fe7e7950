import { setMaxListeners } from 'node:events';

/** A signal for a piece of work that several parts listen to. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Aborts it; to be called at the end of the work in any case, as it also lets go of the outer signal. */
  stop(): void;
}

/** A signal that aborts when `outer` does, or when it is stopped; however many listen to it. */
export function stopSignal(outer: AbortSignal | undefined): StopSignal {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    outer?.removeEventListener('abort', stop);
    controller.abort();
  };
  if (outer?.aborted) stop();
  else outer?.addEventListener('abort', stop);
  return { signal: controller.signal, stop };
}
