/** Texts of our own that are hard to tokenize, each for a reason. */
export declare const madeUpTexts: readonly string[];
/** `count` random texts over an alphabet of characters that the rules treat specially; the same for the same seed. */
export declare function nastyTexts(seed: number, count: number): string[];
