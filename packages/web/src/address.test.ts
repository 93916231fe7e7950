import { expect, it } from 'vitest';
import { addressIn, hashOf } from './address.ts';

it.each([
  ['', '', {}],
  ['#/', '', {}],
  ['#/training', 'training', {}],
  ['#/training/?runs=a', 'training', { runs: 'a' }],
  ['#/?q=why%3F+%26+how&k=5', '', { q: 'why? & how', k: '5' }],
])('the hash %j is an address', (hash, page, params) => {
  const address = addressIn(hash);
  expect(address.page).toBe(page);
  expect(Object.fromEntries(address.params)).toEqual(params);
});

it('an address is in its hash, whatever it holds', () => {
  const params = { q: 'a?b&c=d #e %20 +ü\n', k: '5' };
  const { page, params: read } = addressIn(hashOf('evaluation', { ...params, none: '', not: undefined }));
  expect(page).toBe('evaluation');
  expect(Object.fromEntries(read)).toEqual(params);
});
