import type { TermWeights } from '../collections/records.ts';

/** `weight · a/|a| + (1 - weight) · b/|b|`, where |x| is the sum of x's weights. An empty side leaves the other alone. */
export function interpolated(a: TermWeights, b: TermWeights, weight: number): TermWeights {
  const [sumA, sumB] = [sum(a), sum(b)];
  if (sumA === 0) return b;
  if (sumB === 0) return a;
  const result = new Map<string, number>();
  for (const [term, value] of a) result.set(term, (weight * value) / sumA);
  for (const [term, value] of b) {
    result.set(term, (result.get(term) ?? 0) + ((1 - weight) * value) / sumB);
  }
  return result;
}

/** The mean of several weights, each scaled to sum 1; those that sum to 0 are left out. */
export function meanWeights(all: readonly TermWeights[]): TermWeights {
  const weighed = all.map((weights) => ({ weights, total: sum(weights) })).filter(({ total }) => total > 0);
  const result = new Map<string, number>();
  for (const { weights, total } of weighed) {
    for (const [term, value] of weights) {
      result.set(term, (result.get(term) ?? 0) + value / total / weighed.length);
    }
  }
  return result;
}

function sum(weights: TermWeights): number {
  let total = 0;
  for (const weight of weights.values()) total += weight;
  return total;
}

/** The terms and weights, the heaviest first, ties in code unit order. */
export function heaviestFirst(weights: TermWeights): [string, number][] {
  return [...weights].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}
