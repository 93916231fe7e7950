import type { GateDecision } from '../../search/gate.ts';
import type { ReasonedQuery } from '../../reason/reasoner.ts';

/** A part of the work for a request that is timed by itself. */
export type Stage = 'reason' | 'search' | 'rerank' | 'embed' | 'reward';

/** Told what a service does, for whoever measures or logs it. */
export interface Observer {
  /** A stage took so many seconds. */
  stage(stage: Stage, seconds: number): void;
  /** A reasoner was asked: of several, and of rounds, each call by itself. `name` is as declared. */
  reasoned(name: string, reasoned: ReasonedQuery): void;
  gate(name: string, decision: GateDecision): void;
  /** Hits that a search found. */
  found(index: string, hits: number): void;
  /** Something failed and the answer went without it; `error` is for the log. */
  failed(what: string, code: string, error: unknown): void;
}
