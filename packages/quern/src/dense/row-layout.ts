/**
 * How a vector is stored: as a row of bytes, whose components are 32-bit floats, 16-bit floats or bytes. A row has a multiple
 * of eight components, zeros where the vector has fewer, and:
 *
 *     f32   the vector, of length 1
 *     f16   halves of 2^15 times it: no component of a unit vector overflows, and none that counts is subnormal
 *     i8    bytes of -127 to 127, the largest component becoming ±127; then a float, 1 / length of these bytes as a vector,
 *           that makes them one of length 1; then four bytes of zeros
 */

/** How exactly vectors are stored. */
export type Precision = 'f32' | 'f16' | 'i8';

/** All precisions, the most exact first. */
export const precisions: readonly Precision[] = ['f32', 'f16', 'i8'];

/** The layout of a row. */
export interface RowLayout {
  readonly precision: Precision;
  readonly dimensions: number;
  /** Components of a row. */
  readonly width: number;
  /** Bytes of a row, a multiple of eight. */
  readonly bytes: number;
}

/** What a stored half is multiplied by, to be the component when it is read with a float's exponent (2^-112 of its value). */
export const halfFactor = 2 ** 97;

const componentBytes = { f32: 4, f16: 2, i8: 1 } as const;

/** The layout of rows of vectors of so many dimensions. */
export function rowLayout(precision: Precision, dimensions: number): RowLayout {
  const width = Math.ceil(dimensions / 8) * 8;
  const bytes = width * componentBytes[precision] + (precision === 'i8' ? 8 : 0);
  return { precision, dimensions, width, bytes };
}

/** Writes the row of a vector of length `length` (the square root of its squares' sum) into the first bytes of `row`. */
export function writeRow(row: DataView, vector: Float32Array, length: number, layout: RowLayout): void {
  if (layout.precision === 'f32') {
    for (let i = 0; i < vector.length; i++) row.setFloat32(4 * i, vector[i] / length, true);
  } else if (layout.precision === 'f16') {
    for (let i = 0; i < vector.length; i++) {
      row.setUint16(2 * i, half((vector[i] / length) * 2 ** 15), true);
    }
  } else {
    let largest = 0;
    for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i]));
    let squares = 0;
    for (let i = 0; i < vector.length; i++) {
      const byte = Math.round((vector[i] / largest) * 127);
      row.setInt8(i, byte);
      squares += byte * byte;
    }
    row.setFloat32(layout.width, 1 / Math.sqrt(squares), true);
  }
}

/** The vector of a row. */
export function readRow(row: DataView, { precision, dimensions, width }: RowLayout): Float32Array {
  if (precision === 'f32') {
    return Float32Array.from({ length: dimensions }, (_, i) => row.getFloat32(4 * i, true));
  }
  if (precision === 'f16') {
    return Float32Array.from(
      { length: dimensions },
      (_, i) => halfValue(row.getUint16(2 * i, true)) / 2 ** 15,
    );
  }
  const unit = row.getFloat32(width, true);
  return Float32Array.from({ length: dimensions }, (_, i) => row.getInt8(i) * unit);
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bits of the half that is nearest to `value`, which is at most 2^15 large. */
function half(value: number): number {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = bits[0] & 0x7fffffff;
  // Below 2^-14 halves are multiples of 2^-24.
  if (magnitude < 0x38800000) return sign | Math.round(Math.abs(value) * 2 ** 24);
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

function halfValue(stored: number): number {
  const exponent = (stored >>> 10) & 31;
  const fraction = stored & 1023;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return stored & 0x8000 ? -magnitude : magnitude;
}
