/**
 * A stream of uniform 32-bit unsigned integers that depends on `seed` alone: xoshiro128** (Blackman and Vigna, "Scrambled
 * linear pseudorandom number generators", TOMS 47(4), 2021), its state filled by SplitMix32 from the seed's low 32 bits.
 */
export function randomIntegers(seed: number): () => number {
  let filler = seed | 0;
  const fill = () => {
    filler = (filler + 0x9e3779b9) | 0;
    let z = filler;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}
