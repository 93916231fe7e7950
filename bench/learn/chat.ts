/** Prompts and completions as tokens, as Quern's reasoners send and read them. */
import { chatPrompt } from 'quern';
import type { TextTokenizer } from 'quern/torch';

/** The tokens of a question's prompt, up to where the model's turn begins: ChatML with an empty system turn. */
export function promptTokens(texts: TextTokenizer, question: string): number[] {
  const [start, end] = ['<|im_start|>', '<|im_end|>'].map((name) => controlToken(texts, name));
  const turns = chatPrompt(question).flatMap(({ role, content }) => [
    start,
    ...plainTokens(texts, `${role}\n${content}`),
    end,
    ...plainTokens(texts, '\n'),
  ]);
  return [...turns, start, ...plainTokens(texts, 'assistant\n')];
}

/** The tokens of a reasoned query, and that it ends. */
export function completionTokens(texts: TextTokenizer, reasoned: string): number[] {
  return [...plainTokens(texts, reasoned), controlToken(texts, '<|im_end|>')];
}

export function plainTokens({ plain }: TextTokenizer, text: string): number[] {
  return text === '' ? [] : plain.encode(text, { add_special_tokens: false }).ids;
}

export function controlToken({ control }: TextTokenizer, name: string): number {
  for (const [id, content] of control) if (content === name) return id;
  throw new Error(`the tokenizer has no ${name}`);
}
