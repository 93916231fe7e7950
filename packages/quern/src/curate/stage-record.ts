import type { Fault } from './faults.ts';

/** The stages, in their order. */
export const stageNames = [
  'parse',
  'text',
  'filter',
  'duplicates',
  'decontaminate',
  'positives',
  'sample',
  'reason',
  'split',
] as const;

/** The name of a stage, e.g. `decontaminate`. */
export type StageName = (typeof stageNames)[number];

/** How many questions a stage was given and left, and why it left out the others. */
export interface StageRecord {
  readonly stage: StageName;
  readonly questionsIn: number;
  readonly questionsOut: number;
  /** The reasons for which it left questions out, and how many each. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Other counts, by what they are of. */
  readonly counts: Readonly<Record<string, number>>;
  /** What was odd in the data. */
  readonly faults?: readonly Fault[];
}

/** Why a stage left out a question, and by what that can be seen: a line of its file `dropped.jsonl`. */
export interface Dropped {
  /** The question's number in the file of the texts, from 0. */
  readonly n: number;
  readonly id: string;
  readonly reason: string;
  /** What was found: a count, a matching question or text. */
  readonly detail?: string;
  /** The question or text that it is like, by its id. */
  readonly like?: string;
  /** How alike they are, from 0 to 1. */
  readonly similarity?: number;
}
