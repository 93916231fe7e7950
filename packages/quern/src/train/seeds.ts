/** Randomness without a state: what is drawn depends on the seed of the training and on what it is drawn for alone. */
import { createHash } from 'node:crypto';
import { randomIntegers } from '../random.ts';

/** A whole number of 48 bits for a purpose and its place. */
export function seedFor(seed: number, purpose: string, ...place: readonly number[]): number {
  const digest = createHash('sha256')
    .update(`${seed} ${purpose} ${place.join(' ')}`)
    .digest();
  return digest.readUIntBE(0, 6);
}

/** The numbers from 0 to `count` - 1 in a random order. */
export function shuffled(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  // The generator takes 32 bits of its seed.
  const random = randomIntegers(seed % 2 ** 32);
  for (let i = count - 1; i > 0; i--) {
    const other = random() % (i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/**
 * Which of `count` things are taken, `wanted` of them, after `taken` were: all of them in a random order, then all again in
 * another, without end.
 */
export function nextOf(count: number, wanted: number, taken: number, seed: number): number[] {
  const found: number[] = [];
  let epoch = -1;
  let order: number[] = [];
  for (let at = taken; at < taken + wanted; at++) {
    const current = Math.floor(at / count);
    if (current !== epoch) {
      epoch = current;
      order = shuffled(count, seedFor(seed, 'order', epoch));
    }
    found.push(order[at % count]);
  }
  return found;
}
