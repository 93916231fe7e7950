/** Tensors as the golden files have them, and how near others come to them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'vitest';
import { fromBytes, type Dtype, type Tensor } from '../src/index.ts';

/** A tensor in a golden file. */
export interface PackedTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Base64 of its bytes, row by row. */
  readonly data: string;
}

/** What a file of `test/golden` holds. */
export function goldenFile<T>(name: string): T {
  return JSON.parse(readFileSync(resolve(import.meta.dirname, 'golden', name), 'utf8')) as T;
}

export function unpacked({ dtype, shape, data }: PackedTensor): Tensor {
  return fromBytes(Buffer.from(data, 'base64'), shape, dtype);
}

/** Fails unless type and shape are the same, and values within `absolute + relative · |value|`. */
export function expectNear(
  found: Tensor,
  packed: PackedTensor,
  { absolute = 1e-6, relative = 1e-5 }: { absolute?: number; relative?: number } = {},
): void {
  expect([found.dtype, found.shape]).toEqual([packed.dtype, packed.shape]);
  const golden = unpacked(packed);
  const [values, wanted] = [found.toArray(), golden.toArray()];
  golden.dispose();
  const off = values.findIndex((value, i) => !isNear(value, wanted[i], absolute, relative));
  if (off >= 0) expect.fail(`value ${off} is ${values[off]}, and not ${wanted[off]}`);
}

function isNear(value: number, wanted: number, absolute: number, relative: number): boolean {
  return Object.is(value, wanted) || Math.abs(value - wanted) <= absolute + relative * Math.abs(wanted);
}

/** Fails unless the bytes are the same. */
export function expectSame(found: Tensor, packed: PackedTensor): void {
  expect([found.dtype, found.shape]).toEqual([packed.dtype, packed.shape]);
  expect(Buffer.from(found.bytes()).toString('base64')).toBe(packed.data);
}
