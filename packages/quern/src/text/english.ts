import type { Analyzer, TermSpan } from './analyzer.ts';
import { stem } from './porter.ts';
import { standardTokens } from './standard-tokenizer.ts';
import { TermCache } from './term-cache.ts';

/** Lucene's English stop words (`EnglishAnalyzer.ENGLISH_STOP_WORDS_SET`). */
export const ENGLISH_STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a an and are as at be but by for if in into is it no not of on or such that the their then there these they ' +
    'this to was will with'
  ).split(' '),
);

const LONGEST_STOP_WORD = Math.max(...Array.from(ENGLISH_STOP_WORDS, (word) => word.length));

/**
 * Lucene's English analysis (`EnglishAnalyzer` of Lucene 9.9): the tokens of {@link standardTokens}, a final `'s`
 * removed, lower-cased, without stop words, stemmed by {@link stem}. A term's span is its token's, `'s` included.
 */
export function englishAnalyzer(): Analyzer {
  const cache = new TermCache(englishTerm);
  return {
    name: 'english',
    terms(text) {
      const tokens = standardTokens(text);
      const terms: string[] = [];
      for (let i = 0; i < tokens.length; i += 2) {
        const term = cache.termOf(text, tokens[i], tokens[i + 1]);
        if (term !== undefined) terms.push(term);
      }
      return terms;
    },
    spans(text) {
      const tokens = standardTokens(text);
      const spans: TermSpan[] = [];
      for (let i = 0; i < tokens.length; i += 2) {
        const start = tokens[i];
        const end = tokens[i + 1];
        const term = cache.termOf(text, start, end);
        if (term !== undefined) spans.push({ term, start, end });
      }
      return spans;
    },
  };
}

/** A token's term, in place; -1 where it is a stop word. */
function englishTerm(units: Uint16Array, length: number): number {
  const end = withoutPossessive(units, length);
  toLowerCase(units, end);
  return isStopWord(units, end) ? -1 : stem(units, end);
}

/** The length without a final `'s` or `'S`, the apostrophe being U+0027, U+2019 or U+FF07. */
function withoutPossessive(units: Uint16Array, length: number): number {
  if (length < 2) return length;
  const last = units[length - 1];
  if (last !== 0x73 && last !== 0x53) return length;
  const apostrophe = units[length - 2];
  return apostrophe === 0x27 || apostrophe === 0x2019 || apostrophe === 0xff07 ? length - 2 : length;
}

/**
 * Lower-cases each code point by itself, as Java's `Character.toLowerCase` does: a final sigma is σ, and İ becomes i
 * without the dot that JavaScript keeps as a character of its own. No such mapping changes a length.
 */
function toLowerCase(units: Uint16Array, length: number): void {
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    if (unit < 128) {
      if (unit >= 0x41 && unit <= 0x5a) units[i] = unit + 32;
    } else if (unit === 0x130) {
      units[i] = 0x69;
    } else if ((unit & 0xfc00) === 0xd800 && i + 1 < length) {
      const lower = String.fromCharCode(unit, units[i + 1]).toLowerCase();
      units[i] = lower.charCodeAt(0);
      units[++i] = lower.charCodeAt(1);
    } else {
      units[i] = String.fromCharCode(unit).toLowerCase().charCodeAt(0);
    }
  }
}

function isStopWord(units: Uint16Array, length: number): boolean {
  return (
    length <= LONGEST_STOP_WORD && ENGLISH_STOP_WORDS.has(String.fromCharCode(...units.subarray(0, length)))
  );
}
