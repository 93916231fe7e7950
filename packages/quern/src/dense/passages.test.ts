import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPassages, passagesName, passagesNamed, passagesOf } from './passages.ts';

const numbered = (count: number): string => Array.from({ length: count }, (_, i) => `w${i}`).join(' ');

describe('passages of a document', () => {
  it('overlap, begin with the title, and end with the last words', () => {
    const passages = passagesOf({ title: 'A  title', text: numbered(10) }, { words: 4, stride: 3 });
    expect(passages).toEqual(['A title w0 w1 w2 w3', 'A title w3 w4 w5 w6', 'A title w6 w7 w8 w9']);
  });
  it('end with a whole one, which reaches back where little is left', () => {
    const passages = passagesOf({ title: '', text: numbered(8) }, { words: 4, stride: 3 });
    expect(passages).toEqual(['w0 w1 w2 w3', 'w3 w4 w5 w6', 'w4 w5 w6 w7']);
  });
  it('are one where the text is short or empty', () => {
    expect(passagesOf({ title: 't', text: 'a b' }, { words: 4, stride: 3 })).toEqual(['t a b']);
    expect(passagesOf({ title: 't', text: ' ' }, { words: 4, stride: 3 })).toEqual(['t']);
    expect(passagesOf({ title: '', text: '' }, { words: 4, stride: 3 })).toEqual(['']);
  });
  it('measure scripts without spaces by characters', () => {
    expect(passagesOf({ title: '', text: '問題を解く' }, { words: 2, stride: 2 })).toEqual([
      '問題',
      'を解',
      '解く',
    ]);
  });
  it('cut a long title', () => {
    const [passage] = passagesOf({ title: numbered(50), text: 'x' }, { words: 4, stride: 3 });
    expect(passage).toBe(`${numbered(30)} x`);
  });
  it('hold every word, and no more words than they may', () => {
    const size = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(fc.nat(60), size, size, (count, a, b) => {
        const [stride, words] = [Math.min(a, b), Math.max(a, b)];
        const passages = passagesOf({ title: '', text: numbered(count) }, { words, stride });
        const split = passages.map((passage) => passage.split(' '));
        expect(new Set(split.flat()).size).toBe(Math.max(1, count));
        expect(Math.max(...split.map(({ length }) => length))).toBeLessThanOrEqual(words);
        expect(passages.length).toBeLessThanOrEqual(Math.max(1, Math.ceil((count - words) / stride) + 1));
      }),
    );
  });
});

describe('settings of passages', () => {
  it('are read from their names', () => {
    expect(passagesNamed('words=100,stride=50,aggregate=mean:3')).toEqual({
      words: 100,
      stride: 50,
      aggregate: { mean: 3 },
    });
    expect(passagesNamed('words=100')).toEqual({ words: 100, stride: 75, aggregate: 'max' });
    expect(passagesNamed('aggregate=first').words).toBe(defaultPassages().words);
    expect(passagesName(passagesNamed('words=9,aggregate=mean:2'))).toBe('words=9,stride=7,aggregate=mean:2');
  });
  it.each([
    '',
    'words',
    'words=0',
    'words=1.5',
    'stride=-1',
    'words=5,words=6',
    'aggregate=sum',
    'x=1',
    'words=5,stride=6',
  ])('refuse %j', (text) => {
    expect(() => passagesNamed(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
  it('follow what an embedder reads', () => {
    expect(defaultPassages(256)).toEqual({ words: 153, stride: 115, aggregate: 'max' });
    expect(defaultPassages(32_768).words).toBe(400);
  });
});
