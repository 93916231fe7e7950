/** Words of a text that follow each other, so many at a time. */

const words = /\p{sc=Han}|(?:(?!\p{sc=Han})[\p{L}\p{M}\p{N}])+/gu;

/** What is looked at of longer texts, in UTF-16 code units. */
const mostCharacters = 100_000;

/** The words that {@link wordGrams} makes runs of, of the first `most` characters of a text. */
export function gramWords(text: string, most = mostCharacters): string[] {
  // Compatible forms of a letter, and characters that nobody sees, make no other word.
  const plain = text
    .slice(0, most)
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '');
  return plain.toLowerCase().match(words) ?? [];
}

/**
 * Runs of `size` words of a text, in order, repeated as often as they occur; a text of fewer words is one run, one without
 * words has none. Words are letters and digits without regard to case; an ideograph is a word. Of a long text only the
 * first 100,000 characters are looked at.
 */
export function wordGrams(text: string, size: number): string[] {
  const found = gramWords(text);
  if (found.length === 0) return [];
  const last = Math.max(0, found.length - size);
  return Array.from({ length: last + 1 }, (_, i) => found.slice(i, i + size).join(' '));
}
