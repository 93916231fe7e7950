/** A word of a text: where it stands, in UTF-16 units. */
export interface WordSpan {
  readonly start: number;
  readonly end: number;
}

/** Scripts without spaces have a word a character, and no word is longer than 64, so that a passage of words has a bound. */
const countedWords =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}])\S){1,64}/gu;

/** The words by which passages are measured, in order: what is between white space, but at most 64 characters of it. */
export function wordSpans(text: string): WordSpan[] {
  return Array.from(text.matchAll(countedWords), ({ index, 0: word }) => ({
    start: index,
    end: index + word.length,
  }));
}
