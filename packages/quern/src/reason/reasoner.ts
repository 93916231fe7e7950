import type { TermWeights } from '../collections/records.ts';

/** Options of one call of a reasoner. */
export interface ReasonOptions {
  /** Documents that the reasoner must not learn from (feedback), as they are excluded from the ranking. */
  readonly excluded?: Iterable<string>;
  readonly signal?: AbortSignal;
}

/** How a reasoned query ended: by itself, at the token limit, stopped early, not asked for, or in an error. */
export type FinishReason = 'stop' | 'length' | 'early' | 'skipped' | 'failed';

/** What a reasoner makes of a query. */
export interface ReasonedQuery {
  readonly query: string;
  /** The reasoned query. Empty when there is none; then the query stands alone. */
  readonly text: string;
  /** Where a reasoner yields term weights rather than prose: final w(t,q), which the retriever takes instead of the text. */
  readonly weights?: TermWeights;
  /** The reasoner's id. */
  readonly reasoner: string;
  readonly finish: FinishReason;
  /** Tokens of a language model; 0 where none was asked. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly milliseconds: number;
  /** Whether it was recorded before rather than made now. */
  readonly cached: boolean;
}

/** Turns a query into a reasoned query. */
export interface Reasoner {
  /** The string that names it, e.g. `none`, `rm3`, `file:reasoned.json`. */
  readonly id: string;
  reason(query: string, options?: ReasonOptions): Promise<ReasonedQuery>;
  /** Frees what it holds. */
  close(): Promise<void>;
}
