import { QuernError } from '../errors.ts';

/**
 * The vector, where it is one that can be compared: of `dimensions` finite numbers, not all of them 0. Throws `BAD_REPLY`
 * naming the text by its position.
 */
export function checkedVector(
  vector: Float32Array,
  dimensions: number,
  { where, position }: { readonly where: string; readonly position: number },
): Float32Array {
  const wrong = (what: string): QuernError =>
    new QuernError('BAD_REPLY', `the vector of text ${position + 1} ${what}`, { where });
  if (vector.length !== dimensions) throw wrong(`has ${vector.length} dimensions, not ${dimensions}`);
  if (!vector.every(Number.isFinite)) throw wrong('holds something that is no finite number');
  if (vector.every((value) => value === 0)) throw wrong('is zero, and so near to nothing');
  return vector;
}
