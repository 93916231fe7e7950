/**
 * Extrapolated rank-biased overlap of two rankings of the same depth (Webber, Moffat and Zobel, TOIS 28(4), 2010, equation
 * 23): with X_d the number of ids that the first d of both have in common, and k the depth,
 * `X_k/k · p^k + (1-p)/p · Σ_{d=1..k} X_d/d · p^d`. 1 for equal rankings, 0 for disjoint ones and where one is empty.
 * Rankings of different depths are compared as deep as the longer is: at ranks that the other lacks, it has nothing. `p`, above
 * 0 and below 1, is how far a reader goes on from each rank to the next.
 */
export function rankBiasedOverlap(a: readonly string[], b: readonly string[], p: number): number {
  const depth = Math.max(a.length, b.length);
  if (a.length === 0 || b.length === 0) return 0;
  const seen = new Set<string>();
  let common = 0;
  let sum = 0;
  let power = 1;
  for (let d = 1; d <= depth; d++) {
    for (const ranking of [a, b]) {
      if (d > ranking.length) continue;
      const id = ranking[d - 1];
      if (seen.has(id)) common++;
      else seen.add(id);
    }
    power *= p;
    sum += (common / d) * power;
  }
  return (common / depth) * power + ((1 - p) / p) * sum;
}
