import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { words as vocabulary } from '../../test/small-index.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { bestPassage } from './passage.ts';

const whitespace = analyzerNamed('whitespace');
const english = analyzerNamed('english');

function passageOf(
  text: string,
  weights: Readonly<Record<string, number>>,
  size: number,
  analyzer = whitespace,
): string {
  return bestPassage(text, analyzer.spans(text), new Map(Object.entries(weights)), size);
}

/** By its definition: of all windows, the first whose distinct terms have the largest sum of weights. */
function slowPassage(text: string, weights: Readonly<Record<string, number>>, size: number): string {
  const words = text.split(/\s+/u).filter((word) => word !== '');
  let best = '';
  let bestSum = -1;
  for (let first = 0; first === 0 || first + size <= words.length; first++) {
    const window = words.slice(first, first + size);
    const sum = [...new Set(window)].reduce((total, term) => total + (weights[term] ?? 0), 0);
    if (sum <= bestSum * (1 + 1e-9)) continue;
    best = window.join(' ');
    bestSum = sum;
  }
  return best;
}

const someText = fc
  .array(fc.tuple(fc.constantFrom(...vocabulary), fc.constantFrom(' ', '\n', '\t  ')), { maxLength: 40 })
  .map((parts) => parts.flat().join(''));
const someWeights = fc.dictionary(
  fc.constantFrom<string>(...vocabulary),
  fc.constantFrom(0, 0.1, 0.2, 0.7, 1, 3),
);

describe('the best passage', () => {
  it('is the first of those whose terms weigh the most', () => {
    fc.assert(
      fc.property(someText, someWeights, fc.integer({ min: 1, max: 45 }), (text, weights, size) => {
        expect(passageOf(text, weights, size)).toBe(slowPassage(text, weights, size));
      }),
    );
  });

  it('counts a term once, however often a passage has it', () => {
    expect(passageOf('ash ash ash oak elm', { ash: 2, oak: 1, elm: 1.5 }, 3)).toBe('ash oak elm');
  });

  it('begins with the text where no term of the query is in it', () => {
    expect(passageOf('ash oak elm', { yew: 1 }, 2)).toBe('ash oak');
    expect(passageOf('ash oak elm', {}, 9)).toBe('ash oak elm');
    expect(passageOf('', { ash: 1 }, 3)).toBe('');
    expect(passageOf(' \n ', { ash: 1 }, 3)).toBe('');
  });

  it('shows the words as they stand, with their marks, of terms that the analyzer makes of them', () => {
    const text = 'Bread, once baked, goes stale. Its starches (mostly amylopectin)\n\nre-crystallise slowly!';
    expect(passageOf(text, { starch: 1, slowli: 1 }, 6, english)).toBe(
      'Its starches (mostly amylopectin) re-crystallise slowly!',
    );
  });

  it('is as short in scripts without spaces, and in a text that is one endless word', () => {
    const text = `${'山'.repeat(300)}川空${'海'.repeat(300)}`;
    const passage = passageOf(text, { 川: 1, 空: 1 }, 10, english);
    expect(passage).toHaveLength(10);
    expect(passage).toContain('川空');
    expect(passageOf('x'.repeat(100_000), { y: 1 }, 5)).toBe('x'.repeat(5 * 64));
    expect(passageOf('𠮷'.repeat(50), {}, 3, english)).toBe('𠮷𠮷𠮷');
  });
});
