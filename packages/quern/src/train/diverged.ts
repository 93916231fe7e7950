import { QuernError } from '../errors.ts';

/** That a loss or gradients are no finite numbers, or a loss is beyond its limit. */
export function diverged(what: string): QuernError {
  return new QuernError('DIVERGED', what, {
    hint: 'Begin a new run from the last checkpoint, with a lower learning_rate or max_grad_norm',
  });
}
