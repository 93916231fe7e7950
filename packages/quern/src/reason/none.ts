import type { ReasonedQuery, Reasoner } from './reasoner.ts';
import { withoutText } from './without-text.ts';

/** The reasoner that adds nothing: the query goes to the retriever as it is. */
export class NoReasoner implements Reasoner {
  readonly id = 'none';

  async reason(query: string): Promise<ReasonedQuery> {
    return withoutText(query, this.id, { finish: 'skipped' });
  }

  async close(): Promise<void> {}
}
