import type { ReasonedQuery } from './reasoner.ts';

/** A reasoned query that holds nothing, so that the query stands alone, and why. */
export function withoutText(
  query: string,
  reasoner: string,
  why: Pick<ReasonedQuery, 'finish' | 'skipped' | 'failure'> & Partial<Pick<ReasonedQuery, 'milliseconds'>>,
): ReasonedQuery {
  return {
    query,
    text: '',
    reasoner,
    promptTokens: 0,
    completionTokens: 0,
    milliseconds: 0,
    cached: false,
    ...why,
  };
}
