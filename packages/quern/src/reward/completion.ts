/** What is read from a completion, as it comes from a trainer: the model's whole text, often with its special tokens. */
import { answerPlace } from '../reason/answer-text.ts';
import { isUsableText } from '../reason/usable-text.ts';

/** Why no reasoned query can be read from a completion. */
export type CompletionFailure = 'empty' | 'no answer' | 'no words' | 'too long';

/** The reasoned query of a completion, or why there is none. */
export type ReadCompletion =
  | { readonly text: string; readonly failure?: undefined }
  | { readonly text?: undefined; readonly failure: CompletionFailure };

/** The reward of a completion that no reasoned query can be read from, as in the reference system. */
export const failureReward = -1;

/**
 * Completions of more UTF-16 code units fail unread. No policy writes as much in earnest: it is some 250,000 tokens, against
 * at most a few thousand of a rollout.
 */
export const mostCompletionCharacters = 1_000_000;

/** Tokens that end a model's turn: what a batch holds after the first of them is padding. */
const turnEnd = /<\|(?:im_end|endoftext|eot_id|end_of_text|end|eos)\|>|<end_of_turn>|<｜end▁of▁sentence｜>/;
/** Tokens that stand before a turn, and those of padding, which are also ordinary markup further inside. */
const turnStart = /^(?:\s*(?:<\|im_start\|>(?:assistant\n)?|<\|begin_of_text\|>|<bos>|<s>|<pad>|\[PAD\]))+/;
const padding = ['</s>', '<eos>', '<pad>', '[PAD]', '<s>'];

/** The text of a completion without the special tokens at its start, and from where they end its turn. */
export function withoutSpecialTokens(completion: string): string {
  const turn = completion.search(turnEnd);
  let text = turn < 0 ? completion : completion.slice(0, turn);
  for (let last: string | undefined = ''; last !== undefined;) {
    text = text.slice(0, text.length - last.length).trimEnd();
    last = padding.find((token) => text.endsWith(token));
  }
  return text.replace(turnStart, '');
}

/**
 * The reasoned query of a completion: its answer, after the thoughts and out of their tags, without special tokens and outer
 * white space. It fails where it is `empty`, where the thoughts never end (`no answer`), where the answer holds no letter or
 * digit (`no words`), and where it is `too long` (a million UTF-16 code units).
 */
export function reasonedQueryOf(completion: string): ReadCompletion {
  if (completion.length > mostCompletionCharacters) return { failure: 'too long' };
  const whole = withoutSpecialTokens(completion);
  if (whole.trim() === '') return { failure: 'empty' };
  const place = answerPlace(whole, { isWhole: true });
  const text = place && whole.slice(place.start, place.end).trim();
  if (text === undefined || text === '') return { failure: 'no answer' };
  return isUsableText(text) ? { text } : { failure: 'no words' };
}
