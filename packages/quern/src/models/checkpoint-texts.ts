/** The tokenizer of a checkpoint, for models that run on LibTorch. */
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { QuernError } from '../errors.ts';
import { readCheckpointJson, tokenizerAdvice, type JsonObject } from './checkpoint/json-file.ts';
import { oneLine } from '../one-line.ts';

/** Texts to tokens and back. */
export interface TextTokenizer {
  readonly tokenizer: Tokenizer;
  /** The same for texts from outside: what looks like a control token in them stays letters. */
  readonly plain: Tokenizer;
  /** The texts of control tokens by their ids. */
  readonly control: ReadonlyMap<number, string>;
  /** The highest id. */
  readonly lastToken: number;
  /** `tokenizer_config.json` */
  readonly config: JsonObject;
}

/**
 * The tokenizer in a checkpoint's folder: `tokenizer.json` and `tokenizer_config.json`. Throws `NOT_FOUND`, `CORRUPT_FILE`, and
 * `UNSUPPORTED` for a kind that is not known.
 */
export async function openTextTokenizer(folder: string, signal?: AbortSignal): Promise<TextTokenizer> {
  const path = join(folder, 'tokenizer.json');
  const json = await readCheckpointJson(folder, 'tokenizer.json', tokenizerAdvice, signal);
  const config = await readCheckpointJson(folder, 'tokenizer_config.json', tokenizerAdvice, signal);
  try {
    const tokenizer = new Tokenizer(json, config);
    const plain = new Tokenizer({ ...json, added_tokens: [] }, config);
    const control = new Map<number, string>();
    let lastToken = -1;
    for (const id of tokenizer.get_vocab(true).values()) lastToken = Math.max(lastToken, id);
    for (const [id, { content, special }] of tokenizer.get_added_tokens_decoder()) {
      if (special) control.set(id, content);
    }
    return { tokenizer, plain, control, lastToken, config };
  } catch (error) {
    const told = oneLine(error instanceof Error ? error.message : String(error)).slice(0, 200);
    throw new QuernError('UNSUPPORTED', `the tokenizer cannot be used (${told})`, {
      where: path,
      cause: error,
    });
  }
}

/** Throws `BAD_INPUT` where a tokenizer has tokens that a model of `vocabularySize` rows has not. */
export function checkVocabulary(
  { lastToken }: Pick<TextTokenizer, 'lastToken'>,
  vocabularySize: number,
  folder: string,
): void {
  if (lastToken < vocabularySize) return;
  const what = `the tokenizer has tokens up to ${lastToken}, and the model embeds ${vocabularySize}`;
  throw new QuernError('BAD_INPUT', what, {
    where: folder,
    hint: 'The tokenizer belongs to another checkpoint: put its own beside the weights',
  });
}
