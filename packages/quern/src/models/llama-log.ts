import { oneLine } from '../one-line.ts';

/**
 * The reason that llama.cpp gives first among the errors that it reports, without the names of its functions; what follows
 * is that its callers failed too. Undefined where there is none.
 */
export function firstError(log: readonly string[]): string | undefined {
  return log
    .map((line) => oneLine(line.replace(/^(?:\w+: |error loading model: |error loading model \w+: )+/, '')))
    .find((line) => line !== '' && !line.startsWith('failed to load model'));
}
