/** Questions as rows that engines read, without those whose prompts are too long or cannot be said to the engine. */
import { QuernError } from '../../errors.ts';
import { trainingPrompt, chatPrompt, type ChatTurn } from '../../reason/prompt.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { Prompts } from '../prompts.ts';
import { hashOf, readTrainingQuestions } from '../training-data.ts';

/** A question for an engine. */
export interface EngineRow {
  readonly id: string;
  readonly question: string;
  /** The prompt as the model's template renders it. */
  readonly prompt: string;
  /** The same as tokens. What looks like a control token in the question is letters in them. */
  readonly prompt_ids: readonly number[];
  /** The prompt's turns, for engines that render them. */
  readonly messages: readonly ChatTurn[];
  /** JSON of `{query, positives, positiveIds?}`: what the reward is told beside a completion. */
  readonly answer: string;
}

/** The questions of a job. */
export interface EngineData {
  readonly rows: readonly EngineRow[];
  /** Tokens of the longest prompt. */
  readonly longestPrompt: number;
  /** Tokens that end a completion. */
  readonly endTokens: readonly number[];
  /** Tells data apart. */
  readonly hash: string;
}

const turnsOf: Readonly<Record<TrainConfig['prompt'], (question: string) => ChatTurn[]>> = {
  training: (question) => trainingPrompt(question),
  inference: (question) => chatPrompt(question),
  think: (question) => trainingPrompt(question, { think: true }),
};

/**
 * The questions of a configuration's `train_data` as rows. Left out, and told of by `onNote`, are those whose prompts are longer
 * than `max_prompt_length`, as current engines have no such limit, and, where the engine makes tokens of texts itself
 * (`tokenizes`), those whose question holds what it would read as a control token. Throws as reading the data does, and
 * `BAD_INPUT` where none is left.
 */
export async function engineData(
  config: TrainConfig,
  prompts: Prompts,
  options: {
    readonly tokenizes: boolean;
    readonly onNote?: (text: string) => void;
    readonly signal?: AbortSignal;
  },
): Promise<EngineData> {
  const { tokenizes, onNote, signal } = options;
  const questions = await readTrainingQuestions(config.train_data, { split: 'train', signal });
  const most = Math.min(
    config.max_prompt_length,
    prompts.config.positions - config.max_completion_length - 1,
  );
  const rows: EngineRow[] = [];
  let tooLong = 0;
  let unsayable = 0;
  for (const { id, question, positives, positiveIds } of questions) {
    const tokens = prompts.training(question);
    const prompt = prompts.written(tokens);
    if (tokens.length > most) tooLong += 1;
    else if (tokenizes && !isSame(prompts.read(prompt), tokens)) unsayable += 1;
    else {
      rows.push({
        id,
        question,
        prompt,
        prompt_ids: tokens,
        messages: turnsOf[config.prompt](question),
        answer: JSON.stringify({ query: question, positives, ...(positiveIds && { positiveIds }) }),
      });
    }
  }
  const leftOut = (count: number, why: string): void => {
    if (count > 0) onNote?.(`${count} of ${questions.length} questions are left out: ${why}`);
  };
  leftOut(tooLong, `their prompts are longer than ${most} tokens`);
  leftOut(unsayable, 'the engine would read control tokens in them');
  if (rows.length === 0) {
    throw new QuernError('BAD_INPUT', 'no question is left to train on', {
      where: config.train_data.join(', '),
      hint: tooLong > 0 ? 'Raise max_prompt_length' : undefined,
    });
  }
  return {
    rows,
    longestPrompt: rows.reduce((longest, row) => Math.max(longest, row.prompt_ids.length), 0),
    endTokens: prompts.endTokens,
    hash: hashOf(rows.map(({ id, prompt, answer }) => [id, prompt, answer])),
  };
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
