import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import { inOrder } from '../in-order.ts';
import { stopSignal } from '../stop-signal.ts';
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
  const { signal, stop } = stopSignal(options.signal);
  const numbers = Array.from({ length: count }, (_, sample) => sample);
  const work = inOrder(numbers, reasoner.parallel ?? 1, (sample) =>
    orAborted(reasoner.reason(query, { ...options, sample, signal }), signal),
  );
  const samples: ReasonedQuery[] = [];
  try {
    for await (const reasoned of work) samples.push(reasoned);
    return samples;
  } finally {
    stop();
  }
}
