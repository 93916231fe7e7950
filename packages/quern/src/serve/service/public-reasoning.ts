import type { QuernErrorCode } from '../../errors.ts';
import type { ReasonedQuery } from '../../reason/reasoner.ts';
import { reasonedRecord, type ReasonedRecord } from '../../reason/reasoned-record.ts';

/** What is said of a failure: what went wrong in detail, which may name paths and addresses, is for the log. */
const failures: Partial<Record<QuernErrorCode, string>> = {
  TIMEOUT: 'it took longer than it may',
  BAD_REPLY: 'the model wrote nothing that can be used',
  NETWORK: 'the server of the model does not answer',
  UNAVAILABLE: 'the server of the model is not available',
  DENIED: 'the server of the model refuses',
  OVERLOADED: 'the server of the model takes no more',
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
