/** Training from beginning to end: a run is opened, makes its steps, and is told of however it ends. */
import { QuernError } from '../errors.ts';
import { quernError } from '../models/torch/torch-error.ts';
import { configYaml } from './configuration/read-config.ts';
import { checkSameRun } from './configuration/same-run.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { RunFolder, type BestCheckpoint, type RunState } from './run-folder.ts';
import { Run, type TrainingOptions } from './run.ts';

export type { TrainingEvent, TrainingOptions } from './run.ts';

/** How a run ended. */
export interface TrainingOutcome {
  readonly status: 'done' | 'stopped';
  readonly step: number;
  readonly folder: string;
  /** The folder of the last checkpoint. */
  readonly checkpoint?: string;
  readonly best?: BestCheckpoint;
}

/**
 * Trains as a configuration says, in the folder that it names; with `resume`, on from the last checkpoint. A run that is stopped
 * between its steps is returned as such; one that is stopped while it is opened throws `ABORTED`. Throws what its parts throw, after what was done up to the last whole step is in a checkpoint, unless it is
 * `DIVERGED` or memory, disk or device are used up: then the last checkpoint is as it was.
 */
export async function train(config: TrainConfig, options: TrainingOptions = {}): Promise<TrainingOutcome> {
  const { resume = false } = options;
  const folder = await RunFolder.open(config.output_dir, { resume });
  try {
    if (resume) await checkSameRun(config, folder.configFile);
    const last = resume ? ((await folder.checkpoints()).at(-1) ?? 0) : 0;
    if (last > config.max_steps) {
      throw new QuernError('USAGE', `the run has made ${last} steps already`, {
        where: `max_steps ${config.max_steps}`,
        hint: 'Give it as many, or more',
      });
    }
    if (resume && last === config.max_steps) {
      options.onEvent?.({ kind: 'note', text: `all ${last} steps are made; a larger max_steps makes more` });
    }
    const from = last === 0 ? undefined : await folder.trainerState(last);
    const run = await Run.open(config, folder, { ...options, from }).catch(async (error: unknown) => {
      // Nothing was done yet: the folder is as it was, and can be named again.
      if (!resume) await folder.discard();
      throw from === undefined ? quernError(error) : ofCheckpoint(quernError(error), folder.checkpoint(last));
    });
    try {
      try {
        await folder.rewind(last);
        await folder.writeConfig(configYaml(config));
      } catch (error) {
        if (!resume) await folder.discard();
        throw error;
      }
      return await toItsEnd(run, config, folder, options);
    } finally {
      await run.close();
    }
  } finally {
    await folder.close();
  }
}

/** Makes the steps that are left, and tells in the folder how the run fares. */
async function toItsEnd(
  run: Run,
  config: TrainConfig,
  folder: RunFolder,
  options: TrainingOptions,
): Promise<TrainingOutcome> {
  const tell = (status: RunState['status'], error?: string): Promise<void> =>
    folder.writeState({
      status,
      step: run.step,
      max_steps: config.max_steps,
      ...(run.best && { best: run.best }),
      ...(error !== undefined && { error }),
    });
  try {
    await tell('running');
    await run.toEnd(() => tell('running'));
    await tell('done');
    return await outcome('done', run, folder);
  } catch (error) {
    const typed = quernError(error);
    const isStop = typed instanceof QuernError && typed.code === 'ABORTED';
    let message = isStop ? undefined : messageOf(typed);
    if (isKeepable(typed)) {
      await run.keep().catch((unkept: unknown) => {
        const lost = `no checkpoint of step ${run.step} could be written: ${messageOf(unkept)}`;
        options.onEvent?.({ kind: 'note', text: lost });
        message = message === undefined ? lost : `${message}; ${lost}`;
      });
    }
    await tell(isStop ? 'stopped' : 'failed', message).catch(() => undefined);
    if (isStop) return outcome('stopped', run, folder);
    throw typed;
  }
}

async function outcome(
  status: TrainingOutcome['status'],
  run: Run,
  folder: RunFolder,
): Promise<TrainingOutcome> {
  const last = (await folder.checkpoints()).at(-1);
  return {
    status,
    step: run.step,
    folder: folder.path,
    ...(last !== undefined && { checkpoint: folder.checkpoint(last) }),
    ...(run.best && { best: run.best }),
  };
}

/** What opening a damaged checkpoint throws, with what can be done about it. */
function ofCheckpoint(error: unknown, checkpoint: string): unknown {
  const isOfIt = error instanceof QuernError && error.where?.startsWith(checkpoint) === true;
  if (!isOfIt || error.code === 'ABORTED' || error.code === 'OUT_OF_MEMORY') return error;
  return new QuernError(error.code, error.what, {
    where: error.where,
    hint: `If the checkpoint is damaged, take ${checkpoint} away: the run goes on from the one before`,
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether weights are good, and memory and disk there to keep them, when this went wrong. */
function isKeepable(error: unknown): boolean {
  if (!(error instanceof QuernError)) return false;
  return !['DIVERGED', 'OUT_OF_MEMORY', 'DISK_FULL'].includes(error.code);
}
