const tokens =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}])\p{L})+|\p{N}|[^\s\p{L}\p{N}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]+/gu;

/**
 * About how many tokens a language model has for a text: its words, digits and runs of marks, from which most vocabularies
 * start. It needs no model, so that a text ends at the same place whoever wrote it, and whether or not it comes from a cache.
 */
export function tokenEstimate(text: string): number {
  return text.match(tokens)?.length ?? 0;
}
