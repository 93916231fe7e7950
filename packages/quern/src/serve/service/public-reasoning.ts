import { QuernError, type QuernErrorCode } from '../../errors.ts';
import type { ReasonedQuery } from '../../reason/reasoner.ts';
import { reasonedRecord, type ReasonedRecord } from '../../reason/reasoned-record.ts';
import { publicError, type PublicPart } from './public-error.ts';
import type { OpenReasoner } from './reasoners.ts';

/** What is said of a failure: what went wrong in detail, which may name paths and addresses, is for the log. */
const failures: Partial<Record<QuernErrorCode, string>> = {
  TIMEOUT: 'it took longer than it may',
  BAD_REPLY: 'the model, or its server, answered nothing that can be used',
  NETWORK: 'the server of the model does not answer',
  UNAVAILABLE: 'the server of the model is not available',
  DENIED: 'the server of the model refuses',
  OVERLOADED: 'the server of the model takes no more',
  NOT_FOUND: 'the server of the model has no such model',
  MISSING_PACKAGE: 'the service lacks a package for it',
  OUT_OF_MEMORY: 'the model does not fit into memory',
};

/** What a failure is called in an answer. */
export function publicFailure(code: QuernErrorCode): string {
  return failures[code] ?? 'the reasoner failed';
}

/** A reasoned query as answers tell it: by the name that the configuration declares, and without what is for the log. */
export function publicReasoning(reasoned: ReasonedQuery, name: string): ReasonedRecord {
  return publicRecord(reasonedRecord(reasoned), () => name);
}

/** {@link publicReasoning} of a record; of one that is made of parts, each by what `nameOf` makes of its reasoner's name. */
export function publicRecord(
  { failure, parts, ...rest }: ReasonedRecord,
  nameOf: (reasoner: string) => string,
): ReasonedRecord {
  return {
    ...rest,
    reasoner: nameOf(rest.reasoner),
    ...(failure && { failure: { code: failure.code, message: publicFailure(failure.code) } }),
    ...(parts && { parts: parts.map((part) => publicRecord(part, nameOf)) }),
  };
}

/**
 * An error that came while a reasoner was asked, as a request may be told it (see {@link publicError}). That nothing is recorded
 * for a question is `NOT_FOUND`: it must not pass for reasoning that did not help.
 */
export function reasonerError(error: unknown, { name, declared }: OpenReasoner, part: PublicPart): unknown {
  const isUnrecorded =
    error instanceof QuernError &&
    error.code === 'NOT_FOUND' &&
    error.where !== undefined &&
    declared.reasoner.includes(`file:${error.where}`);
  if (!isUnrecorded) return publicError(error, part);
  return new QuernError('NOT_FOUND', `${name} has nothing recorded for this question`, {
    where: part.field ?? 'reasoner',
    hint: 'It has texts for certain questions alone, letter by letter. Ask one of those, or choose another reasoner',
  });
}
