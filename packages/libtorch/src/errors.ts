/** What went wrong, as a word that programs can test. */
export type LibTorchErrorCode =
  /** LibTorch itself refuses: shapes that do not fit, values out of range. */
  | 'TORCH'
  | 'BAD_ARGUMENT'
  /** A tensor or a generator was freed. */
  | 'FREED'
  | 'WRONG_DEVICE'
  | 'WRONG_DTYPE'
  /** The GPU is not there. */
  | 'NO_DEVICE'
  | 'NOT_FINITE'
  | 'OUT_OF_MEMORY'
  /** This LibTorch has no such operator. */
  | 'UNSUPPORTED'
  /** The addon is not built. */
  | 'NOT_BUILT'
  /** The addon was built for another LibTorch than the one that is there. */
  | 'WRONG_VERSION'
  /** No LibTorch, no compiler, no headers: what setting up needs. */
  | 'SETUP'
  | 'ABORTED';

/** The one error that this package throws for what a caller can cause or mend; `code` is stable. */
export class LibTorchError extends Error {
  override readonly name = 'LibTorchError';
  readonly code: LibTorchErrorCode;
  /** The message without the hint. */
  readonly what: string;
  /** What can be done about it. */
  readonly hint?: string;

  constructor(code: LibTorchErrorCode, message: string, details: { hint?: string; cause?: unknown } = {}) {
    super(
      details.hint === undefined ? message : `${message.replace(/\.$/, '')}. ${details.hint}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.what = message;
    this.hint = details.hint;
  }
}
