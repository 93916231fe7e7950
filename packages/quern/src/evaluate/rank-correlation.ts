/**
 * Kendall's τ-b (Kendall, The treatment of ties in ranking problems, Biometrika 33, 1945), in O(n log n) by Knight's algorithm
 * (JASA 61, 1966): `(concordant - discordant pairs) / √((pairs not tied in x) · (pairs not tied in y))`, from -1 to 1. `null`
 * where all of either are the same, or there are fewer than two.
 */
export function kendallTau(x: readonly number[], y: readonly number[]): number | null {
  const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b] || y[a] - y[b]);
  const [xs, ys] = [order.map((i) => x[i]), Float64Array.from(order, (i) => y[i])];
  const pairs = pairsOf(x.length);
  const tiedInX = tiedPairs(xs.length, (i) => xs[i] === xs[i - 1]);
  const tiedInBoth = tiedPairs(xs.length, (i) => xs[i] === xs[i - 1] && ys[i] === ys[i - 1]);
  const discordant = inversions(ys);
  // They are in order now.
  const tiedInY = tiedPairs(ys.length, (i) => ys[i] === ys[i - 1]);
  const untied = Math.sqrt((pairs - tiedInX) * (pairs - tiedInY));
  if (untied === 0) return null;
  return (pairs - tiedInX - tiedInY + tiedInBoth - 2 * discordant) / untied;
}

/**
 * Spearman's ρ: Pearson's correlation of the ranks, of which tied values share the mean; from -1 to 1. `null` where all of either
 * are the same, or there are fewer than two.
 */
export function spearmanRho(x: readonly number[], y: readonly number[]): number | null {
  const [a, b] = [meanRanks(x), meanRanks(y)];
  const mean = (x.length + 1) / 2;
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) ** 2;
    bb += (b[i] - mean) ** 2;
  }
  return aa === 0 || bb === 0 ? null : ab / Math.sqrt(aa * bb);
}

function pairsOf(count: number): number {
  return (count * (count - 1)) / 2;
}

/** Pairs within runs of places of which each `isTied` with the one before. */
function tiedPairs(length: number, isTied: (place: number) => boolean): number {
  let pairs = 0;
  let run = 1;
  for (let i = 1; i <= length; i++) {
    if (i < length && isTied(i)) run++;
    else {
      pairs += pairsOf(run);
      run = 1;
    }
  }
  return pairs;
}

/** How many pairs are in the wrong order; puts the values in the right one, by merging. */
function inversions(values: Float64Array<ArrayBuffer>): number {
  let count = 0;
  let [from, to] = [values, new Float64Array(values.length)];
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length);
      const end = Math.min(start + 2 * width, values.length);
      let [left, right] = [start, middle];
      for (let place = start; place < end; place++) {
        if (left < middle && (right >= end || from[left] <= from[right])) to[place] = from[left++];
        else {
          count += middle - left;
          to[place] = from[right++];
        }
      }
    }
    [from, to] = [to, from];
  }
  values.set(from);
  return count;
}

function meanRanks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
