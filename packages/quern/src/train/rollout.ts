/** Completions of questions, drawn from the policy and rewarded. */
import { QuernError } from '../errors.ts';
import type { Qwen2Model } from '../models/torch/qwen2-model.ts';
import { TokenGenerator } from '../models/torch/token-generation.ts';
import type { Reward, RewardResult } from '../reward/reward.ts';
import type { Group } from './grpo.ts';
import type { Prompts } from './prompts.ts';
import type { TrainingQuestion } from './training-data.ts';

/** A question with its prompt. */
export interface PromptedQuestion extends TrainingQuestion {
  readonly prompt: readonly number[];
}

/** A completion with what became of it. */
export interface DrawnCompletion {
  readonly tokens: readonly number[];
  readonly drawnLogProbabilities: readonly number[];
  readonly text: string;
  readonly finish: 'stop' | 'length' | 'early';
}

/** How completions are drawn. */
export interface DrawingSettings {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly repetitionPenalty: number;
  readonly maxTokens: number;
  /** The most at a time. */
  readonly rows: number;
}

/** The completions of questions: as many for each as it has seeds. */
export async function drawnCompletions(
  model: Qwen2Model,
  prompts: Prompts,
  asked: readonly { readonly prompt: readonly number[]; readonly seeds: readonly number[] }[],
  { rows, ...sampling }: DrawingSettings,
  signal?: AbortSignal,
): Promise<DrawnCompletion[][]> {
  const generator = new TokenGenerator(model, { sampling, endTokens: prompts.endTokens, rows });
  try {
    const drawn = await Promise.all(
      asked.map(({ prompt, seeds }) => generator.generate({ prompt, seeds, signal })),
    );
    return drawn.map((group) =>
      group.map(({ tokens, drawnLogProbabilities, finish }) => ({
        tokens,
        drawnLogProbabilities,
        finish,
        text: prompts.textOf(tokens),
      })),
    );
  } finally {
    await generator.close();
  }
}

/** DAPO's punishment of length (arXiv 2503.14476, eq. 13): 0, or below it down to -1 at the most tokens. */
export function overlongPunishment(length: number, most: number, cache: number): number {
  return cache === 0 ? 0 : -Math.max(0, Math.min(1, (length - (most - cache)) / cache));
}

/** What {@link overlongPunishment} takes, and what it is multiplied by. */
export interface LengthRules {
  readonly most: number;
  readonly cache: number;
  readonly weight: number;
}

/** What a completion is worth, with all that made it so. */
export type RewardedText = DrawnCompletion & RewardResult;

/** A question's completions. */
export interface RewardedGroup {
  readonly question: PromptedQuestion;
  readonly completions: readonly RewardedText[];
}

/**
 * Rewards completions, all in one call. One that could not be read is worth what the reward gives it, but no more than the worst
 * that could of its question: else a policy that writes badly would learn to write what cannot be read. Throws what the reward throws, and `BAD_REPLY` for numbers that are none. */
export async function rewardedGroups(
  reward: Reward,
  questions: readonly PromptedQuestion[],
  drawn: readonly (readonly DrawnCompletion[])[],
  length: LengthRules,
  signal?: AbortSignal,
): Promise<RewardedGroup[]> {
  const items = questions.flatMap(({ question, positives, positiveIds }, i) =>
    drawn[i].map(({ text, tokens, finish }) => ({
      query: question,
      completion: text,
      positives,
      ...(positiveIds && { positiveIds }),
      completionTokens: tokens.length,
      truncated: finish === 'length',
    })),
  );
  const results = await reward.score(items, signal);
  let at = 0;
  return questions.map((question, i) => {
    const own = results.slice(at, at + drawn[i].length);
    at += own.length;
    const worst = Math.min(
      ...own.flatMap(({ reward: value, failure }) => (failure === undefined ? [value] : [])),
    );
    return { question, completions: drawn[i].map((completion, j) => rewarded(completion, own[j], worst)) };
  });

  function rewarded(completion: DrawnCompletion, found: RewardResult, worst: number): RewardedText {
    const { reward: given, parts, failure } = found;
    const value = failure === undefined ? given : Math.min(given, worst);
    const overlong = overlongPunishment(completion.tokens.length, length.most, length.cache);
    const whole = value + length.weight * overlong;
    if (!Number.isFinite(whole)) {
      throw new QuernError('BAD_REPLY', 'a reward is no number', { where: reward.id });
    }
    return {
      ...completion,
      reward: whole,
      parts: length.cache === 0 ? parts : { ...parts, overlong },
      ...(failure !== undefined && { failure }),
    };
  }
}

/** As an update takes it. */
export function groupOf({ question, completions }: RewardedGroup): Group {
  return {
    prompt: question.prompt,
    completions: completions.map(({ tokens, drawnLogProbabilities, finish, reward }) => ({
      tokens,
      drawnLogProbabilities,
      isTruncated: finish === 'length',
      reward,
    })),
  };
}
