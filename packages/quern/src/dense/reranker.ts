/** Reads a query together with texts and says how well each answers it. */
export interface Reranker {
  /** The string that names it on the command line and in reports. */
  readonly id: string;
  /** A score for each text, in their order, the higher the better. */
  score(query: string, texts: readonly string[], signal?: AbortSignal): Promise<ArrayLike<number>>;
  close(): Promise<void>;
}
