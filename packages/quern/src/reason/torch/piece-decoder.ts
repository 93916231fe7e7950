import type { Tokenizer } from '@huggingface/tokenizers';

/** Tokens after which a character that is still not whole is told as it is. */
const mostOfACharacter = 8;

/** Tokens as text, in pieces of whole characters: one character can be spread over several tokens of a byte-level tokenizer. */
export class PieceDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #undecoded: number[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that a token completes; empty while a character is not whole, and for tokens that are no text. */
  push(token: number): string {
    this.#undecoded.push(token);
    const piece = this.#decoded();
    if (piece.endsWith('\ufffd') && this.#undecoded.length <= mostOfACharacter) return '';
    this.#undecoded.length = 0;
    return piece;
  }

  /** What is left at the end, a part of a character as U+FFFD. */
  rest(): string {
    const piece = this.#undecoded.length === 0 ? '' : this.#decoded();
    this.#undecoded.length = 0;
    return piece;
  }

  #decoded(): string {
    return this.#tokenizer.decode(this.#undecoded, { skip_special_tokens: true });
  }
}
