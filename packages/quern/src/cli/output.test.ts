import { describe, expect, it } from 'vitest';
import { oneLine } from '../one-line.ts';
import { bytesText, durationText, labelled, printable, table } from './output.ts';

const escape = String.fromCodePoint(0x1b);
const hostile = `a${escape}[31mred${String.fromCodePoint(0x9b)}0m\u202Eevil\u2069`;

describe('a text from outside', () => {
  it('cannot steer the terminal, on one line or on several', () => {
    for (const shown of [oneLine(hostile), printable(hostile), labelled('x ', hostile, 100)]) {
      expect(shown).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u);
      expect(shown).toContain('evil');
    }
  });

  it('keeps its lines and tabs where it may have several', () => {
    expect(printable('one\n\ttwo')).toBe('one\n\ttwo');
  });

  it('is cut with an ellipsis', () => {
    expect(oneLine('word '.repeat(100), 20)).toHaveLength(20);
    expect(oneLine('short')).toBe('short');
  });

  it('is wrapped under its label at 100 columns, no word lost', () => {
    const text = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
    const lines = labelled('asked  ', text, 1000).split('\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(lines.map((line) => line.slice(7)).join(' ')).toBe(text);
  });
});

it('a table has its first column to the left and the others to the right', () => {
  expect(table([['', 'ndcg@10'], ['bm25', '0.5']])).toBe('      ndcg@10\nbm25      0.5'); // prettier-ignore
});

it('sizes and durations have fitting units', () => {
  expect([bytesText(1185), bytesText(14_252_546)]).toEqual(['1 kB', '14.3 MB']);
  expect([durationText(12.4), durationText(12_345)]).toEqual(['12 ms', '12.3 s']);
});
