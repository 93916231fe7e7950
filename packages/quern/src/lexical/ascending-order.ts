/** The places of `keys`, whole numbers below 2^32, in ascending order of keys; equal keys in order of places. */
export function ascendingOrder(keys: ArrayLike<number>, count = keys.length): Uint32Array {
  // (key, place) as one double each sorts without a comparator, which takes several times as long.
  const pairs = new Float64Array(count);
  for (let i = 0; i < count; i++) pairs[i] = keys[i] * count + i;
  pairs.sort();
  const places = new Uint32Array(count);
  for (let i = 0; i < count; i++) places[i] = pairs[i] % count;
  return places;
}
