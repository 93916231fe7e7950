import { expect, it } from 'vitest';
import { gpuNamed } from './free-device-memory.ts';

it.each([
  [0, undefined, '0'],
  [2, undefined, '2'],
  [0, '3', '3'],
  [1, '3, 5', '5'],
  [1, 'GPU-1a2b,MIG-3c4d', 'MIG-3c4d'],
  [1, '3', undefined],
  [0, '', undefined],
  [0, '--help x', undefined],
])("the GPU %d of CUDA_VISIBLE_DEVICES %s is the tool's %s", (number, visible, expected) => {
  expect(gpuNamed(number, { CUDA_VISIBLE_DEVICES: visible })).toBe(expected);
});
