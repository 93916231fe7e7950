import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import type { EarlyStop } from './early-stop.ts';
import type { Gate, GateDecision } from './gate.ts';
import type { Rounds } from './rounds.ts';
import type { SearchPlanning } from './searches.ts';

/** What a query is reasoned about with. */
export interface ReasoningPlan extends SearchPlanning {
  readonly reasoner: Reasoner;
  /** Asked before the reasoner; where it says no, the query stands alone. */
  readonly gate?: Gate;
  /** When a text is enough; without it the model writes until it ends. */
  readonly earlyStop?: EarlyStop;
  /** Feedback rounds; without them the model is asked once. */
  readonly rounds?: Rounds;
}

/** One time that the model was asked. */
export interface Round {
  readonly reasoned: ReasonedQuery;
  /** The passages that it was shown: documents' ids, and what was shown of them. */
  readonly passages: readonly { readonly id: string; readonly text: string }[];
}

/** What reasoning about a query came to. */
export interface Reasoning {
  readonly reasoned: ReasonedQuery;
  /** What the gate said, where there is one. */
  readonly gate?: GateDecision;
  /** Each time that the model was asked, where there are rounds. */
  readonly rounds?: readonly Round[];
  /** How often the ranking was looked at while texts came in, and the milliseconds that took. */
  readonly probing?: { readonly probes: number; readonly milliseconds: number };
}

/** What reasoners were asked to make a reasoned query, each round and each of several by itself. */
export function callsOf({ reasoned, rounds }: Pick<Reasoning, 'reasoned' | 'rounds'>): ReasonedQuery[] {
  const asked = rounds?.map((round) => round.reasoned) ?? [reasoned];
  return asked.flatMap((each) => each.parts ?? [each]);
}

/** How a query is reasoned about. */
export interface ReasoningOptions {
  /** Ids of documents that are not learnt from. */
  readonly excluded?: readonly string[];
  readonly signal?: AbortSignal;
}
