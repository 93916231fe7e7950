/** Texts as tokens, cut to what a model reads with its special tokens kept: transformers.js itself cuts those off too. */
import type { Encoding, Tokenizer } from './transformers-package.ts';

/** The tokens of a text, or of a pair. */
export interface TokenSequence {
  readonly ids: Int32Array;
  /** Of as many; empty where the model is not told. */
  readonly types: Int32Array;
}

/** Texts are read piece by piece: what is far beyond the maximum is never tokenized. Characters a token at first. */
const charactersAToken = 16;
/** Tokens that are not trusted at the end of such a piece, as the text went on. */
const margin = 64;

interface Layout {
  /** The special tokens before, between and after. */
  readonly parts: readonly (readonly number[])[];
  readonly types: readonly number[];
  readonly textTypes: readonly number[];
}

/** Encodes texts with a tokenizer. */
export class TokenEncoder {
  readonly #tokenizer: Tokenizer;
  readonly #single: Layout;
  #pair: Layout | undefined;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#single = this.#layout(false);
  }

  /** The tokens of `text`, at most `maxTokens` of them: its end is cut. */
  single(text: string, maxTokens: number): TokenSequence {
    const room = maxTokens - specialCount(this.#single);
    return sequence(this.#single, [this.#content(text, room).slice(0, Math.max(room, 0))]);
  }

  /** Of a text that begins like `prefix`, how many tokens are the special ones in front and the prefix's. */
  prefixTokens(prefix: string): number {
    return prefix === '' ? 0 : this.#single.parts[0].length + this.#plain(prefix).length;
  }

  /**
   * The tokens of a pair, at most `maxTokens`: where they are more, the longer of the two is cut until they are as long, then
   * both (Hugging Face's `longest_first`).
   */
  pair(first: string, second: string, maxTokens: number): TokenSequence {
    this.#pair ??= this.#layout(true);
    const room = Math.max(maxTokens - specialCount(this.#pair), 0);
    const contents = [this.#content(first, room), this.#content(second, room)];
    const lengths = pairLengths(contents[0].length, contents[1].length, room);
    return sequence(
      this.#pair,
      contents.map((content, i) => content.slice(0, lengths[i])),
    );
  }

  /** The text's own tokens: all of them, or the first `most` and some. */
  #content(text: string, most: number): readonly number[] {
    for (let characters = charactersAToken * (most + margin); characters < text.length; characters *= 4) {
      const piece = text.slice(0, lastBlank(text, characters));
      const tokens = this.#plain(piece);
      if (tokens.length >= most + margin) return tokens.slice(0, tokens.length - margin);
    }
    return this.#plain(text);
  }

  #plain(text: string): readonly number[] {
    return this.#tokenizer(text, { add_special_tokens: false, return_tensor: false }).input_ids;
  }

  /** Where the special tokens stand, learnt from a word: between them are its own tokens. */
  #layout(isPair: boolean): Layout {
    const probe = 'the';
    const own = this.#plain(probe);
    const encoded: Encoding = this.#tokenizer(probe, {
      return_tensor: false,
      ...(isPair && { text_pair: probe }),
    });
    const { input_ids: ids, token_type_ids: types = [] } = encoded;
    const parts: number[][] = [];
    const partTypes: number[] = [];
    const textTypes: number[] = [];
    let from = 0;
    for (let text = 0; text < (isPair ? 2 : 1); text++) {
      const at = ids.findIndex((_, i) => i >= from && own.every((token, j) => ids[i + j] === token));
      parts.push(ids.slice(from, at));
      partTypes.push(...types.slice(from, at));
      textTypes.push(types[at] ?? 0);
      from = at + own.length;
    }
    parts.push(ids.slice(from));
    partTypes.push(...types.slice(from));
    return { parts, types: partTypes, textTypes };
  }
}

function sequence({ parts, types, textTypes }: Layout, texts: readonly (readonly number[])[]): TokenSequence {
  const ids = [...parts[0]];
  const typed = types.slice(0, parts[0].length);
  let at = parts[0].length;
  for (const [i, text] of texts.entries()) {
    const after = parts[i + 1];
    for (const token of text) ids.push(token);
    for (const token of after) ids.push(token);
    if (types.length === 0) continue;
    for (let n = 0; n < text.length; n++) typed.push(textTypes[i]);
    typed.push(...types.slice(at, at + after.length));
    at += after.length;
  }
  return { ids: Int32Array.from(ids), types: Int32Array.from(typed) };
}

function specialCount({ parts }: Layout): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** How many tokens of each of a pair are kept where `room` are; `longest_first` as Hugging Face's tokenizers count it. */
function pairLengths(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second];
  const shorter = Math.min(first, second);
  if (2 * shorter >= room) {
    const less = Math.floor(room / 2);
    const more = room - less;
    return first > second ? [more, less] : [less, more];
  }
  return first > second ? [room - shorter, shorter] : [shorter, room - shorter];
}

/** The last place at or before `at` where a blank stands; `at` where there is none near it. */
function lastBlank(text: string, at: number): number {
  for (let i = at; i > at - 1000 && i > 0; i--) if (/\s/.test(text[i])) return i;
  // Not between the halves of a character.
  return /[\uDC00-\uDFFF]/.test(text[at]) ? at - 1 : at;
}
