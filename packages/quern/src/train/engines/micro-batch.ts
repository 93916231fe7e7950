/** How a step's completions are divided among processes and passes, and processes among machines. */
import { QuernError } from '../../errors.ts';
import type { TrainConfig } from '../configuration/train-config.ts';

/** Completions of a step: `perProcess` at a time in each process, `passes` times. */
export interface MicroBatches {
  readonly perProcess: number;
  readonly passes: number;
}

/**
 * As many completions at a time as `tokens_per_micro_batch` has room for, should all be as long as they may be, and at least one;
 * every process has as many. Throws `USAGE` where a step's completions cannot be divided evenly among the processes.
 */
export function engineMicroBatches(
  config: Pick<
    TrainConfig,
    | 'generation_batch_size'
    | 'steps_per_generation'
    | 'num_processes'
    | 'max_completion_length'
    | 'tokens_per_micro_batch'
  >,
  longestPrompt: number,
): MicroBatches {
  const {
    generation_batch_size: completions,
    steps_per_generation: steps,
    num_processes: processes,
  } = config;
  const each = completions / steps / processes;
  if (!Number.isInteger(each)) {
    throw new QuernError(
      'USAGE',
      `${completions / steps} completions of a step cannot be divided among ${processes} processes`,
      {
        where: 'num_processes',
        hint: `Take a divisor of ${completions / steps}, or another generation_batch_size`,
      },
    );
  }
  const room = Math.floor(config.tokens_per_micro_batch / (longestPrompt + config.max_completion_length));
  let perProcess = Math.max(1, Math.min(each, room));
  while (each % perProcess !== 0) perProcess -= 1;
  return { perProcess, passes: each / perProcess };
}

/** Processes of a machine, each with a GPU of its own. Throws `USAGE` where they cannot be divided among machines. */
export function processesOfMachine({
  num_processes: processes,
  num_machines: machines,
}: Pick<TrainConfig, 'num_processes' | 'num_machines'>): number {
  if (processes % machines === 0) return processes / machines;
  throw new QuernError('USAGE', `${processes} processes cannot be divided among ${machines} machines`, {
    where: 'num_machines',
    hint: `Take a multiple of ${machines} as num_processes`,
  });
}
