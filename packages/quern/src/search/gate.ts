import type { SearchOptions, Retriever } from './retriever.ts';

/** Whether a query is to be reasoned about, and why. */
export interface GateDecision {
  readonly reasons: boolean;
  /** In words, with the figures that decided. */
  readonly why: string;
  /** What was looked at, by name. */
  readonly facts: Readonly<Record<string, number>>;
  /** Where facts together foretell a gain: what each adds to it. */
  readonly shares?: Readonly<Record<string, number>>;
}

/** Decides before a reasoner is asked whether to ask it. */
export interface Gate {
  decide(
    query: string,
    retriever: Retriever,
    options?: Pick<SearchOptions, 'excluded' | 'signal'>,
  ): Promise<GateDecision>;
}
