import { note } from './output.ts';

/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts, so that what is half-done is cleared away; a second one ends the
 * process at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    note('quern: stopping …');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
