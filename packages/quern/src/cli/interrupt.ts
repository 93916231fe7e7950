import { note } from './output.ts';

/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts, so that what is half-done is cleared away; a second one ends the
 * process at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    // The next one ends the process as the system does, which nothing that blocks can hold up. Before it is said that this one
    // was heard: else one that follows at once would be lost.
    process.removeAllListeners(signal);
    note('quern: stopping …');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
