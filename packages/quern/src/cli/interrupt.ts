import { note } from './output.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A signal that the first Ctrl-C (or SIGTERM, or the end of the terminal) aborts, so that what is half-done is cleared away; a
 * second one ends the process at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    // The next one ends the process as the system does, which nothing that blocks can hold up. Before it is said that this one
    // was heard: else one that follows at once would be lost.
    for (const signal of signals) process.removeAllListeners(signal);
    controller.abort();
    note('quern: stopping …');
  };
  for (const signal of signals) process.on(signal, stop);
  return controller.signal;
}
