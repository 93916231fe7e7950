import type { TermWeights } from '../collections/records.ts';
import type { ServerStanding } from '../models/openai/server-standing.ts';
import type { QuernErrorCode } from '../errors.ts';

/** Options of one call of a reasoner. */
export interface ReasonOptions {
  /** Documents that the reasoner must not learn from (feedback), as they are excluded from the ranking. */
  readonly excluded?: Iterable<string>;
  /** Which of several samples of one query, from 0. Reasoners that do not sample yield the same for all. Default 0. */
  readonly sample?: number;
  /**
   * Passages that were found before and that the reasoner may learn from, the best first; see
   * {@link Reasoner.takesPassages}.
   */
  readonly passages?: readonly string[];
  /** Asked while the text comes; what it says to be enough ends the text there, with `finish: 'early'`. */
  readonly enough?: Enough;
  readonly signal?: AbortSignal;
}

/**
 * Looks at the text so far, of which there is more each time, and says after how many of its characters it is enough;
 * undefined where it is not. What it says depends on the text alone, not on the pieces that it came in.
 */
export type Enough = (text: string) => TextEnd | undefined | Promise<TextEnd | undefined>;

/** Where a text ends, and why there. */
export interface TextEnd {
  /** Characters (UTF-16 code units) that are kept. */
  readonly length: number;
  readonly why: string;
}

/** A part of what a model wrote that did not go to the retriever. */
export interface Cut {
  /**
   * `stable`: the ranking had stopped changing; `repeated`: the text went round in circles; `thought`: it thought before its
   * answer.
   */
  readonly kind: 'stable' | 'repeated' | 'thought';
  /** In words, with the figures that decided. */
  readonly why: string;
  /** What was left out, as far as it had been written. */
  readonly text: string;
}

/** How a reasoned query ended: by itself, at the token limit, stopped early, not asked for, or in an error. */
export type FinishReason = 'stop' | 'length' | 'early' | 'skipped' | 'failed';

/** What a reasoner makes of a query. */
export interface ReasonedQuery {
  readonly query: string;
  /** The reasoned query. Empty when there is none; then the query stands alone. */
  readonly text: string;
  /** Where a reasoner yields term weights rather than prose: final w(t,q), which the retriever takes instead of the text. */
  readonly weights?: TermWeights;
  /** The reasoner's id. */
  readonly reasoner: string;
  readonly finish: FinishReason;
  /** Tokens of a language model; 0 where none was asked. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /**
   * Set where a server did not say what it took, as where its reply was ended early: then the prompt's tokens are not counted,
   * the pieces of the reply stand for its tokens, and there is no cost.
   */
  readonly uncounted?: true;
  /** By the clock, from the call to its end. */
  readonly milliseconds: number;
  /** Whether it was recorded before rather than made now. */
  readonly cached: boolean;
  /** Why there is none, where `finish` is `failed`. */
  readonly failure?: Failure;
  /** Why none was asked for, where `finish` is `skipped` by a gate. */
  readonly skipped?: string;
  /** What was left out of the text, and why. */
  readonly cuts?: readonly Cut[];
  /** Where several were made for one query: each of them. */
  readonly parts?: readonly ReasonedQuery[];
  /** Completion tokens a second, from the first on, where it was generated now. */
  readonly tokensPerSecond?: number;
  /** The seed that it was sampled with, where it was. */
  readonly seed?: number;
  /** What it cost, where prices are known: 0 when it was recorded before. */
  readonly cost?: Money;
}

/** Why a reasoner has nothing to say. */
export interface Failure {
  readonly code: QuernErrorCode;
  /** What went wrong, where, and what can be done. */
  readonly message: string;
}

/** An amount of money. */
export interface Money {
  readonly amount: number;
  /** ISO 4217, e.g. `USD`. */
  readonly currency: string;
}

/** Turns a query into a reasoned query. */
export interface Reasoner {
  /** The string that names it, e.g. `none`, `rm3`, `file:reasoned.json`. It never holds a key or a password. */
  readonly id: string;
  /** How many calls at once it answers faster than one after the other. Default 1. */
  readonly parallel?: number;
  /** Where several are asked about each query: these, each about one of its samples. A pipeline asks them in its place. */
  readonly members?: readonly { readonly reasoner: Reasoner; readonly sample: number }[];
  /** Where several servers are asked in turn: how each stands now. */
  readonly servers?: readonly ServerStanding[];
  /** Whether it heeds {@link ReasonOptions.passages}. */
  readonly takesPassages?: boolean;
  /** Throws a typed error where it fails: who calls it decides whether the query then stands alone. */
  reason(query: string, options?: ReasonOptions): Promise<ReasonedQuery>;
  /**
   * The same, its text in pieces as they come; what it returns at the end is the whole. Pieces may run past the place at
   * which the text is then cut: where `enough` ends it early, or where it went round in circles.
   */
  stream?(query: string, options?: ReasonOptions): AsyncGenerator<string, ReasonedQuery, undefined>;
  /** Loads what it needs, so that the first call is not the slow one, and throws what is wrong with it. */
  ready?(options?: Pick<ReasonOptions, 'signal'>): Promise<void>;
  /**
   * Everything that determines a reasoned query but this machine (the model's content, prompt, sampling, seed, sample and
   * query), in one text of any length. A reasoner without it is not cached.
   */
  cacheKey?(query: string, options?: Pick<ReasonOptions, 'sample' | 'passages' | 'signal'>): Promise<string>;
  /** Frees what it holds; calls under way end in an error. */
  close(): Promise<void>;
}
