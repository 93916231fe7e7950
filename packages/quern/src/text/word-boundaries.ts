import { codePointClasses } from './code-point-classes.ts';
import { WORD_BREAK_CLASSES, WORD_BREAK_RUNS } from './word-break-table.ts';

let codePoints: Uint8Array | undefined;

/** A bit per class, for questions of the form "is it one of these". */
function bitsOf(...properties: string[]): number {
  let bits = 0;
  for (const [number, names] of WORD_BREAK_CLASSES.entries()) {
    if (properties.some((property) => names.includes(property))) bits |= 1 << number;
  }
  return bits;
}

const CR = bitsOf('CR');
const LF = bitsOf('LF');
const LINE_BREAK = bitsOf('CR', 'LF', 'Newline');
const ZWJ = bitsOf('ZWJ');
const IGNORED = bitsOf('Extend', 'Format', 'ZWJ');
const SPACE = bitsOf('WSegSpace');
const PICTOGRAPH = bitsOf('Extended_Pictographic');
const HEBREW = bitsOf('Hebrew_Letter');
const LETTER = bitsOf('ALetter', 'Hebrew_Letter');
const NUMERIC = bitsOf('Numeric');
const KATAKANA = bitsOf('Katakana');
const JOINER = bitsOf('ExtendNumLet');
const SINGLE_QUOTE = bitsOf('Single_Quote');
const DOUBLE_QUOTE = bitsOf('Double_Quote');
const MID_LETTER = bitsOf('MidLetter', 'MidNumLet', 'Single_Quote');
const MID_NUMBER = bitsOf('MidNum', 'MidNumLet', 'Single_Quote');
const FLAG = bitsOf('Regional_Indicator');

/**
 * The word boundaries of `text` in UTF-16 code units, ascending, with 0 and the text's length; none where it is empty.
 *
 * Unicode Standard Annex #29, "Unicode Text Segmentation", section 4.1 (Unicode 17.0, default rules, not tailored).
 */
export function wordBoundaries(text: string): number[] {
  if (text.length === 0) return [];
  const classes = (codePoints ??= codePointClasses(WORD_BREAK_RUNS));
  const boundaries = [0];
  // `previous` is the class just before `at`; `last` and `beforeLast` leave out what rule WB4 ignores.
  let previous = 0;
  let last = 0;
  let beforeLast = 0;
  let flags = 0;
  for (let at = 0; at < text.length;) {
    const codePoint = text.codePointAt(at)!;
    const next = codePoint > 0xffff ? at + 2 : at + 1;
    const bit = 1 << classes[codePoint];
    if (at > 0 && isBoundary(text, next, classes, bit, previous, last, beforeLast, flags))
      boundaries.push(at);
    if ((bit & IGNORED) === 0 || at === 0 || (previous & LINE_BREAK) !== 0) {
      flags = (bit & FLAG) === 0 ? 0 : flags + 1;
      beforeLast = last;
      last = bit;
    }
    previous = bit;
    at = next;
  }
  boundaries.push(text.length);
  return boundaries;
}

function isBoundary(
  text: string,
  next: number,
  classes: Uint8Array,
  bit: number,
  previous: number,
  last: number,
  beforeLast: number,
  flags: number,
): boolean {
  if ((previous & CR) !== 0 && (bit & LF) !== 0) return false; // WB3
  if (((previous | bit) & LINE_BREAK) !== 0) return true; // WB3a, WB3b
  if ((previous & ZWJ) !== 0 && (bit & PICTOGRAPH) !== 0) return false; // WB3c
  if ((previous & SPACE) !== 0 && (bit & SPACE) !== 0) return false; // WB3d
  if ((bit & IGNORED) !== 0) return false; // WB4
  if ((last & LETTER) !== 0) {
    if ((bit & (LETTER | NUMERIC)) !== 0) return false; // WB5, WB9
    if ((bit & MID_LETTER) !== 0 && (classAfter(text, next, classes) & LETTER) !== 0) return false; // WB6
  }
  if ((last & MID_LETTER) !== 0 && (beforeLast & LETTER) !== 0 && (bit & LETTER) !== 0) return false; // WB7
  if ((last & HEBREW) !== 0) {
    if ((bit & SINGLE_QUOTE) !== 0) return false; // WB7a
    if ((bit & DOUBLE_QUOTE) !== 0 && (classAfter(text, next, classes) & HEBREW) !== 0) return false; // WB7b
  }
  if ((last & DOUBLE_QUOTE) !== 0 && (beforeLast & HEBREW) !== 0 && (bit & HEBREW) !== 0) return false; // WB7c
  if ((last & NUMERIC) !== 0) {
    if ((bit & (LETTER | NUMERIC)) !== 0) return false; // WB8, WB10
    if ((bit & MID_NUMBER) !== 0 && (classAfter(text, next, classes) & NUMERIC) !== 0) return false; // WB12
  }
  if ((last & MID_NUMBER) !== 0 && (beforeLast & NUMERIC) !== 0 && (bit & NUMERIC) !== 0) return false; // WB11
  if ((last & KATAKANA) !== 0 && (bit & KATAKANA) !== 0) return false; // WB13
  if ((last & (LETTER | NUMERIC | KATAKANA | JOINER)) !== 0 && (bit & JOINER) !== 0) return false; // WB13a
  if ((last & JOINER) !== 0 && (bit & (LETTER | NUMERIC | KATAKANA)) !== 0) return false; // WB13b
  if ((last & FLAG) !== 0 && (bit & FLAG) !== 0 && flags % 2 === 1) return false; // WB15, WB16
  return true; // WB999
}

/** The class, as a bit, of the first code point from `index` that WB4 does not ignore; 0 where there is none. */
function classAfter(text: string, index: number, classes: Uint8Array): number {
  for (let at = index; at < text.length;) {
    const codePoint = text.codePointAt(at)!;
    const bit = 1 << classes[codePoint];
    if ((bit & IGNORED) === 0) return bit;
    at += codePoint > 0xffff ? 2 : 1;
  }
  return 0;
}
