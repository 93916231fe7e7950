/**
 * ggml's block formats `Q8_0` and `Q4_0`: 32 values share a scale in `F16`. Quantised bit by bit as ggml's reference does
 * (`quantize_row_q8_0_ref` and `quantize_row_q4_0_ref` of ggml-quants.c), every operation being rounded to binary32.
 */
import { float16Bits, float16Value, float32OfBits } from './float-formats.ts';

/** The values of a block. */
export const blockValues = 32;

/** A block format. */
export interface BlockFormat {
  /** The bytes of a block: a scale in two, then the quantised values. */
  readonly bytes: number;
  /** Quantises the values in `source`, a whole number of blocks, into `target`. */
  quantize(source: Float32Array, target: Uint8Array): void;
  /** Writes what the blocks in `source` stand for to `target`. */
  dequantize(source: Uint8Array, target: Float32Array): void;
}

/** Eight bits a value: `scale * q`, q from -127 to 127, the scale being the largest magnitude / 127. */
export const q8_0: BlockFormat = {
  bytes: 2 + blockValues,
  quantize(source, target) {
    const bits = bitsOf(source);
    let at = 0;
    for (let start = 0; start < source.length; start += blockValues) {
      const end = start + blockValues;
      const scale = Math.fround(float32OfBits(largestMagnitude(bits, start)) / 127);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      at = writeScale(target, at, scale);
      for (let i = start; i < end; i++) {
        // Rounded half away from zero, as C's roundf: the magnitude first, then the sign's bit without a branch.
        const magnitude = (Math.abs(Math.fround(source[i] * inverse)) + 0.5) | 0;
        const sign = bits[i] >> 31;
        target[at++] = (magnitude ^ sign) - sign;
      }
    }
  },
  dequantize(source, target) {
    const quantized = new Int8Array(source.buffer, source.byteOffset, source.length);
    for (let i = 0, at = 0; i < target.length; i += blockValues) {
      const scale = readScale(source, at);
      at += 2;
      for (let j = 0; j < blockValues; j++) target[i + j] = quantized[at++] * scale;
    }
  },
};

/**
 * Four bits a value: `scale * (q - 8)`, q from 0 to 15. The scale is the value of the largest magnitude (the first of
 * several) / -8, so that this value is met exactly. A byte holds value `j` in its lower and `j + 16` in its upper half.
 */
export const q4_0: BlockFormat = {
  bytes: 2 + blockValues / 2,
  quantize(source, target) {
    const bits = bitsOf(source);
    let at = 0;
    for (let start = 0; start < source.length; start += blockValues) {
      const largest = largestMagnitude(bits, start);
      let first = start;
      while ((bits[first] & 0x7fffffff) !== largest) first++;
      const scale = Math.fround(source[first] / -8);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      at = writeScale(target, at, scale);
      const middle = start + blockValues / 2;
      for (let i = start; i < middle; i++) {
        const low = Math.fround(Math.fround(source[i] * inverse) + 8.5) | 0;
        const high = Math.fround(Math.fround(source[i + blockValues / 2] * inverse) + 8.5) | 0;
        target[at++] = Math.min(15, low) | (Math.min(15, high) << 4);
      }
    }
  },
  dequantize(source, target) {
    for (let i = 0, at = 0; i < target.length; i += blockValues) {
      const scale = readScale(source, at);
      at += 2;
      for (let j = i; j < i + blockValues / 2; j++) {
        const pair = source[at++];
        target[j] = ((pair & 15) - 8) * scale;
        target[j + blockValues / 2] = ((pair >> 4) - 8) * scale;
      }
    }
  },
};

/** Whether the scales of all `blocks` are finite: a value that is not, or one too large, shows there. */
export function areFiniteBlocks(blocks: Uint8Array, { bytes }: BlockFormat): boolean {
  for (let at = 1; at < blocks.length; at += bytes) if ((blocks[at] & 0x7c) === 0x7c) return false;
  return true;
}

function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/**
 * The bits of the largest magnitude in a block. Magnitudes are ordered as their bits are, infinity and NaN above all, so
 * that those show in the scale; and the larger of two integers needs no branch.
 */
function largestMagnitude(bits: Int32Array, start: number): number {
  let largest = 0;
  for (let i = start; i < start + blockValues; i++) {
    const excess = (bits[i] & 0x7fffffff) - largest;
    largest += excess & ~(excess >> 31);
  }
  return largest;
}

function writeScale(target: Uint8Array, at: number, scale: number): number {
  const bits = float16Bits(scale);
  target[at] = bits & 0xff;
  target[at + 1] = bits >>> 8;
  return at + 2;
}

function readScale(source: Uint8Array, at: number): number {
  return float16Value(source[at] | (source[at + 1] << 8));
}
