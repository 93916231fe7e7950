import { QuernError } from '../errors.ts';
import { halfFactor, type RowLayout } from './row-layout.ts';

/** A query vector, ready to be compared with rows of one layout. */
export interface QueryVector {
  /** What the kernels for floats compare with: the vector at length 1, as they want it. */
  readonly bytes: Uint8Array;
  /** The vector as it was given, for exact products. */
  readonly components: Float32Array;
  /** What makes an exact product a cosine. */
  readonly factor: number;
  /** How far the cosines of the kernels for floats can be from the exact ones. */
  readonly error: number;
}

/** Half of the distance from 1 to the next float. */
const unit = 2 ** -24;

/** Bytes that {@link QueryVector.bytes} has. */
export function queryBytes({ precision, width }: RowLayout): number {
  return precision === 'i8' ? 2 * width + 8 : 4 * width;
}

/**
 * A vector as rows of `layout` are compared with it. Throws `BAD_INPUT` where it is of another number of dimensions, zero,
 * or not finite.
 */
export function queryVector(vector: Float32Array, layout: RowLayout): QueryVector {
  const { precision, width } = layout;
  const length = vectorLength(vector, layout.dimensions, 'the query vector');
  const bytes = new Uint8Array(queryBytes(layout));
  // Each of the sums takes every fourth product; a few more for the rounding of the products, the query and the rest.
  const floats = (width / 4 + 16) * unit;
  if (precision !== 'i8') {
    const scale = (precision === 'f16' ? halfFactor : 1) / length;
    const values = new Float32Array(bytes.buffer);
    for (let i = 0; i < vector.length; i++) values[i] = vector[i] * scale;
    const factor = (precision === 'f16' ? halfFactor : 1) / length;
    return { bytes, components: vector, factor, error: 1.01 * floats };
  }
  const values = new Int16Array(bytes.buffer, 0, width);
  let largest = 0;
  for (const component of vector) largest = Math.max(largest, Math.abs(component));
  // So that the sum of all products stays within 32 bits.
  const most = Math.min(32767, Math.floor(2 ** 31 / (128 * width)));
  let squares = 0;
  for (let i = 0; i < vector.length; i++) {
    values[i] = Math.round((vector[i] / largest) * most);
    squares += (vector[i] / length - (values[i] * largest) / (most * length)) ** 2;
  }
  new Float32Array(bytes.buffer, 2 * width, 1)[0] = largest / (most * length);
  return { bytes, components: vector, factor: 1 / length, error: 1.01 * (Math.sqrt(squares) + floats) };
}

/** The length of a vector. Throws `BAD_INPUT` where it is of another number of dimensions, zero, or not finite. */
export function vectorLength(vector: Float32Array, dimensions: number, where: string): number {
  if (vector.length !== dimensions) {
    throw new QuernError('BAD_INPUT', `has ${vector.length} dimensions, not ${dimensions}`, {
      where,
      hint: 'An index is searched with vectors of the embedder that it was made with',
    });
  }
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i] * vector[i];
  if (!Number.isFinite(squares)) {
    throw new QuernError('BAD_INPUT', 'has a component that is not a finite number', { where });
  }
  if (squares === 0) {
    throw new QuernError('BAD_INPUT', 'is zero: it has no direction, and no cosine with any other', {
      where,
    });
  }
  return Math.sqrt(squares);
}
