/** How a text is meant: models that were trained with instructions embed queries and documents differently. */
export type TextKind = 'query' | 'document';

/** What decides an embedder's vectors, and how they are told from another's. */
export interface EmbedderIdentity {
  /** The string that names it on the command line and in reports, e.g. `onnx:models/bge-base-en-v1.5`. */
  readonly id: string;
  /** The length of its vectors. */
  readonly dimensions: number;
  /**
   * SHA-256, 64 hexadecimal digits, of all that decides its vectors of documents: weights, tokenizer, pooling, the instruction
   * for documents, maximum length. Of a remote model, whose weights nobody sees, of its name and settings. The instruction for
   * queries is not in it: vectors of documents stay what they are with any.
   */
  readonly contentHash: string;
}

/** Turns texts into vectors. */
export interface Embedder extends EmbedderIdentity {
  /** How many tokens of a text it reads; what is beyond is cut. Absent where it is not known. */
  readonly maxTokens?: number;
  /** Whether its vectors have length 1. */
  readonly isNormalized: boolean;
  /**
   * The vector of each text, in the order of the texts; each has {@link EmbedderIdentity.dimensions} finite numbers. Texts may
   * be empty. `onEmbedded` is told how many are done. Throws `ABORTED`, `BAD_REPLY` for vectors that are of another length or
   * not finite, and what loading the model throws, the first time.
   */
  embed(
    texts: readonly string[],
    as: TextKind,
    signal?: AbortSignal,
    onEmbedded?: (done: number) => void,
  ): Promise<Float32Array[]>;
  close(): Promise<void>;
}
