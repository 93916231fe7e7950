import { expect, it } from 'vitest';
import { bins } from './bins.ts';

it('bins are named by what lies in them, those at the ends that are empty left out', () => {
  expect(bins({ edges: [0, 64, 128, 2048, null], counts: [0, 2, 0, 3] })).toEqual([
    { range: '64–127', times: 2 },
    { range: '128–2,047', times: 0 },
    { range: '2,048 and more', times: 3 },
  ]);
  expect(bins({ edges: [-1, 0, 1, null], counts: [4, 1, 0] })).toEqual([
    { range: '−1', times: 4 },
    { range: '0', times: 1 },
  ]);
  expect(bins({ edges: [0, 1, null], counts: [0, 0] })).toEqual([]);
});
