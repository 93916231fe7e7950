import type { ReasonedQuery } from './reasoner.ts';

/** A reasoned query as JSON has it: weights are an object, term → weight. */
export type ReasonedRecord = Omit<ReasonedQuery, 'weights' | 'parts'> & {
  readonly weights?: Readonly<Record<string, number>>;
  readonly parts?: readonly ReasonedRecord[];
};

/** What is written of a reasoned query. */
export function reasonedRecord({ weights, parts, ...rest }: ReasonedQuery): ReasonedRecord {
  return {
    ...rest,
    ...(weights && { weights: Object.fromEntries(weights) }),
    ...(parts && { parts: parts.map(reasonedRecord) }),
  };
}
