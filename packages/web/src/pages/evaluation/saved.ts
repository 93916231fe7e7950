/** What the service answers about saved evaluations, as its own types say. */
import type {
  EvaluationHead,
  SavedTopic,
  SavedTopicRecord,
} from '../../../../quern/src/evaluate/saved-evaluation.ts';

/** What every run in the list has. */
interface Listed {
  readonly id: string;
  /** Its folder's name, with as many of those above as tell it from the others. */
  readonly name: string;
}

/** A saved evaluation without its topics. */
export type SavedRun = Listed & Omit<EvaluationHead, 'format' | 'version'>;

/** One that cannot be read, and why. */
export type DamagedRun = Listed & { readonly problem: string };

/** `GET /v1/runs?kind=evaluation`. */
export interface ListAnswer {
  readonly runs: readonly (SavedRun | DamagedRun)[];
  /** Whether there may be more. */
  readonly isCut: boolean;
}

/** `GET /v1/runs/:id/topics`. */
export interface TopicsAnswer {
  /** When the evaluation was saved. */
  readonly created: string;
  readonly total: number;
  readonly topics: readonly SavedTopic[];
}

/** `GET /v1/runs/:id/topics/:topic`. */
export type TopicAnswer = SavedTopicRecord;
