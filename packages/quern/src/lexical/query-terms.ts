import type { TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { ascendingOrder } from './ascending-order.ts';
import { LocatedWeights } from './located-weights.ts';
import type { QueryTerms } from './segment-search.ts';
import type { TermLookup } from './term-statistics.ts';

/** Weights up to this keep every score within the range of a 32-bit float. */
const heaviest = 1e30;

/** Throws `BAD_INPUT` unless a weight lies between 0 and {@link heaviest}. */
export function checkWeight(term: string, weight: number): void {
  if (typeof weight === 'number' && weight >= 0 && weight <= heaviest) return;
  throw new QuernError('BAD_INPUT', `the weight of ${JSON.stringify(term)} is ${String(weight)}`, {
    hint: `Term weights lie between 0 and ${heaviest}`,
  });
}

/**
 * What each of `segments` segments is to look for: the terms of `weights` that it has, with the factors w(t,q) · idf(t).
 * Throws as {@link checkWeight} does.
 */
export function segmentTerms(
  weights: TermWeights,
  lookup: TermLookup,
  segments: number,
): readonly QueryTerms[] {
  const located = weights instanceof LocatedWeights ? weights.segmentsOf(lookup) : undefined;
  if (located) return located;
  if (typeof weights?.size !== 'number') {
    throw new QuernError('BAD_INPUT', 'a query is not a map from terms to weights');
  }
  const size = weights.size;
  const factors = new Float64Array(size);
  const numbers = Array.from({ length: segments }, () => new Int32Array(size));
  let i = 0;
  for (const [term, weight] of weights) {
    checkWeight(term, weight);
    const known = lookup.of(term);
    factors[i] = weight * known.idf;
    for (let segment = 0; segment < segments; segment++) {
      numbers[segment][i] = factors[i] > 0 ? known.numbers[segment] : -1;
    }
    i++;
  }
  return numbers.map((found) => sorted(found, factors));
}

/** The numbers of 0 and above in ascending order, each with its factor. */
function sorted(found: Int32Array, factors: Float64Array): QueryTerms {
  const known = new Uint32Array(found.length);
  const places = new Uint32Array(found.length);
  let count = 0;
  for (let i = 0; i < found.length; i++) {
    if (found[i] < 0) continue;
    known[count] = found[i];
    places[count++] = i;
  }
  const order = ascendingOrder(known, count);
  return {
    numbers: Uint32Array.from(order, (i) => known[i]),
    weights: Float64Array.from(order, (i) => factors[places[i]]),
  };
}
