import { full, Tensor, where, zeros } from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import type { Placement } from './weight-map.ts';

/** Throws `USAGE` for what is no tensor (sequences, tokens) of int64. */
export function checkTokens(tokens: unknown, what: string): void {
  if (tokens instanceof Tensor && tokens.dim === 2 && tokens.dtype === 'int64') return;
  const given = tokens instanceof Tensor ? String(tokens) : typeof tokens;
  throw new QuernError('USAGE', `${what} is a tensor (sequences, tokens) of int64, not ${given}`);
}

/** What is added to scores of attention: 0 where `seen` (bool) holds, else -∞. Shape: as `seen`. */
export function addedMask(seen: Tensor, { dtype, device }: Placement): Tensor {
  return where(seen, zeros([1], { dtype, device }), full([1], -Infinity, { dtype, device }));
}

/** Throws `USAGE` for a model that was closed. */
export function checkOpen(isClosed: boolean): void {
  if (isClosed) throw new QuernError('USAGE', 'the model was closed');
}
