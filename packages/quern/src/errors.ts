/** What went wrong, as a word that programs can test. */
export type QuernErrorCode =
  | 'USAGE'
  | 'BAD_INPUT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ANALYZER_MISMATCH'
  /** Vectors are another embedder's than the one that is to search them. */
  | 'EMBEDDER_MISMATCH'
  | 'CORRUPT_FILE'
  | 'WRONG_VERSION'
  | 'LOCKED'
  | 'DISK_FULL'
  | 'IO'
  | 'ABORTED'
  /** It did not end in the time that it was given. */
  | 'TIMEOUT'
  /** Nothing answers, or the connection broke off. */
  | 'NETWORK'
  /** Of several servers none answers, or none may be asked. */
  | 'UNAVAILABLE'
  /** A server refuses: no key, a wrong one, or no right to it. */
  | 'DENIED'
  /** A server or a model answered, but not with what can be used. */
  | 'BAD_REPLY'
  | 'OUT_OF_MEMORY'
  /** Training went wrong: a loss or gradients that are no numbers, or beyond all measure. */
  | 'DIVERGED'
  /** An optional package is not installed; the hint says how to get it. */
  | 'MISSING_PACKAGE'
  /** Too much waits already; later it will be taken. */
  | 'OVERLOADED'
  /** What was sent is more than is taken. */
  | 'TOO_LARGE'
  /** A model of an architecture or in a format that is not supported. */
  | 'UNSUPPORTED';

/** What a {@link QuernError} tells beside its message. */
export interface QuernErrorDetails {
  /** The place: `file:line`, `file (section postings)`, an option's name. */
  readonly where?: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error type that Quern throws for anything a caller can cause or mend. Its message reads
 * `where: what. hint`; `code` is stable and meant for programs.
 */
export class QuernError extends Error {
  override readonly name = 'QuernError';
  readonly code: QuernErrorCode;
  /** The message without place and hint. */
  readonly what: string;
  readonly where?: string;
  readonly hint?: string;

  constructor(code: QuernErrorCode, what: string, details: QuernErrorDetails = {}) {
    const place = details.where === undefined ? '' : `${details.where}: `;
    const advice = details.hint === undefined ? '' : `. ${details.hint}`;
    super(place + what + advice, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.what = what;
    this.where = details.where;
    this.hint = details.hint;
  }
}

/**
 * `error` as a {@link QuernError}: file system errors get the code that fits (`NOT_FOUND`, `DISK_FULL`, `IO`),
 * a QuernError is returned as it is, and anything else (a defect of ours) is returned unchanged.
 */
export function fileError(error: unknown, path: string): unknown {
  if (error instanceof QuernError || !(error instanceof Error)) return error;
  const system = (error as { readonly code?: string }).code;
  if (system === undefined || !/^E[A-Z0-9]+$/.test(system)) return error;
  const details = { where: path, cause: error };
  switch (system) {
    case 'ENOENT':
      return new QuernError('NOT_FOUND', 'no such file or folder', details);
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new QuernError('DISK_FULL', 'no space left to write', {
        ...details,
        hint: 'Free some space or choose another folder; nothing was left under the final name',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new QuernError('IO', 'permission denied', details);
    case 'EISDIR':
      return new QuernError('IO', 'is a folder, not a file', details);
    case 'ENOTDIR':
      return new QuernError('IO', 'a part of this path is a file, not a folder', details);
    default:
      return new QuernError('IO', `${system} while reading or writing`, details);
  }
}

/** Throws `ABORTED` when `signal` is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new QuernError('ABORTED', 'stopped on request');
}

/** What `work` resolves to; rejects as soon as `signal` is aborted. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new QuernError('ABORTED', 'stopped on request'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    const ended = (): void => signal.removeEventListener('abort', stop);
    work.finally(ended).then(resolve, reject);
  });
}
