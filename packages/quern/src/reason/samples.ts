import { setMaxListeners } from 'node:events';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';

/**
 * `count` samples of one query, numbered from 0, in that order; as many at once as the reasoner answers well. The first
 * error stops the others and is thrown; `signal` stops all, with `ABORTED`. Throws `USAGE` for a count that is none.
 */
export async function reasonSamples(
  reasoner: Reasoner,
  query: string,
  count: number,
  options: Omit<ReasonOptions, 'sample'> = {},
): Promise<ReasonedQuery[]> {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new QuernError('USAGE', `the number of samples is a whole number from 0 up, not ${count}`);
  }
  throwIfAborted(options.signal);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const stop = (): void => stopping.abort();
  options.signal?.addEventListener('abort', stop);
  const samples: ReasonedQuery[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const sample = next++;
      const call = reasoner.reason(query, { ...options, sample, signal: stopping.signal });
      samples[sample] = await orAborted(call, stopping.signal);
    }
  };
  try {
    const workers = Math.min(count, Math.max(1, reasoner.parallel ?? 1));
    await Promise.all(Array.from({ length: workers }, work));
    return samples;
  } finally {
    stop();
    options.signal?.removeEventListener('abort', stop);
  }
}
