import type { ReasonedQuery } from '../src/reason/reasoner.ts';

/** A reasoned query as a language model makes one. */
export function reasonedQuery(query: string, changes: Partial<ReasonedQuery> = {}): ReasonedQuery {
  return {
    query,
    text: `what ${query} is about`,
    reasoner: 'test',
    finish: 'stop',
    promptTokens: 70,
    completionTokens: 30,
    milliseconds: 1234,
    cached: false,
    ...changes,
  };
}
