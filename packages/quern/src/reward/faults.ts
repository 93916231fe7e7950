/** The terms that shape a reward: how much of a fault a completion has. In a mix their weights are below 0. */
import { answerPlace, thoughtsOf } from '../reason/answer-text.ts';
import { differentLanguages } from '../reason/language.ts';
import { tokenEstimate } from '../search/token-estimate.ts';
import { mostCompletionCharacters, reasonedQueryOf, withoutSpecialTokens } from './completion.ts';
import type { Fault } from './reward-part.ts';
import type { RewardItem } from './reward.ts';
import { wordGrams } from '../text/word-grams.ts';

/** Words in a row that are no chance when they come again. */
const gramWords = 4;
/** What the language is told from, in characters. */
const languageCharacters = 20_000;

/** What the model said, of a completion that is too long only its beginning. */
function spoken(completion: string): string {
  return withoutSpecialTokens(completion.slice(0, mostCompletionCharacters));
}

function fault(name: string, amount: (item: RewardItem) => number | Promise<number>): Fault {
  return {
    kind: 'fault',
    name,
    values: async (items) => {
      const amounts: number[] = [];
      for (const item of items) amounts.push(await amount(item));
      return amounts;
    },
  };
}

/**
 * `length:BUDGET`: how many tokens the completion has beyond `budget`, as a share of it: 0 up to the budget, 1 at twice as
 * many. Where the item does not say how many there are, words, digits and marks are counted (`tokenEstimate`).
 */
export function lengthFault(budget: number): Fault {
  return fault('length', ({ completion, completionTokens }) => {
    const tokens = completionTokens ?? tokenEstimate(spoken(completion));
    return Math.max(0, tokens - budget) / budget;
  });
}

/** `truncation`: 1 where the item says that it was cut at the most tokens, else 0. */
export const truncationFault = fault('truncation', ({ truncated }) => (truncated === true ? 1 : 0));

/** `copying`: the share of the reasoned query's runs of four words that are the question's, from 0 to 1. */
export const copyingFault = fault('copying', ({ query, completion }) => {
  const grams = wordGrams(reasonedQueryOf(completion).text ?? '', gramWords);
  const own = new Set(wordGrams(query, gramWords));
  return shareOf(grams, (gram) => own.has(gram));
});

/** `repetition`: the share of the completion's runs of four words that came before, thoughts included, from 0 to 1. */
export const repetitionFault = fault('repetition', ({ completion }) => {
  const seen = new Set<string>();
  return shareOf(wordGrams(spoken(completion), gramWords), (gram) => {
    const isRepeated = seen.has(gram);
    seen.add(gram);
    return isRepeated;
  });
});

/** `language`: 1 where the reasoned query is certainly in another language than the question, else 0. */
export const languageFault = fault('language', async ({ query, completion }) => {
  const text = reasonedQueryOf(completion).text?.slice(0, languageCharacters) ?? '';
  return (await differentLanguages(query, text)) ? 1 : 0;
});

/**
 * `format`: 0 where the completion is thoughts between `<think>` and `</think>`, the first of which the prompt may have
 * written, and then an answer, bare or between `<answer>` and `</answer>`, with no other such tag; else 1.
 */
export const formatFault = fault('format', ({ completion }) => (isWellFormed(completion) ? 0 : 1));

function isWellFormed(completion: string): boolean {
  if (completion.length > mostCompletionCharacters) return false;
  const text = spoken(completion).trim();
  const place = answerPlace(text, { isWhole: true });
  if (!place || place.start === 0 || thoughtsOf(text.slice(0, place.start)) === '') return false;
  const answer = text.slice(place.start, place.end);
  const tags = text.match(/<\/?(?:think|answer)>/g) ?? [];
  const closed = text.slice(place.end);
  return (
    answer.trim() !== '' &&
    /^(?:<think> )?<\/think>(?: <answer> <\/answer>)?$/.test(tags.join(' ')) &&
    (closed === '' || closed === '</answer>')
  );
}

function shareOf<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.length === 0 ? 0 : values.filter(holds).length / values.length;
}
