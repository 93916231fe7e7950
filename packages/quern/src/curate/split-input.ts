import type { OnWork } from '../work.ts';
import type { ProtectedCollection } from './against.ts';
import type { SourceFacts } from './curation.ts';
import type { TextAnswer, TextQuestion } from './question.ts';
import type { SplitShares } from './split.ts';
import type { PostSource } from './sources/post-source.ts';
import type { Dropped, StageName, StageRecord } from './stage-record.ts';

/** The positives of a question: answers of the data, and what a reasoner wrote. */
export interface ChosenPositives {
  readonly answers: readonly TextAnswer[];
  readonly reasoned?: string;
}

/** What the data set is written from. */
export interface SplitInput {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly sources: readonly PostSource[];
  readonly sourceFacts: readonly SourceFacts[];
  readonly stages: readonly StageRecord[];
  readonly against: readonly ProtectedCollection[];
  readonly shares: SplitShares;
  readonly think: boolean;
  readonly positivesOf: (n: number, question: TextQuestion) => ChosenPositives;
  /** What the stages left out, from the first to the last. */
  readonly dropped: () => AsyncIterable<{ readonly stage: StageName; readonly dropped: Dropped }>;
  /** Whether the questions are to be a collection for retrieval too; a question's best answer there. */
  readonly retrieval?: { readonly bestOf: (question: TextQuestion) => TextAnswer | undefined };
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}
