import { QuernError, type QuernErrorCode } from './errors.ts';

/** An error as a thread sends it: on the way it would lose its class. */
export type SentError =
  | { readonly code: QuernErrorCode; readonly what: string; readonly where?: string; readonly hint?: string }
  | { readonly stack: string };

/** What a thread sends of an error. */
export function sentError(error: unknown): SentError {
  if (!(error instanceof QuernError)) return { stack: error instanceof Error ? error.stack! : String(error) };
  const { code, what, where, hint } = error;
  return { code, what, where, hint };
}

/** The error that a thread sent while `doing` something; one that is not a `QuernError` is a defect of ours. */
export function receivedError(sent: SentError, doing: string): Error {
  return 'code' in sent
    ? new QuernError(sent.code, sent.what, sent)
    : new Error(`${doing} failed: ${sent.stack}`);
}
