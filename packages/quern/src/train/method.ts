/** What differs between ways to train: where a step's lessons come from, and what validation measures. */
import type { MetricsLine } from './metrics.ts';
import type { TrainedModel } from './policy/trained-model.ts';

/** What was done in one go. */
export interface Progress {
  /** Without the fields that all lines have. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Tokens that went through the model. */
  readonly tokens: number;
  /** How often the data was gone through so far. */
  readonly epoch: number;
  /** What is kept of it to be read, where it was asked for. */
  readonly samples?: readonly unknown[];
}

/** What validation found. */
export interface Validated {
  /** By their names in `metrics.jsonl`. */
  readonly figures: Omit<MetricsLine, 'kind' | 'step'>;
  /** Some of the questions, the same each time, and what was made of them; where it was asked for. */
  readonly samples?: readonly unknown[];
}

/** A way to train. */
export interface Method {
  /** Optimiser steps that are made in one go. */
  readonly stepsAtOnce: number;
  /** What tells data apart that is learnt from: a hash. */
  readonly data: string;
  /** Makes the steps after the first `step`. */
  advance(
    trained: TrainedModel,
    step: number,
    options: { readonly withSamples: boolean; readonly signal?: AbortSignal },
  ): Promise<Progress>;
  /** Undefined where there is nothing to validate on. */
  validate(
    trained: TrainedModel,
    options: { readonly withSamples: boolean; readonly signal?: AbortSignal },
  ): Promise<Validated | undefined>;
  /** The figure that the best checkpoint is best in; how much better it is when it is higher: 1, or -1. */
  readonly best: { readonly metric: string; readonly sign: 1 | -1 };
  /** Forgets what later steps could depend on and a run that is taken up again does not have. */
  forget(): void;
  close(): Promise<void>;
}
