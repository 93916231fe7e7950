/**
 * Where words end: before white space, and after each ideograph and Hiragana letter (Thai and its like have no ends but
 * spaces). What a word ends at must have come, as the next character may still belong to it.
 */
export const wordEnds =
  /(?<=\S)(?=\s)|(?<=[\p{sc=Han}\p{sc=Hiragana}])(?=[^\s\p{M}\p{Cf}\p{Cs}])|(?<=[^\s\p{M}\p{Cf}])(?=[\p{sc=Han}\p{sc=Hiragana}])/gu;
