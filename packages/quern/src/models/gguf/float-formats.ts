/**
 * The 16-bit floating-point formats of checkpoints, converted in whole arrays: IEEE 754 binary16 (`F16`) and bfloat16
 * (`BF16`, the upper half of a binary32). Every conversion to fewer bits rounds to the nearest value, ties to even;
 * what lies beyond the largest value becomes infinite, and NaN stays NaN, as in NumPy and ggml.
 */

/** Writes the values of the `BF16` bits in `source` to `target`, exactly. */
export function bfloat16ToFloat32(source: Uint16Array, target: Float32Array): void {
  const bits = bitsOf(target);
  const pairs = pairsOf(source);
  for (let i = 0, at = 0; i < pairs.length; i++) {
    const pair = pairs[i];
    bits[at++] = pair << 16;
    bits[at++] = pair & 0xffff0000;
  }
  for (let i = 2 * pairs.length; i < source.length; i++) bits[i] = source[i] << 16;
}

/** Writes the values of the `F16` bits in `source` to `target`, exactly. */
export function float16ToFloat32(source: Uint16Array, target: Float32Array): void {
  const values = (float16Values ??= valuesOfFloat16());
  for (let i = 0; i < source.length; i++) target[i] = values[source[i]];
}

/** Writes the values in `source`, rounded to `BF16`, to `target`. */
export function float32ToBfloat16(source: Float32Array, target: Uint16Array): void {
  const bits = bitsOf(source);
  for (let i = 0; i < source.length; i++) {
    const x = bits[i];
    // A NaN is made a quiet one, so that rounding cannot carry it over to zero.
    target[i] = (x & 0x7fffffff) > 0x7f800000 ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
}

/** Writes the values in `source`, rounded to `F16`, to `target`. */
export function float32ToFloat16(source: Float32Array, target: Uint16Array): void {
  const bits = bitsOf(source);
  for (let i = 0; i < source.length; i++) target[i] = roundedToFloat16(bits[i]);
}

/** Writes the values of the `BF16` bits in `source`, rounded to `F16`, to `target`. */
export function bfloat16ToFloat16(source: Uint16Array, target: Uint16Array): void {
  const rounded = (float16OfBfloat16 ??= float16BitsOfBfloat16());
  const pairs = pairsOf(source);
  const targetPairs = pairsOf(target);
  const paired = Math.min(pairs.length, targetPairs.length);
  for (let i = 0; i < paired; i++) {
    const pair = pairs[i];
    targetPairs[i] = rounded[pair & 0xffff] | (rounded[pair >>> 16] << 16);
  }
  for (let i = 2 * paired; i < source.length; i++) target[i] = rounded[source[i]];
}

/** The binary32 with the given bits. */
export function float32OfBits(bits: number): number {
  scratchBits[0] = bits;
  return scratch[0];
}

/** The bits of `value`, rounded to `F16`. `value` must be a binary32: see `Math.fround`. */
export function float16Bits(value: number): number {
  scratch[0] = value;
  return roundedToFloat16(scratchBits[0]);
}

/** The value of `F16` bits. */
export function float16Value(bits: number): number {
  return (float16Values ??= valuesOfFloat16())[bits];
}

/** Whether no infinity and no NaN is among `F16` bits. */
export function areFiniteFloat16(bits: Uint16Array): boolean {
  const pairs = pairsOf(bits);
  let flags = 0;
  for (let i = 0; i < pairs.length; i++) flags |= (pairs[i] & 0x7fff7fff) + 0x04000400;
  for (let i = 2 * pairs.length; i < bits.length; i++) flags |= (bits[i] & 0x7fff) + 0x400;
  return (flags & 0x80008000) === 0;
}

/** Whether no infinity and no NaN is among `values`. */
export function areFinite(values: Float32Array): boolean {
  const bits = bitsOf(values);
  let flags = 0;
  for (let i = 0; i < bits.length; i++) flags |= (bits[i] & 0x7fffffff) + 0x800000;
  return flags >= 0;
}

const scratch = new Float32Array(1);
const scratchBits = bitsOf(scratch);

/** 65,536 values each, made when they are first needed. */
let float16Values: Float32Array | undefined;
let float16OfBfloat16: Uint16Array | undefined;

function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/** Two 16-bit values at a time, the first in the lower half, which is three times as fast; none where they do not align. */
function pairsOf(halves: Uint16Array): Int32Array {
  if (halves.byteOffset % 4 !== 0) return new Int32Array(0);
  return new Int32Array(halves.buffer, halves.byteOffset, halves.length >> 1);
}

/** The `F16` bits nearest to the binary32 with the bits `x`. */
function roundedToFloat16(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  // From 2^-14: the exponent's offset changes from 127 to 15, 13 bits are rounded away, which may carry to infinity.
  if (magnitude >= 0x38800000) {
    if (magnitude < 0x47800000)
      return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
    if (magnitude <= 0x7f800000) return sign | 0x7c00;
    return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff);
  }
  // Half of the smallest subnormal, 2^-25, and less round to zero.
  if (magnitude <= 0x33000000) return sign;
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - (magnitude >>> 23);
  const half = 1 << (shift - 1);
  return sign | ((significand + half - 1 + ((significand >>> shift) & 1)) >>> shift);
}

function valuesOfFloat16(): Float32Array {
  return Float32Array.from({ length: 1 << 16 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

function float16BitsOfBfloat16(): Uint16Array {
  return Uint16Array.from({ length: 1 << 16 }, (_, bits) => roundedToFloat16(bits << 16));
}
