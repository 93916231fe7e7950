import { QuernError } from '../errors.ts';

/**
 * How a document's score comes of its passages' cosines: the best of them (MaxP), that of its first passage (FirstP), both of
 * Dai and Callan 2019 (SIGIR), or the mean of its N best, or of all where it has fewer.
 */
export type Aggregation = 'max' | 'first' | { readonly mean: number };

/** Throws `USAGE` unless `aggregation` is one. */
export function checkAggregation(aggregation: Aggregation): void {
  if (aggregation === 'max' || aggregation === 'first') return;
  const mean: unknown = (aggregation as Partial<{ mean: number }> | undefined)?.mean;
  if (Number.isSafeInteger(mean) && (mean as number) >= 1) return;
  throw new QuernError('USAGE', `${JSON.stringify(aggregation)} is no way to aggregate scores of passages`, {
    where: 'aggregate',
    hint: "It is 'max', 'first' or { mean: N }",
  });
}

/** The score of the passages whose cosines are `cosines[from…to)`; there is one at least. */
export function aggregated(
  cosines: Float32Array | Float64Array,
  from: number,
  to: number,
  aggregation: Aggregation,
): number {
  if (aggregation === 'first' || to === from + 1) return cosines[from];
  if (aggregation === 'max') {
    let best = cosines[from];
    for (let i = from + 1; i < to; i++) if (cosines[i] > best) best = cosines[i];
    return best;
  }
  const best = cosines.slice(from, to).sort();
  const count = Math.min(aggregation.mean, best.length);
  let sum = 0;
  for (let i = 1; i <= count; i++) sum += best[best.length - i];
  return sum / count;
}
