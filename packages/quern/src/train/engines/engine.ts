/** What an engine is to Quern: a job's folder that it is started with, a log that is read, checkpoints that are taken over. */
import type { TrainConfig } from '../configuration/train-config.ts';
import type { EngineData } from './engine-data.ts';

/** Engines beside LibTorch, by their names in `--engine`. */
export const engineNames = ['trl', 'openrlhf', 'verl'] as const;
export type EngineName = (typeof engineNames)[number];

/** A program with its arguments; no shell reads them. */
export interface EngineCommand {
  /** What it is, in words: `training`, `vLLM`. */
  readonly what: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Variables of its environment, beside those that there are. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What a job is made of. */
export interface JobParts {
  readonly config: TrainConfig;
  /** The job's folder, absolute: the training's working folder. Files are named in it. */
  readonly folder: string;
  /** The folder of the model that training begins with, absolute, or its name on the hub. */
  readonly model: string;
  readonly data: EngineData;
  /** Where the reward is asked: `http://HOST:PORT`. */
  readonly rewardUrl: string;
  /** The Python that has the engine. */
  readonly python: string;
}

/** A training as files and commands; started again, they go on from the engine's last checkpoint. */
export interface EngineJob {
  /** Texts of files by their names in the job's folder. */
  readonly files: Readonly<Record<string, string>>;
  /** What runs beside the training on this machine, for as long as it does. */
  readonly services: readonly EngineCommand[];
  readonly training: EngineCommand;
  /** Lines of a shell for a cluster (Slurm, Ray): printed and written to `cluster.sh`, never run. */
  readonly cluster: string;
  /** What the engine does not do that was asked, where it trains all the same; told before it begins. */
  readonly notes?: readonly string[];
}

/** Figures of a step by their names in `metrics.jsonl`, with its number; without any: what follows goes on from that step. */
export interface EngineLine {
  readonly step: number;
  /** A loss that is no number is among them, as NaN. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Tokens of prompts and completions of this step, where the engine does not add up `num_tokens` itself. */
  readonly tokens?: number;
}

/** An engine. */
export interface Engine {
  readonly name: EngineName;
  /** The files of `engines/` that a job has copies of. */
  readonly programs: readonly string[];
  /** The files of `engines/requirements/` that say which versions it was made for. */
  readonly requirements: readonly string[];
  /** Whether it makes tokens of prompts itself, and would read control tokens in a question. */
  readonly tokenizes: boolean;
  /** Throws `USAGE` for what a configuration asks and the engine does not have. */
  job(parts: JobParts): EngineJob;
  /** The file in the job's folder that the engine logs to, a line a step; `log.txt` is all that it prints. */
  readonly log: string;
  /** What a line of the log tells of a step; undefined for one that tells nothing. Untrusted: it never throws. */
  lineOf(text: string, config: TrainConfig): EngineLine | undefined;
  /** Whole checkpoints in the job's folder, the last one last. */
  checkpoints(folder: string, config: TrainConfig): Promise<readonly EngineCheckpoint[]>;
  /** Rollouts that it wrote, where it does; a file is taken away once it was read. */
  samples?(folder: string, config: TrainConfig): Promise<readonly EngineSamples[]>;
}

/** A rollout that an engine wrote. */
export interface EngineSamples {
  readonly step: number;
  readonly path: string;
  /** Groups as `samples/step-N.jsonl` has them. */
  records(): Promise<readonly unknown[]>;
}

/** A checkpoint of an engine. */
export interface EngineCheckpoint {
  readonly step: number;
  /** What it goes on from. */
  readonly folder: string;
  /** The Hugging Face folder in it, or that can be made of it. */
  readonly model: string;
}
