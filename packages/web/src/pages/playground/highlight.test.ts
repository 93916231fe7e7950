import { expect, it } from 'vitest';
import { analyzerNamed } from '../../../../quern/src/text/analyzers.ts';
import { figure, percent } from './amounts.ts';
import { passageParts } from './highlight.ts';
import { originShares, shareSum } from './score-shares.ts';

it('words whose terms matched are marked, as the analyzer of the index reads them', () => {
  const terms = [
    { term: 'brown', origin: 'both' },
    { term: 'mushroom', origin: 'query' },
  ] as const;
  const text = 'Browned <b>mushrooms</b>, and a brownie’s.';
  const parts = passageParts(text, terms, analyzerNamed('english'));
  expect(parts).toEqual([
    { text: 'Browned', origin: 'both' },
    { text: ' <b>' },
    { text: 'mushrooms', origin: 'query' },
    { text: '</b>, and a brownie’s.' },
  ]);
  expect(passageParts(text, terms, undefined)).toEqual([{ text }]);
  expect(passageParts(text, [], analyzerNamed('english'))).toEqual([{ text }]);
});

it('shares are summed by origin, of terms or of rankings', () => {
  const term = { term: 'a', queryWeight: 1, documentWeight: 1 };
  const shares = originShares({
    terms: [
      { ...term, share: 2, origin: 'reasoned' },
      { ...term, share: 1, origin: 'query' },
      { ...term, share: 3, origin: 'reasoned' },
    ],
  });
  expect(shares).toEqual([
    { origin: 'query', share: 1 },
    { origin: 'reasoned', share: 5 },
  ]);
  expect(shareSum(shares)).toBe(6);
  expect(originShares({ ranks: [{ from: 'both', search: 0, rank: 1, share: 0.5 }] })).toEqual([
    { origin: 'both', share: 0.5 },
  ]);
  expect(originShares({})).toEqual([]);
});

it.each([
  [0, '0'],
  [21.5543, '21.6'],
  [0.016393, '0.0164'],
  [1234.5, '1235'],
  [-0.5, '-0.500'],
])('the figure of %d is %s', (value, words) => {
  expect(figure(value)).toBe(words);
});

it.each([
  [0, '0 %'],
  [0.004, '<1 %'],
  [0.256, '26 %'],
])('%d in percent is %s', (share, words) => {
  expect(percent(share)).toBe(words);
});
