import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { goldenFile } from '../../../test/golden-file.ts';
import { randomNumbers } from '../../../test/random-numbers.ts';
import * as formats from './float-formats.ts';

interface Golden {
  readonly float16Values: string;
  readonly roundedToFloat16: readonly string[];
  readonly roundedToBfloat16: readonly string[];
  readonly bfloat16ToFloat16: string;
}

const golden = goldenFile<Golden>('models/blocks.json');
const every = Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits);

/** Magnitudes around the ends of F16 and its ties; then any bits that are a number. */
const samples = ((): Float32Array[] => {
  const { uniform } = randomNumbers(7);
  const random = Uint32Array.from({ length: 1 << 18 }, () => uniform() * 2 ** 32);
  const signed = Float32Array.from(random, (bits) => {
    const magnitude = ((bits & 0xffff) / 65_536 + 1) * 2 ** (((bits >>> 16) % 48) - 28);
    return bits >>> 31 ? -magnitude : magnitude;
  });
  return [signed, new Float32Array(random.buffer).filter((value) => !Number.isNaN(value))];
})();

function digest(view: ArrayBufferView): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}

function converted<T extends Float32Array | Uint16Array, S extends Float32Array | Uint16Array>(
  convert: (source: S, target: T) => void,
  source: S,
  target: T,
): T {
  convert(source, target);
  return target;
}

it('reads all 65,536 values of F16 as NumPy does', () => {
  const values = converted(formats.float16ToFloat32, every, new Float32Array(1 << 16));
  expect(digest(values.filter((value) => !Number.isNaN(value)))).toBe(golden.float16Values);
  expect(values.filter((value) => Number.isNaN(value)).length).toBe(2 * 1023);
});

it('rounds to F16 as NumPy does: to the nearest, ties to even, subnormals and infinity included', () => {
  const rounded = samples.map((values) =>
    digest(converted(formats.float32ToFloat16, values, new Uint16Array(values.length))),
  );
  expect(rounded).toEqual(golden.roundedToFloat16);
});

it('rounds to BF16 as ggml does', () => {
  const rounded = samples.map((values) =>
    digest(converted(formats.float32ToBfloat16, values, new Uint16Array(values.length))),
  );
  expect(rounded).toEqual(golden.roundedToBfloat16);
});

it('turns BF16 into F16 as NumPy does by way of binary32', () => {
  const halves = converted(formats.bfloat16ToFloat16, every, new Uint16Array(1 << 16));
  const values = converted(formats.bfloat16ToFloat32, every, new Float32Array(1 << 16));
  expect(digest(halves.filter((_, i) => !Number.isNaN(values[i])))).toBe(golden.bfloat16ToFloat16);
});

it('brings every value of F16 and BF16 back to its bits', () => {
  const halves = converted(formats.float16ToFloat32, every, new Float32Array(1 << 16));
  const brains = converted(formats.bfloat16ToFloat32, every, new Float32Array(1 << 16));
  const back16 = converted(formats.float32ToFloat16, halves, new Uint16Array(1 << 16));
  const backBrain = converted(formats.float32ToBfloat16, brains, new Uint16Array(1 << 16));
  const lost = Array.from(every).filter(
    (bits) =>
      (back16[bits] !== bits && !Number.isNaN(halves[bits])) ||
      (backBrain[bits] !== bits && !Number.isNaN(brains[bits])),
  );
  expect(lost).toEqual([]);
});

it('keeps NaN a NaN in either format', () => {
  const nan = new Float32Array(new Uint32Array([0x7f800001, 0xff800001, 0x7fffffff]).buffer);
  const half = converted(formats.float32ToFloat16, nan, new Uint16Array(3));
  const brain = converted(formats.float32ToBfloat16, nan, new Uint16Array(3));
  expect(Array.from(converted(formats.float16ToFloat32, half, new Float32Array(3)))).toEqual([NaN, NaN, NaN]);
  expect(Array.from(converted(formats.bfloat16ToFloat32, brain, new Float32Array(3)))).toEqual([
    NaN,
    NaN,
    NaN,
  ]);
});

it('gives the same where arrays begin at odd places or have odd lengths', () => {
  const source = every.subarray(0x3f01, 0x3f80);
  const aligned = converted(formats.bfloat16ToFloat16, source.slice(), new Uint16Array(source.length));
  const shifted = new Uint16Array(source.length + 1).subarray(1);
  expect(converted(formats.bfloat16ToFloat16, source, shifted)).toEqual(aligned);
  const wide = converted(formats.bfloat16ToFloat32, source, new Float32Array(source.length));
  expect(converted(formats.bfloat16ToFloat32, source.slice(), new Float32Array(source.length))).toEqual(wide);
});

it('finds one infinity or NaN at any place', () => {
  const places = [0, 1, 2, 3, 4].flatMap((at) =>
    [0x7c00, 0xfc00, 0x7e01].map((bits) =>
      Uint16Array.from({ length: 5 }, (_, i) => (i === at ? bits : 0x7bff)),
    ),
  );
  expect(places.map((halves) => formats.areFiniteFloat16(halves))).toEqual(places.map(() => false));
  expect(formats.areFiniteFloat16(new Uint16Array([0x7bff, 0xfbff, 0, 0x8000, 1]))).toBe(true);
  expect([NaN, Infinity, -Infinity].map((value) => formats.areFinite(new Float32Array([1, value])))).toEqual([
    false,
    false,
    false,
  ]);
  expect(formats.areFinite(new Float32Array([3.4e38, -3.4e38, 0, -0, 1e-45]))).toBe(true);
});
