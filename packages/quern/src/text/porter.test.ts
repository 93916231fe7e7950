import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { stem } from './porter.ts';

function stemmed(word: string): string {
  const units = Uint16Array.from(word, (letter) => letter.charCodeAt(0));
  return String.fromCharCode(...units.subarray(0, stem(units, units.length)));
}

function linesOf(file: string): string[] {
  return readFileSync(dataPath(`reference/stemmers/porter/${file}`), 'utf8')
    .trim()
    .split('\n');
}

/** Words that Porter's paper gives as examples, with their stems after all steps. */
const EXAMPLES = {
  caresses: 'caress',
  ponies: 'poni',
  feed: 'feed',
  agreed: 'agre',
  motoring: 'motor',
  sing: 'sing',
  hopping: 'hop',
  falling: 'fall',
  filing: 'file',
  happy: 'happi',
  sky: 'sky',
  relational: 'relat',
  vietnamization: 'vietnam',
  electriciti: 'electr',
  goodness: 'good',
  adoption: 'adopt',
  rate: 'rate',
  controlling: 'control',
  generalizations: 'gener',
  oscillators: 'oscil',
};

describe('stem', () => {
  it.each(Object.entries(EXAMPLES))('stems %s to %s', (word, expected) => {
    expect(stemmed(word)).toBe(expected);
  });

  it('leaves words of one or two letters alone', () => {
    expect(['s', 'is', 'as', 'by', 'ed', ''].map(stemmed)).toEqual(['s', 'is', 'as', 'by', 'ed', '']);
  });

  it('takes letters beyond ASCII for consonants', () => {
    expect(['ééing', 'éaing', 'naïves', 'élogi'].map(stemmed)).toEqual(['ééing', 'éa', 'naïv', 'élogi']);
  });
});

describe.skipIf(!sharedData)("stem, on Snowball's vocabulary of Porter's stemmer", () => {
  let vocabulary: string[];
  let expected: string[];
  let different: string[];
  beforeAll(() => {
    vocabulary = linesOf('voc.txt');
    expected = linesOf('output.txt');
    different = vocabulary.filter((word, i) => stemmed(word) !== expected[i]);
  });

  it('gives the same in all but 67 of 42,603 pairs', () => {
    expect(vocabulary).toHaveLength(42_603);
    expect(expected).toHaveLength(42_603);
    expect(different).toHaveLength(67);
  });

  // Words of one or two letters; words whose stem ends in `bli` (Porter: only `abli`); words whose stem ends in `logi`.
  it('explains each of the 67 by one of the three departures', () => {
    const reasons = { short: 0, bli: 0, logi: 0, none: [] as string[] };
    for (const word of different) {
      if (word.length < 3) reasons.short++;
      else if (/bl(?:y|i|ies)$/.test(word)) reasons.bli++;
      else if (/log(?:y|i|ies)$/.test(word)) reasons.logi++;
      else reasons.none.push(word);
    }
    expect(reasons).toEqual({ short: 14, bli: 35, logi: 18, none: [] });
  });
});
