/**
 * A text of a document or a model on one line: line breaks and other control characters, and what is not seen (such as tags and
 * turns of direction, in which instructions can hide), become a space; half characters are left out. What joins letters stays.
 */
export function quoted(text: string): string {
  return text.replace(/(?:(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\s])+/gu, ' ').trim();
}

/** The first `length` characters (UTF-16 code units) of a text at most, the last of them `…` where there was more. */
export function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  // A character of two code units is kept whole or not at all.
  const end = /[\ud800-\udbff]/.test(text[length - 2] ?? '') ? length - 2 : length - 1;
  return `${text.slice(0, Math.max(0, end)).trimEnd()}…`;
}

/** {@link shortened} so far that its JSON has at most `room` characters. */
export function fittedText(text: string, room: number): string {
  let length = room - 2;
  let fitted = shortened(text, length);
  for (; JSON.stringify(fitted).length > room; fitted = shortened(text, length))
    length = Math.floor(length * 0.9);
  return fitted;
}
