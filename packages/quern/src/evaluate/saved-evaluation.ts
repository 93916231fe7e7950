/** What a saved evaluation is: the files of its folder, and what `evaluation.json` says. */
import * as z from 'zod';
import type { FinishReason } from '../reason/reasoner.ts';
import type { ReasonedRecord } from '../reason/reasoned-record.ts';

/** The names of the files of one evaluation. `evaluation.json` is written last. */
export const evaluationFiles = {
  record: 'evaluation.json',
  run: 'run.trec',
  qrels: 'qrels.txt',
  topics: 'topics.jsonl',
} as const;

/** The file that stands in a folder of several, beside the folder of each. */
export const severalFile = 'evaluations.json';

const count = z.int().min(0);
const finishes = ['stop', 'length', 'early', 'skipped', 'failed'] as const satisfies readonly FinishReason[];
const money = z.object({ amount: z.number(), currency: z.string() });

const reasoningFacts = z.object({
  finish: z.enum(finishes),
  promptTokens: count,
  completionTokens: count,
  milliseconds: z.number(),
  cached: z.boolean(),
  uncounted: z.literal(true).optional(),
  cost: money.optional(),
  /** The code of what went wrong, where it failed. */
  failure: z.string().optional(),
  /** What each search stands for: where it is the query alone, reasoning came to nothing. */
  searched: z.array(z.enum(['query', 'reasoned', 'both'])).readonly(),
});

const measures = z.record(z.string(), z.number());

/** One topic of `evaluation.json`. */
export const savedTopicSchema = z.object({
  id: z.string(),
  measures,
  reasoning: reasoningFacts.optional(),
});

/** `evaluation.json` but for its topics. Fields that it does not know are left out when it is read. */
export const evaluationHeadSchema = z.object({
  format: z.literal('quern evaluation'),
  version: z.literal(1),
  /** The version of Quern that wrote it. */
  quern: z.string(),
  /** When, as ISO 8601 has it, in UTC. */
  created: z.iso.datetime(),
  /** The run's name, as in `run.trec`. */
  run: z.string(),
  collection: z.string(),
  /** As it was given; absent where it was not. */
  split: z.string().optional(),
  reasoner: z.string(),
  retriever: z.string(),
  scoring: z.string(),
  analyzer: z.string(),
  /** BM25's. */
  parameters: z.object({ k1: z.number(), b: z.number() }),
  combine: z.string(),
  /** What else is done with the reasoner and its text, as the run's name tells it. */
  plan: z.array(z.string()).readonly(),
  k: count,
  queries: count,
  /** The mean over the topics, the sum of counts. */
  measures,
  reasoning: z.object({
    failed: count,
    cached: count,
    cut: count,
    early: count,
    skipped: count,
    uncounted: count,
    promptTokens: count,
    completionTokens: count,
    cost: z.array(money).readonly(),
  }),
  milliseconds: z.object({ index: z.number(), reason: z.number(), search: z.number(), total: z.number() }),
  /** The same for the same judgements: runs with the same can be compared topic by topic. */
  judgements: z.string(),
});

/** `evaluation.json`. */
export const savedEvaluationSchema = evaluationHeadSchema.extend({
  /** In the byte order of their ids. */
  topics: z.array(savedTopicSchema).readonly(),
});

/** What `evaluation.json` says. */
export type SavedEvaluation = Readonly<z.infer<typeof savedEvaluationSchema>>;

/** What `evaluation.json` says but for its topics. */
export type EvaluationHead = Readonly<z.infer<typeof evaluationHeadSchema>>;

/** One topic's measures, and what reasoning about it came to. */
export type SavedTopic = Readonly<z.infer<typeof savedTopicSchema>>;

/** A line of `topics.jsonl`; BEIR's readers of queries read it, too. */
export interface SavedTopicText {
  readonly _id: string;
  readonly text: string;
  /** Documents that were removed from its ranking. */
  readonly excluded?: readonly string[];
  /** As `quern reason --json` prints it, without the question. */
  readonly reasoned: Omit<ReasonedRecord, 'query'>;
}

/** A document of a saved ranking. */
export interface SavedHit {
  readonly id: string;
  readonly score: number;
  /** From 1. */
  readonly rank: number;
  /** Where it is judged. */
  readonly level?: number;
}

/** All that is saved of a topic. */
export interface SavedTopicRecord extends SavedTopic {
  /** Absent where `topics.jsonl` has no line of it that can be read. */
  readonly text?: string;
  readonly excluded?: readonly string[];
  readonly reasoned?: SavedTopicText['reasoned'];
  /** The best so many. */
  readonly ranking: readonly SavedHit[];
  /** Documents of the ranking, cut or not. */
  readonly retrieved: number;
  /** The relevant documents, the most relevant first, with their ranks where they were found. */
  readonly relevant: readonly { readonly id: string; readonly level: number; readonly rank?: number }[];
  /** Lines of its files that could not be read. */
  readonly unreadable: number;
}

/** What of a line of `topics.jsonl` must be as it was written for it to be read. */
export const savedTopicTextSchema = z.object({
  _id: z.string(),
  text: z.string(),
  excluded: z.array(z.string()).readonly().optional(),
  reasoned: z.looseObject({ text: z.string(), finish: z.enum(finishes) }),
});
