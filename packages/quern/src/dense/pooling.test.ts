import { expect, it } from 'vitest';
import { pooledVectors } from './pooling.ts';

/** Two sequences of three tokens, of two dimensions; the second sequence has one token of padding. */
const batch = {
  values: Float32Array.of(1, 2, 3, 4, 5, 9, 6, 8, 2, 0, 100, 100),
  tokens: 3,
  dimensions: 2,
};
const lengths = [3, 2];

it.each([
  ['mean', 0, [3, 5, 4, 4]],
  ['mean', 1, [4, 6.5, 2, 0]],
  ['mean', 2, [5, 9, 4, 4]],
  ['cls', 0, [1, 2, 6, 8]],
  ['last', 0, [5, 9, 2, 0]],
] as const)('%s without the first %i tokens', (pooling, skipped, expected) => {
  expect([...pooledVectors(batch, lengths, { pooling, skipped, isNormalized: false })]).toEqual(expected);
});

it('vectors are brought to length 1, and a zero vector stays as it is', () => {
  const rule = { pooling: 'cls', skipped: 0, isNormalized: true } as const;
  const unit = pooledVectors(batch, lengths, rule);
  expect(unit.slice(2)).toEqual(Float32Array.of(0.6, 0.8));
  const zero = { values: new Float32Array(2), tokens: 1, dimensions: 2 };
  expect([...pooledVectors(zero, [1], rule)]).toEqual([0, 0]);
});
