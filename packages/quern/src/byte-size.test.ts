import { expect, it } from 'vitest';
import { byteSize } from './byte-size.ts';

it('sizes are written in the unit that suits them', () => {
  expect([0, 1, 999, 1000, 3_087_467_144, 2 ** 53].map(byteSize)).toEqual([
    '0 bytes',
    '1 bytes',
    '999 bytes',
    '1.0 kB',
    '3.1 GB',
    '9.0 PB',
  ]);
});
