import { expect, it } from 'vitest';
import { macroMean } from './macro-mean.ts';
import { parseMeasures } from './measures.ts';

it('a macro mean counts each collection the same, and adds up counts', () => {
  const measures = parseMeasures(['ndcg@10', 'num_q']);
  const means = [
    { 'ndcg@10': 0.2, num_q: 10 },
    { 'ndcg@10': 0.5, num_q: 1000 },
  ];
  expect(macroMean(measures, means)).toEqual({ 'ndcg@10': 0.35, num_q: 1010 });
});
