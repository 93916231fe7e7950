import { expect, it } from 'vitest';
import { analyzerNamed } from '../text/analyzers.ts';
import { LexicalGain } from './lexical-gain.ts';

const lexical = new LexicalGain(analyzerNamed('whitespace'));
const w = (tf: number) => tf / (tf + 0.9);
const item = { completion: '', query: 'ash', reasoned: 'ash elm elm', positives: ['ash elm'] };

it('is the gain in the share of the query-side BM25 score that a text can have', async () => {
  const dot = w(1) * w(1) + w(2) * w(1);
  const after = dot / Math.sqrt((w(1) ** 2 + w(2) ** 2) * 2 * w(1) ** 2);
  const before = w(1) ** 2 / Math.sqrt(w(1) ** 2 * 2 * w(1) ** 2);
  const [gain] = await lexical.values([item]);
  expect(gain).toBeCloseTo(after - before, 12);
});

it('is 1 from nothing to the positive itself, -1 back again, and 0 for the question repeated', async () => {
  const gains = await lexical.values([
    { ...item, query: 'oak', reasoned: 'ash elm' },
    { ...item, query: 'ash elm', reasoned: 'oak' },
    { ...item, reasoned: 'ash' },
  ]);
  expect(gains[0]).toBeCloseTo(1, 12);
  expect(gains[1]).toBeCloseTo(-1, 12);
  expect(gains[2]).toBe(0);
});

it('is the mean over the positives, and 0 for texts without terms', async () => {
  const of = async (positives: string[], reasoned = item.reasoned) =>
    (await lexical.values([{ ...item, positives, reasoned }]))[0];
  const [a, b] = [await of(['ash elm']), await of(['elm fir'])];
  expect(await of(['ash elm', 'elm fir'])).toBeCloseTo((a + b) / 2, 12);
  expect(await new LexicalGain().values([{ ...item, query: 'the', reasoned: 'and' }])).toEqual([0]);
});
