import { QuernError } from '../../errors.ts';
import type { ReasonedQuery } from '../../reason/reasoner.ts';
import { textPieces } from '../../reason/text-pieces.ts';
import type { ReasonedRecord } from '../../reason/reasoned-record.ts';
import { publicReasoning, reasonerError } from './public-reasoning.ts';
import { bounded } from './search.ts';
import type { Service } from './service.ts';

/** What is to be reasoned about. */
export interface ReasonRequest {
  readonly query: string;
  /** As declared. */
  readonly reasoner: string;
  /** Which of several samples. Default 0. */
  readonly sample?: number;
  /** Milliseconds. */
  readonly deadline?: number;
  /** The field of the request that names the reasoner. Default `reasoner`. */
  readonly field?: string;
}

/**
 * The reasoned query of a question, its text in pieces as they come; what is returned at the end is the whole. Throws `BAD_INPUT`
 * and `NOT_FOUND` for names that are none, `OVERLOADED` where too much waits, and `ABORTED`.
 */
export async function* reasoned(
  service: Service,
  { query, reasoner: name, sample, deadline, field = 'reasoner' }: ReasonRequest,
  signal?: AbortSignal,
): AsyncGenerator<string, ReasonedRecord, undefined> {
  const found = service.reasoners.named(name, field);
  if (found.learns) {
    throw new QuernError('BAD_INPUT', `${name} learns from the index that is searched`, {
      where: field,
      hint: 'It can be asked by a search alone: POST /v1/search',
    });
  }
  const started = performance.now();
  const reasoner = bounded(found.of(undefined), deadline);
  let made: ReasonedQuery;
  try {
    made = yield* textPieces(reasoner, query, {
      ...(sample !== undefined && { sample }),
      ...(signal && { signal }),
    });
  } catch (error) {
    throw reasonerError(error, found, {
      what: `the reasoner ${name}`,
      names: [[found.declared.reasoner, name]],
      field,
    });
  }
  service.observer.stage('reason', (performance.now() - started) / 1000);
  for (const each of made.parts ?? [made]) service.observer.reasoned(name, each);
  return publicReasoning(made, name);
}

/** {@link reasoned}, whole. */
export async function reason(
  service: Service,
  request: ReasonRequest,
  signal?: AbortSignal,
): Promise<ReasonedRecord> {
  const pieces = reasoned(service, request, signal);
  for (;;) {
    const { done, value } = await pieces.next();
    if (done) return value;
  }
}
