/** What is scored: a query, what a reasoner made of it, and documents that answer it. */
export interface RewardItem {
  readonly query: string;
  /** The model's whole text, as it came; what is read from it as the reasoned query is the reward's to say. */
  readonly completion: string;
  /** Texts of the positive documents, one or more. */
  readonly positives: readonly string[];
  /** Ids of the positives in the index of the reward, where there is one that holds them. */
  readonly positiveIds?: readonly string[];
  /** The tokens of the completion, where whoever made it counted them. */
  readonly completionTokens?: number;
  /** Whether it was cut at the most tokens, where that is known. */
  readonly truncated?: boolean;
}

/** A completion's reward, and what it is made of. All numbers are finite. */
export interface RewardResult {
  readonly reward: number;
  /** The parts of the reward by their names, before any weight. */
  readonly parts: Readonly<Record<string, number>>;
  /** Why the completion has the defined reward (-1) instead of a computed one. */
  readonly failure?: string;
}

/** Scores completions. */
export interface Reward {
  /** The string that names it on the command line and in reports. */
  readonly id: string;
  /** The names of the parts that results may have, where they are known before. */
  readonly partNames?: readonly string[];
  /** A result for each item, in their order, the same whatever else is in the batch unless the reward says otherwise. */
  score(batch: readonly RewardItem[], signal?: AbortSignal): Promise<RewardResult[]>;
  /** Forgets what it kept of earlier batches, so that what comes next does not depend on what came before. */
  forget?(): void;
  close(): Promise<void>;
}
