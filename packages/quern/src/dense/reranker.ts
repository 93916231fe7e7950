/** Judges how well texts answer a query, reading the query and one text together. */
export interface Reranker {
  /** The string that names it on the command line and in reports, e.g. `onnx:models/ms-marco-MiniLM-L6-v2`. */
  readonly id: string;
  /**
   * The score of each text, in the order of the texts: a finite number each, the higher the better; only the order of one
   * query's means anything. Throws `ABORTED`, `BAD_REPLY` for scores that are missing or not finite, and what loading the model
   * throws, the first time.
   */
  score(query: string, texts: readonly string[], signal?: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}
