import type { ReasonedQuery } from './reasoner.ts';

/** A reasoned query as JSON has it: weights are an object, term → weight. */
export type ReasonedRecord = Omit<ReasonedQuery, 'weights'> & {
  readonly weights?: Readonly<Record<string, number>>;
};

/** What is written of a reasoned query. */
export function reasonedRecord({ weights, ...rest }: ReasonedQuery): ReasonedRecord {
  return weights ? { ...rest, weights: Object.fromEntries(weights) } : rest;
}
