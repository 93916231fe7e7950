import { InvalidArgumentError, Option, type Command } from 'commander';
import { readConfiguration } from '../reason/configuration.ts';
import type { ReasonerSettings } from '../reason/reasoners.ts';
import type { Warnings } from '../warnings.ts';
import { durationNamed } from '../durations.ts';
import { parsed, positiveInteger, shared } from './options.ts';
import { noteOverBar } from './batch-progress.ts';
import { startProgress } from './progress.ts';

/** What the options of {@link addReasonerOptions} come to. */
export interface ReasonerOptions {
  readonly deadline?: number;
  readonly strict?: boolean;
  readonly seed?: number;
  readonly maxTokens?: number;
  readonly parallel?: number;
  readonly cache?: string | boolean;
  readonly refresh?: boolean;
  readonly config?: string;
}

/** Gives a command the options that say how its reasoner is opened. */
export function addReasonerOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--deadline <time>',
        'the most time for a query, e.g. 800ms or 5s; then it goes as it is',
      ).argParser(parsed(durationNamed)),
    )
    .option('--strict', 'a language model that fails is an error; else the question is searched as it is')
    .addOption(
      new Option('--seed <number>', 'other samples of a language model (default: 0)').argParser(wholeNumber),
    )
    .addOption(
      new Option(
        '--max-tokens <number>',
        'the most tokens that a language model writes (default: 500)',
      ).argParser(positiveInteger),
    )
    .addOption(
      new Option(
        '--parallel <number>',
        'queries at once, of several servers at each (default: 1 for llama, 8 for openai)',
      ).argParser(positiveInteger),
    )
    .addOption(shared.cache())
    .option('--no-cache', 'neither read nor write the cache of reasoned queries')
    .option('--refresh', 'ask again what is in the cache, and replace it')
    .addOption(
      new Option('--config <file>', 'prices, limits and sampling of reasoners, in YAML').env('QUERN_CONFIG'),
    );
}

/** The settings that the options say. Throws what reading the configuration throws. */
export async function reasonerSettings(
  options: ReasonerOptions,
  warnings: Warnings,
): Promise<ReasonerSettings> {
  const { deadline, strict, seed, maxTokens, parallel, cache, refresh, config } = options;
  return {
    deadline,
    strict,
    seed,
    parallel,
    sampling: maxTokens === undefined ? undefined : { maxTokens },
    configuration: config === undefined ? undefined : await readConfiguration(config),
    cached: cache !== false,
    cacheFolder: typeof cache === 'string' && cache !== '' ? cache : undefined,
    refresh,
    warnings,
    onWork: startProgress,
    onServer: ({ name, isIn, why }) =>
      noteOverBar(`quern: ${name} ${isIn ? 'is back' : `leaves the pool: ${why}`}`),
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('It must be a whole number.');
  }
  return value;
}
