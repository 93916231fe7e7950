import { describe, expect, it } from 'vitest';
import { measureSpellings, parseMeasures } from './measures.ts';
import { count, decimal, shortened } from '../report/words.ts';
import { intervalText, measureWords, pSentence, pText, queries, signed } from './report-words.ts';

describe('numbers', () => {
  it('have a true minus sign, and none when they round to 0', () => {
    expect([decimal(-0.12345, 4), decimal(-0.00001, 4), decimal(0.5, 3)]).toEqual([
      '−0.1235',
      '0.0000',
      '0.500',
    ]);
    expect([signed(0.25, 3), signed(-0.25, 3), signed(0, 3), signed(0.0001, 3)]).toEqual([
      '+0.250',
      '−0.250',
      '0.000',
      '0.000',
    ]);
  });

  it('are given as p values and intervals as papers do', () => {
    expect([pText(0.0009), pText(0.0119), pText(1)]).toEqual(['< 0.001', '0.012', '1.000']);
    expect([pSentence(0), pSentence(0.25)]).toEqual(['p < 0.001', 'p = 0.250']);
    expect(intervalText({ low: -0.1, high: 0.25 }, 3)).toBe('[−0.100, 0.250]');
    expect(intervalText(null, 3)).toBe('–');
  });

  it('of things are set apart by thousands', () => {
    expect([count(7), count(1384), count(1234567)]).toEqual(['7', '1,384', '1,234,567']);
    expect([queries(1), queries(3000)]).toEqual(['1 query', '3,000 queries']);
  });
});

it('a text is cut without parting a character', () => {
  expect([shortened('abc', 3), shortened('abcd', 3), shortened('a😀b', 3)]).toEqual(['abc', 'ab…', 'a…']);
});

describe('measures', () => {
  it('have words wherever they are means that readers meet', () => {
    const names = [
      'ndcg',
      'ndcg@10',
      'map',
      'map@100',
      'P@5',
      'recall@100',
      'recip_rank',
      'success@1',
      'bpref',
    ];
    for (const { name } of parseMeasures(names)) expect(measureWords(name).words).not.toBe('');
    expect(measureWords('ndcg@10').label).toBe('nDCG@10');
  });

  it('without words keep their name', () => {
    expect(measureWords('ndcg.1=3,2=9')).toEqual({ label: 'ndcg.1=3,2=9', words: '' });
    expect(measureWords('constructor')).toEqual({ label: 'constructor', words: '' });
    expect(measureWords('constructor@5')).toEqual({ label: 'constructor@5', words: '' });
    expect(measureSpellings).toContain('recip_rank');
  });
});
