import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { wordBoundaries } from './word-boundaries.ts';

describe('wordBoundaries', () => {
  it('finds none in an empty text', () => {
    expect(wordBoundaries('')).toEqual([]);
  });

  it('keeps words, numbers, runs of spaces and families together', () => {
    const text = "can't 3.14,  👩\u200D👧.";
    const boundaries = wordBoundaries(text);
    expect(boundaries.slice(1).map((end, i) => text.slice(boundaries[i], end))).toEqual([
      "can't",
      ' ',
      '3.14',
      ',',
      '  ',
      '👩\u200D👧',
      '.',
    ]);
  });

  it('tiles any text with segments that are not empty', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const boundaries = wordBoundaries(text);
        expect(boundaries.every((boundary, i) => i === 0 || boundary > boundaries[i - 1]!)).toBe(true);
        expect([boundaries[0] ?? 0, boundaries.at(-1) ?? 0]).toEqual([0, text.length]);
      }),
    );
  });
});

describe.skipIf(!sharedData)('wordBoundaries, on the word break test of Unicode 17.0', () => {
  it('agrees in all 1,944 cases', () => {
    const cases = readFileSync(dataPath('reference/uax29/WordBreakTest-17.0.0.txt'), 'utf8')
      .split('\n')
      .map((line) => line.replace(/#.*/, '').trim())
      .filter((line) => line !== '');
    expect(cases).toHaveLength(1944);
    for (const line of cases) {
      let text = '';
      const expected: number[] = [];
      for (const mark of line.split(/\s+/)) {
        if (mark === '÷') expected.push(text.length);
        else if (mark !== '×') text += String.fromCodePoint(parseInt(mark, 16));
      }
      expect({ line, boundaries: wordBoundaries(text) }).toEqual({ line, boundaries: expected });
    }
  });
});
