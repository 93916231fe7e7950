import { QuernError } from '../../errors.ts';

/** What errors of a part of the service are told with. */
export interface PublicPart {
  /** As requests know it, e.g. `the index notes`. */
  readonly what: string;
  /** The strings that name parts of it on the command line, which can hold paths and addresses, and the names that requests know. */
  readonly names?: Iterable<readonly [string, string]>;
  /** The field of the request that names it. */
  readonly field?: string;
}

/** What the request is at fault for, and can change. */
const ofTheRequest: ReadonlySet<string> = new Set(['USAGE', 'BAD_INPUT', 'ANALYZER_MISMATCH']);
/** What is answered without a word of the error's own. */
const untold: ReadonlySet<string> = new Set(['ABORTED', 'TIMEOUT', 'DISK_FULL', 'MISSING_PACKAGE']);
/** What stands behind the service is at fault for: a file, a server, a cluster. */
const ofOthers: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'LOCKED',
  'NETWORK',
  'UNAVAILABLE',
  'DENIED',
  'BAD_REPLY',
]);

/**
 * An error that came from a part of the service, as a request may be told it: whose fault it is shows in its code, and its words
 * hold no path and no address. `UNAVAILABLE` stands for whatever is wrong behind the service, whose own words are its cause.
 */
export function publicError(cause: unknown, { what, names = [], field }: PublicPart): unknown {
  if (!(cause instanceof QuernError) || untold.has(cause.code)) return cause;
  if (ofOthers.has(cause.code)) return new QuernError('UNAVAILABLE', `${what} is not available`, { cause });
  if (cause.code === 'OVERLOADED') {
    // Our own queues name no place.
    return cause.where === undefined
      ? cause
      : new QuernError('OVERLOADED', `${what} takes no more for now`, { cause });
  }
  if (!ofTheRequest.has(cause.code)) return cause;
  let said = cause.what;
  // The longest first: the name of a hybrid holds those of its parts.
  for (const [named, known] of [...names].sort(([a], [b]) => b.length - a.length))
    said = said.replaceAll(named, known);
  if (mayNamePlace(said)) said = `${what} cannot do what is asked`;
  const hint = cause.hint !== undefined && !mayNamePlace(cause.hint) ? cause.hint : undefined;
  return new QuernError('BAD_INPUT', said, {
    ...(field !== undefined && { where: field }),
    ...(hint !== undefined && { hint }),
    cause,
  });
}

/** Whether words may hold a path or an address. */
function mayNamePlace(words: string): boolean {
  return /[/\\@]/.test(words);
}
