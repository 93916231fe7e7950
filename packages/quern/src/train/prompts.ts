/** Questions as the tokens of prompts, and completions as texts. */
import { QuernError } from '../errors.ts';
import { checkVocabulary, openTextTokenizer, type TextTokenizer } from '../models/checkpoint-texts.ts';
import { readCheckpointFacts } from '../models/checkpoint/checkpoint.ts';
import { readTokenizer } from '../models/checkpoint/checkpoint-tokenizer.ts';
import type { Qwen2Config } from '../models/checkpoint/qwen2-config.ts';
import { chatPrompt, trainingPrompt } from '../reason/prompt.ts';
import { chatTexts, type ChatTexts } from '../reason/torch/chat-texts.ts';
import type { TrainConfig } from './configuration/train-config.ts';

/** What a checkpoint says of texts. */
export interface Prompts {
  readonly config: Qwen2Config;
  /** The prompt of a question, as it is put in training. */
  readonly training: ChatTexts;
  /** The same as reasoners put it. */
  readonly inference: ChatTexts;
  /** Tokens that end a completion. */
  readonly endTokens: readonly number[];
  /** The text of a completion, without the token that ended it. */
  textOf(tokens: readonly number[]): string;
  /** A text as tokens; what looks like a control token in it stays letters. */
  tokensOf(text: string): number[];
  /** The text of tokens, control tokens and all. */
  written(tokens: readonly number[]): string;
  /** A text as tokens, as whoever reads control tokens in it has them. */
  read(text: string): number[];
}

const chats = {
  training: (question: string) => trainingPrompt(question),
  inference: (question: string) => chatPrompt(question),
  think: (question: string) => trainingPrompt(question, { think: true }),
};

/** Reads them from a checkpoint's folder, whose weights need not be there. Throws as opening a `torch:` reasoner does. */
export async function openPrompts(
  folder: string,
  style: TrainConfig['prompt'],
  signal?: AbortSignal,
): Promise<Prompts> {
  const { chatTemplate, endToken } = await readTokenizer(folder, signal);
  const texts = await openTextTokenizer(folder, signal);
  const { config, endTokens: own } = await readCheckpointFacts(folder, signal);
  checkVocabulary(texts, config.vocabularySize, folder);
  const endTokens = own.length > 0 ? own : endToken === undefined ? [] : [endToken];
  if (endTokens.length === 0) {
    throw new QuernError('BAD_INPUT', 'nothing says which token ends a turn', { where: folder });
  }
  const ends = new Set(endTokens);
  return {
    config,
    training: await chatTexts(texts, chatTemplate, chats[style]),
    inference:
      style === 'think'
        ? await chatTexts(texts, chatTemplate, chats.think)
        : await chatTexts(texts, chatTemplate),
    endTokens,
    textOf: (tokens) =>
      textOf(
        texts,
        tokens.filter((token) => !ends.has(token)),
      ),
    tokensOf: (text) => texts.plain.encode(text, { add_special_tokens: false }).ids,
    written: (tokens) => texts.tokenizer.decode([...tokens], { skip_special_tokens: false }),
    read: (text) => texts.tokenizer.encode(text, { add_special_tokens: false }).ids,
  };
}

function textOf({ tokenizer }: TextTokenizer, tokens: readonly number[]): string {
  return tokens.length === 0 ? '' : tokenizer.decode([...tokens], { skip_special_tokens: true });
}
