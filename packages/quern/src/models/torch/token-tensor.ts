import { Tensor } from '@quern/libtorch';
import { QuernError } from '../../errors.ts';

/** Throws `USAGE` for what is no tensor (sequences, tokens) of int64. */
export function checkTokens(tokens: unknown, what: string): void {
  if (tokens instanceof Tensor && tokens.dim === 2 && tokens.dtype === 'int64') return;
  const given = tokens instanceof Tensor ? String(tokens) : typeof tokens;
  throw new QuernError('USAGE', `${what} is a tensor (sequences, tokens) of int64, not ${given}`);
}

/** Throws `USAGE` for a model that was closed. */
export function checkOpen(isClosed: boolean): void {
  if (isClosed) throw new QuernError('USAGE', 'the model was closed');
}
