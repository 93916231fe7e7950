import { describe, expect, it } from 'vitest';
import { textsInLanguages } from '../../test/texts-in-languages.ts';
import { scriptLetters } from './scripts.ts';

function entriesOf(text: string): Record<string, number> {
  return Object.fromEntries(scriptLetters(text));
}

describe('the letters of a text by script', () => {
  it.each([
    ['', {}],
    ['42 + 17 = 59!', {}],
    ['Straße 7', { Latin: 6 }],
    ['листья leaf', { Cyrillic: 6, Latin: 4 }],
    ['树叶 leaf', { Chinese: 6, Latin: 4 }],
    ['木の葉', { Japanese: 8 }],
    ['잎', { Hangul: 2 }],
    ['இலை', { other: 3 }],
    ['\uD835\uDC31\uD800', { other: 1 }],
  ])('are counted: %j', (text, letters) => {
    expect(entriesOf(text)).toEqual(letters);
  });

  it('come to about the same for the same content', () => {
    const [{ answer }] = textsInLanguages;
    const { Latin } = entriesOf(answer);
    const shares = textsInLanguages.map((text) => Math.max(...Object.values(entriesOf(text.answer))) / Latin);
    expect(Math.min(...shares)).toBeGreaterThan(0.6);
    expect(Math.max(...shares)).toBeLessThan(1.3);
  });
});
