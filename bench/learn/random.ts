/** Draws that depend on a seed alone. */

/** Uniform 32-bit numbers (SplitMix32). */
export function numbersFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

/** A copy in another order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const next = numbersFrom(seed);
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor((next() / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * For each item the place of another, each once, such that no two of one `key` meet. Throws where one key has more than half of
 * the items.
 */
export function deranged<T>(items: readonly T[], key: (item: T) => string, seed: number): number[] {
  // In the order of their keys, those of one key in any order: moved on by the size of the largest they meet others only.
  const order = shuffled([...items.keys()], seed);
  const groups = new Map<string, number[]>();
  for (const at of order) groups.set(key(items[at]), [...(groups.get(key(items[at])) ?? []), at]);
  const sorted = [...groups.values()].flat();
  const largest = Math.max(0, ...Array.from(groups.values(), ({ length }) => length));
  if (2 * largest > items.length) throw new Error('one key has more than half of the items');
  const spare = items.length - 2 * largest + 1;
  const shift = largest + Math.floor((numbersFrom(seed + 1)() / 2 ** 32) * spare);
  const places = items.map(() => 0);
  for (const [i, at] of sorted.entries()) places[at] = sorted[(i + shift) % sorted.length];
  return places;
}
