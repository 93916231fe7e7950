/** A sequence of random numbers that a seed determines, to the last bit and on every machine. */
export interface Random {
  /** From 0 up to, but without, 1. */
  uniform(): number;
  /** Nearly normal, of mean 0 and variance 1: no more than 6 away from 0. */
  normal(): number;
}

/** The random numbers of a seed: mulberry32, and for the normal ones the sum of twelve. */
export function randomNumbers(seed: number): Random {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  };
  return { uniform, normal };
}
