/** What a training would learn from, before anything is loaded. */
import { pathKindIfAny } from '../collections/files.ts';
import { QuernError } from '../errors.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { readDemonstrations, readTrainingQuestions } from './training-data.ts';

/**
 * The data that a configuration names, counted, as lines for people; the reward's index is looked for. Throws as reading the data
 * does, and `NOT_FOUND` for an index that is not there.
 */
export async function dataText(config: TrainConfig, signal?: AbortSignal): Promise<string> {
  const isSft = config.method === 'sft';
  const what = isSft ? 'examples' : 'questions';
  const counted = async (paths: readonly string[], split: 'train' | 'validation'): Promise<number> =>
    (isSft ? await readDemonstrations(paths, signal) : await readTrainingQuestions(paths, { split, signal }))
      .length;
  const lines = [
    `${await counted(config.train_data, 'train')} ${what} to learn from: ${config.train_data.join(', ')}`,
  ];
  if (config.eval_steps > 0 && config.eval_data.length > 0) {
    lines.push(
      `${await counted(config.eval_data, 'validation')} ${what} to validate on: ${config.eval_data.join(', ')}`,
    );
  }
  const { reward_index: index } = config;
  if (!isSft && index !== undefined && (await pathKindIfAny(index)) === undefined) {
    throw new QuernError('NOT_FOUND', 'is not there', {
      where: index,
      hint: 'reward_index is the folder of an index',
    });
  }
  return lines.join('\n');
}
