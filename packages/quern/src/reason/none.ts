import type { ReasonedQuery, Reasoner } from './reasoner.ts';

/** The reasoner that adds nothing: the query goes to the retriever as it is. */
export class NoReasoner implements Reasoner {
  readonly id = 'none';

  async reason(query: string): Promise<ReasonedQuery> {
    return {
      query,
      text: '',
      reasoner: this.id,
      finish: 'skipped',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: 0,
      cached: false,
    };
  }

  async close(): Promise<void> {}
}
