import { trainingPrompt } from '../../reason/prompt.ts';
import type { TextQuestion } from '../question.ts';
import type { SplitName } from '../split.ts';

/** A row of a training set. */
export interface TrainingRecord {
  readonly id: string;
  readonly domain: string;
  /** The chat that the policy is given. */
  readonly prompt: readonly { readonly role: string; readonly content: string }[];
  readonly question: string;
  readonly positives: readonly string[];
  /** `{query, pos_docs_list, think_flag}` as JSON: what the reference's reward reads, and Quern's own. */
  readonly answer: string;
  /** What verl chooses a reward by. */
  readonly data_source: string;
  /** Where verl has the answer from. */
  readonly reward_model: { readonly style: 'rule'; readonly ground_truth: string };
  readonly extra_info: {
    readonly split: SplitName;
    /** The row's number in its file, from 0. */
    readonly index: number;
    readonly id: string;
    readonly domain: string;
    readonly url: string | null;
  };
}

/** The row for a question with its positives. */
export function trainingRecord(
  { id, domain, text, url }: TextQuestion,
  positives: readonly string[],
  { split, index, think }: { readonly split: SplitName; readonly index: number; readonly think: boolean },
): TrainingRecord {
  const answer = JSON.stringify({ query: text, pos_docs_list: positives, think_flag: think });
  return {
    id,
    domain,
    prompt: trainingPrompt(text, { think }),
    question: text,
    positives,
    answer,
    data_source: `quern/${domain}`,
    reward_model: { style: 'rule', ground_truth: answer },
    extra_info: { split, index, id, domain, url: url ?? null },
  };
}
