import { note } from './output.ts';

/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts, so that what is half-done is cleared away; a second one ends the
 * process at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    note('quern: stopping …');
    controller.abort();
    // The next one ends the process as the system does, which nothing that blocks can hold up.
    process.removeAllListeners(signal);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
