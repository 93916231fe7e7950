/** A script, or the mixture of scripts that is one writing system. */
export type Script =
  | 'Latin'
  | 'Cyrillic'
  | 'Arabic'
  | 'Devanagari'
  | 'Chinese'
  | 'Japanese'
  | 'Hangul'
  | 'Greek'
  | 'Hebrew'
  | 'Thai'
  | 'other';

const kana = /[\p{sc=Hiragana}\p{sc=Katakana}]/gu;
const ideograph = /\p{sc=Han}/gu;

/** What one letter counts for: as many as say the same in Latin script, by texts of the same content. */
const others: readonly (readonly [Script, RegExp, number])[] = [
  ['Latin', /\p{sc=Latin}/gu, 1],
  ['Cyrillic', /\p{sc=Cyrillic}/gu, 1],
  ['Arabic', /\p{sc=Arabic}/gu, 1],
  ['Devanagari', /\p{sc=Devanagari}/gu, 1],
  ['Hangul', /\p{sc=Hangul}/gu, 2],
  ['Greek', /\p{sc=Greek}/gu, 1],
  ['Hebrew', /\p{sc=Hebrew}/gu, 1],
  ['Thai', /\p{sc=Thai}/gu, 1],
];
const ideographWeight = 3;
const kanaWeight = 2;
/** Of ideographs and kana, the share of kana from which a text is Japanese. */
const leastKana = 0.1;

/** How many letters of each script a text has, each for as many as it stands for; of ideographs, by whether there is kana. */
export function scriptLetters(text: string): ReadonlyMap<Script, number> {
  const letters = new Map<Script, number>();
  let known = 0;
  for (const [script, pattern, weight] of others) {
    const count = countOf(text, pattern);
    known += count;
    if (count > 0) letters.set(script, count * weight);
  }
  const [ideographs, kanas] = [countOf(text, ideograph), countOf(text, kana)];
  if (ideographs + kanas > 0) {
    const script = kanas / (ideographs + kanas) >= leastKana ? 'Japanese' : 'Chinese';
    letters.set(script, ideographs * ideographWeight + kanas * kanaWeight);
  }
  const rest = countOf(text, /[\p{L}\p{M}]/gu) - known - ideographs - kanas;
  if (rest > 0) letters.set('other', rest);
  return letters;
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
