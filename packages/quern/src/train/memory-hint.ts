import { QuernError } from '../errors.ts';
import { quernError } from '../models/torch/torch-error.ts';
import type { TrainConfig } from './configuration/train-config.ts';

/** What `work` comes to; where memory is used up the error says which field to lower. */
export async function naming<T>(field: keyof TrainConfig, value: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const typed = quernError(error);
    if (!(typed instanceof QuernError) || typed.code !== 'OUT_OF_MEMORY') throw error;
    throw new QuernError('OUT_OF_MEMORY', typed.what, {
      where: `${field} ${value}`,
      hint: `Lower ${field}; --resume goes on from the last checkpoint`,
      cause: error,
    });
  }
}
