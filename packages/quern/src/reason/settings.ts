import type { ServerChange } from '../models/openai/server-pool.ts';
import type { OnWork } from '../work.ts';
import type { Warnings } from '../warnings.ts';
import type { Sampling } from './sampling.ts';

/** How reasoners that are language models are opened. */
export interface ModelSettings {
  /** What differs from the published sampling. */
  readonly sampling?: Partial<Sampling>;
  /** The number that seeds are derived from, beside model, prompt, query and sample. Default 0. */
  readonly seed?: number;
  /** Queries that are reasoned about at once, of several servers at each. */
  readonly parallel?: number;
  /** Threads that llama.cpp computes with where there is no GPU. Default: the processor's cores. */
  readonly threads?: number;
  /** GGUF files of LoRA adapters that are applied to a model in this process. */
  readonly adapters?: readonly string[];
  /** The folder for converted models and hashes. Default: the user's cache folder. */
  readonly cacheFolder?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly warnings?: Warnings;
  readonly onWork?: OnWork;
  /** Of several servers: how long none of them may answer, in milliseconds. The configuration's counts more. Default 10 s. */
  readonly outage?: number;
  /** Told where one of several servers leaves the pool or comes back. */
  readonly onServer?: (change: ServerChange) => void;
}
