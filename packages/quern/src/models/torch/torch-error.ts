import { LibTorchError, type LibTorchErrorCode } from '@quern/libtorch/setup';
import { QuernError, type QuernErrorCode } from '../../errors.ts';

const codes: Partial<Record<LibTorchErrorCode, QuernErrorCode>> = {
  NOT_BUILT: 'MISSING_PACKAGE',
  SETUP: 'MISSING_PACKAGE',
  WRONG_VERSION: 'WRONG_VERSION',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY',
  NOT_FINITE: 'BAD_REPLY',
  NO_DEVICE: 'UNSUPPORTED',
  ABORTED: 'ABORTED',
};

/** What {@link LibTorchError}s are as a {@link QuernError}, with the same text; any other error is returned unchanged. */
export function quernError(error: unknown): unknown {
  if (!(error instanceof LibTorchError)) return error;
  const { code, hint, what } = error;
  return new QuernError(codes[code] ?? 'BAD_INPUT', what, {
    hint: code === 'NOT_BUILT' ? 'Run quern setup torch' : hint,
    cause: error,
  });
}
