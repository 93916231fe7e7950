/** What a query's text alone says of it. All are numbers, so that a gate can hold them against a threshold. */
export interface QueryTraits {
  /** Stretches between white space that have a letter or a digit. */
  readonly words: number;
  /** Code points, white space at both ends left out. */
  readonly characters: number;
  /** Share of the words that begin with a capital letter though no sentence begins with them: mostly names. */
  readonly names: number;
  /** Strings in quotation marks or backticks. */
  readonly quotations: number;
  /** Share of the words that read like code: camelCase, snake_case, paths and URLs, calls, letters mixed with digits. */
  readonly identifiers: number;
  /** Share of the words that have a digit. */
  readonly numbers: number;
  /** Pieces of LaTeX: `$…$` on one line, and commands such as `\frac`. */
  readonly formulas: number;
  /** 1 if a sentence begins with an English question word, else 0. */
  readonly asks: number;
  /** Share of the letters outside of ASCII: a rough sign of another language. */
  readonly nonAscii: number;
  /** Share of the letters outside of the Latin script. */
  readonly nonLatin: number;
}

/** Marks further apart than this are no pair: so that the time for a text stays in proportion to its length. */
const quotation =
  /"[^"\n]{1,300}"|“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»|‘[^’\n]{1,300}’|`[^`\n]{1,300}`/gu;
const formula = /\$[^$\n]{1,300}\$|\\[A-Za-z]+/gu;
const questionWord =
  /^(?:how|what|when|where|which|who|whom|whose|why|is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|may|might|must)(?!\p{L})/iu;

/** As much of a word as is looked at. */
const wordLength = 100;

/** The forms that identifiers have, apart from the punctuation around them. */
const identifiers: readonly RegExp[] = [
  // camelCase, PascalCase of several parts
  /^[\p{L}\d]*\p{Ll}\p{Lu}[\p{L}\d]*$/u,
  // snake_case, CONSTANTS_OF_SEVERAL_PARTS
  /^[\p{L}\d]*[\p{L}\d]_[\p{L}\d_]+$/u,
  // paths and URLs
  /^(?:[\w.~-]*[/\\]){2,}[\w.~-]*$|^[a-z]+:\/\/\S+$|^[./~]+\/[\w./-]+$/iu,
  // members, calls, scopes: numpy.array, f(x), std::vector, x->y
  /^[A-Za-z_$][\w$]*\.[a-z_$][\w$]+|^[A-Za-z_$][\w$.]*\([^)]*\)$|^\w+(?:::|->)\w/u,
  // error codes, versions, chemical formulas: E1234, 0x80070057, ORA-00942, v20.19.1, H2O
  /^(?=.*\d)(?=.*[A-Z])[A-Z\d]+(?:-[A-Z\d]+)*$|^v?\d+(?:\.\d+){2,}$/iu,
];

/**
 * Whether a word reads like code rather than like language: camelCase, snake_case, a path or URL, a member or call, or
 * letters mixed with digits as in error codes. Punctuation at its ends does not count; abbreviations with points
 * (`e.g.`), plain numbers and ordinals (`1st`) are no identifiers.
 */
export function isIdentifier(word: string): boolean {
  const bare = word.slice(0, wordLength).replaceAll(/^[^\p{L}\p{N}_./~\\]+|[^\p{L}\p{N}_)/]+$/gu, '');
  if (/^(?:\p{L}\.)+\p{L}?$|^\d+(?:st|nd|rd|th|s)$/iu.test(bare)) return false;
  return identifiers.some((form) => form.test(bare));
}

/** The traits of a query. The same text has the same ones; the empty one has 0 for all. */
export function queryTraits(query: string): QueryTraits {
  const text = query.trim();
  const words = text.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = text.match(/\p{L}/gu) ?? [];
  const shareOf = (is: (word: string) => boolean): number => share(words.filter(is).length, words.length);
  const starts = sentences(text);
  return {
    words: words.length,
    characters: [...text].length,
    names: share(
      starts.reduce((sum, sentence) => sum + capitalised(sentence), 0),
      words.length,
    ),
    quotations: text.match(quotation)?.length ?? 0,
    identifiers: shareOf(isIdentifier),
    numbers: shareOf((word) => /\p{N}/u.test(word)),
    formulas: text.match(formula)?.length ?? 0,
    asks: starts.some((sentence) => questionWord.test(sentence)) ? 1 : 0,
    nonAscii: share(letters.filter((letter) => letter > '\u007f').length, letters.length),
    nonLatin: share(letters.filter((letter) => !/\p{Script=Latin}/u.test(letter)).length, letters.length),
  };
}

/** A text's sentences, as their end marks and line breaks have it. */
function sentences(text: string): string[] {
  return text
    .split(/(?<=[.!?:…][)"”’»]*)\s+|\n+/u)
    .map((sentence) => sentence.replace(/^[^\p{L}\p{N}]+/u, ''));
}

/** How many words but the first begin with a capital letter; the pronoun `I` is no name. */
function capitalised(sentence: string): number {
  return sentence
    .split(/\s+/u)
    .slice(1)
    .filter((word) => /^[^\p{L}\p{N}]*\p{Lu}/u.test(word) && !/^I(?:['’]\p{L}+)?[,;]?$/u.test(word)).length;
}

function share(count: number, of: number): number {
  return of === 0 ? 0 : count / of;
}
