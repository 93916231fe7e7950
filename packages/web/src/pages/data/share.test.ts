import { expect, it } from 'vitest';
import { share } from './share.ts';

it.each([
  [1, 2, '50 %'],
  [947, 1000, '94.7 %'],
  [1, 100_000, '< 0.1 %'],
  [99_999, 100_000, '> 99.9 %'],
  [0, 5, '0 %'],
  [5, 5, '100 %'],
  [0, 0, '–'],
])('%d of %d is %s', (part, whole, words) => expect(share(part, whole)).toBe(words));
