/** A run on another engine: its job is written, started and followed, and what it makes is taken over. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathKindIfAny } from '../../collections/files.ts';
import { QuernError, throwIfAborted } from '../../errors.ts';
import { resolveModel } from '../../models/hub.ts';
import { parseCheckpointName } from '../../models/model-name.ts';
import { tinyModelName } from '../../models/checkpoint-parts.ts';
import type { OnWork } from '../../work.ts';
import { meanOf } from '../advantages.ts';
import { configYaml } from '../configuration/read-config.ts';
import { checkSameRun } from '../configuration/same-run.ts';
import { isRewardAddress } from '../configuration/together.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import { openPrompts } from '../prompts.ts';
import { RunFolder, type RunState } from '../run-folder.ts';
import { startingCheckpoint, startingParts } from '../starting-checkpoint.ts';
import type { TrainingEvent, TrainingOutcome } from '../trainer.ts';
import { engineData, type EngineData } from './engine-data.ts';
import {
  discardUnstarted,
  endLaunched,
  engineOfRun,
  jobFolder,
  noteLaunched,
  writeJob,
} from './engine-folder.ts';
import { failureOf, trainingFailure } from './engine-failure.ts';
import { EngineJournal } from './engine-journal.ts';
import { checkProgram, EngineProcess, startGuard } from './engine-process.ts';
import type { Engine, EngineJob } from './engine.ts';
import { isUp } from './reward-health.ts';
import { serveRewardOf, type ServedReward } from './reward-process.ts';

/** How a run on an engine is begun or taken up. */
export interface EngineOptions {
  readonly resume?: boolean;
  /** The Python that has the engine. Default `python3`. */
  readonly python?: string;
  readonly onEvent?: (event: TrainingEvent) => void;
  readonly onWork?: OnWork;
  /** Stops it: what was done is kept in a checkpoint, and the run can be taken up again. */
  readonly signal?: AbortSignal;
}

/** A job that was written. */
export interface WrittenJob {
  readonly folder: string;
  readonly job: EngineJob;
}

/** Stands for the address of the server of rewards in a job that is not started here. */
const rewardPlace = 'http://127.0.0.1:8700';
/** How often the log is looked at, and the server of rewards is asked how it fares, in milliseconds. */
const lookEvery = 250;
const askEvery = 10_000;
/** How often a server at an address may not answer before the training is stopped. */
const mostSilences = 6;
/** The file that tells a training to write a checkpoint and end. */
const stopFile = 'stop';

/**
 * Writes the job of a configuration into its run's folder, and starts nothing: the run can be begun with `resume`, or the job by
 * its commands, on whatever machine. Throws as {@link trainOnEngine} does before it starts anything.
 */
export async function writeEngineJob(
  config: TrainConfig,
  engine: Engine,
  options: EngineOptions = {},
): Promise<WrittenJob> {
  // A job that nobody started can be written anew.
  if (!options.resume) await discardUnstarted(config.output_dir, engine.log);
  return withFolder(config, engine, options, async (folder) => {
    const address = isRewardAddress(config.reward ?? '') ? config.reward! : rewardPlace;
    const written = await prepared(config, engine, folder, { ...options, rewardUrl: address });
    await folder.writeConfig(configYaml(config));
    return written;
  });
}

/**
 * Trains as a configuration says on another engine, in the folder that it names; with `resume`, on from the engine's last
 * checkpoint. Metrics, samples and checkpoints come to be there as in a training here. Throws `USAGE` for what the engine does
 * not have and for more than one machine, `NOT_FOUND` where Python is not there, `LOCKED` where an earlier attempt does not end,
 * `IO` where the training or the server of rewards ends before its time, with what it said last, and `DIVERGED`; what was done up
 * to the engine's last checkpoint is kept.
 */
export async function trainOnEngine(
  config: TrainConfig,
  engine: Engine,
  options: EngineOptions = {},
): Promise<TrainingOutcome> {
  if (config.num_machines > 1) {
    throw new QuernError('USAGE', 'starts processes on one machine alone', {
      where: `num_machines ${config.num_machines}`,
      hint: '--dry-run writes the job, with a script for a cluster',
    });
  }
  await checkProgram(options.python ?? 'python3');
  return withFolder(config, engine, options, async (folder) => {
    const at = jobFolder(folder.path);
    await endLaunched(at);
    await mkdir(at, { recursive: true });
    const reward = await rewardOf(config, at, options);
    try {
      const { job, data } = await prepared(config, engine, folder, { ...options, rewardUrl: reward.url });
      await folder.writeConfig(configYaml(config));
      const journal = new EngineJournal(engine, { job: at, folder, config, data: data.hash });
      await journal.takeOver();
      await rm(join(at, stopFile), { force: true });
      throwIfAborted(options.signal);
      return await followed({ config, engine, folder, at, job, journal, reward, options });
    } finally {
      await reward.stop();
    }
  });
}

/**
 * Takes over what a job has logged and written that runs elsewhere, once. Throws `NOT_FOUND` where there is no such run, and what
 * {@link EngineJournal} throws.
 */
export async function collectJob(
  config: TrainConfig,
  engine: Engine,
  options: Pick<EngineOptions, 'onEvent'> = {},
): Promise<TrainingOutcome> {
  return withFolder(config, engine, { ...options, resume: true }, async (folder) => {
    const journal = new EngineJournal(engine, { job: jobFolder(folder.path), folder, config, data: '' });
    tellTaken(await journal.takeOver(), options);
    const isDone = journal.step >= config.max_steps;
    await folder.writeState(stateOf(isDone ? 'done' : 'running', journal.step, config));
    return outcomeOf(isDone ? 'done' : 'stopped', journal.step, folder);
  });
}

async function withFolder<T>(
  config: TrainConfig,
  engine: Engine,
  { resume = false }: EngineOptions,
  work: (folder: RunFolder) => Promise<T>,
): Promise<T> {
  if (config.method !== 'grpo') {
    throw new QuernError('USAGE', `--engine ${engine.name} trains by grpo alone`, {
      where: `method ${config.method}`,
      hint: 'Imitation runs here: leave --engine out',
    });
  }
  const folder = await RunFolder.open(config.output_dir, { resume });
  try {
    if (resume) {
      await checkSameRun(config, folder.configFile);
      const begun = await engineOfRun(folder.path);
      if (begun !== engine.name) {
        throw new QuernError('USAGE', `the run was begun on ${begun ?? 'libtorch'}`, {
          where: `--engine ${engine.name}`,
          hint: 'Leave --engine out, or begin a new run',
        });
      }
    }
    return await work(folder);
  } catch (error) {
    // Nothing was begun: the folder is as it was, and can be named again.
    if (!resume && !(await pathKindIfAny(folder.configFile))) await folder.discard();
    throw error;
  } finally {
    await folder.close();
  }
}

/** Reads the data and writes the job. */
async function prepared(
  config: TrainConfig,
  engine: Engine,
  folder: RunFolder,
  options: EngineOptions & { readonly rewardUrl: string },
): Promise<WrittenJob & { readonly data: EngineData }> {
  const { signal, onEvent, onWork, resume, python = 'python3', rewardUrl } = options;
  const onNote = (text: string): void => onEvent?.({ kind: 'note', text });
  if (config.eval_steps > 0) {
    onNote('there is no validation on other engines: measure the checkpoints by quern eval');
  }
  if (config.generation_rows !== 'auto') {
    onNote('generation_rows is for completions that are drawn here: other engines batch as they do');
  }
  const start = await startingModel(config, { resume, onWork, signal });
  const prompts = await openPrompts(start.texts, config.prompt, signal);
  const data = await engineData(config, prompts, { tokenizes: engine.tokenizes, onNote, signal });
  const at = jobFolder(folder.path);
  // It is started in the job's folder, where a path from here leads elsewhere; a bare name is looked for as a shell does.
  const program = python.includes('/') ? resolve(python) : python;
  const job = engine.job({ config, folder: at, model: start.model, data, rewardUrl, python: program });
  for (const note of job.notes ?? []) onNote(note);
  await writeJob(at, engine, job, { data: data.hash });
  return { folder: at, job, data };
}

/** The model that a job begins with: a folder, or a name of the hub, which the engine downloads; and where its tokenizer is. */
async function startingModel(
  config: TrainConfig,
  options: Pick<EngineOptions, 'resume' | 'onWork' | 'signal'>,
): Promise<{ readonly model: string; readonly texts: string }> {
  const named = config.model_name_or_path;
  if (named !== tinyModelName && (await parseCheckpointName(named)).kind === 'hub') {
    const { folder } = await resolveModel(named, { ...options, files: isSmall });
    return { model: named, texts: folder };
  }
  const { folder } = await startingCheckpoint(await startingParts(config, options), config, options);
  return { model: resolve(folder), texts: folder };
}

/** Whether a file of a model is no weights. */
function isSmall(file: string): boolean {
  return !/\.(?:safetensors|bin|pth?|gguf|onnx|h5|msgpack)$/.test(file);
}

/** The reward's address, where it is one, or a server that is started for the run. */
async function rewardOf(
  config: TrainConfig,
  at: string,
  { signal }: EngineOptions,
): Promise<ServedReward & { readonly isOurs: boolean }> {
  const { reward = '' } = config;
  if (isRewardAddress(reward)) {
    const url = reward.replace(/\/(?:v1\/rewards)?\/*$/, '');
    return { url, isOurs: false, ended: new Promise(() => undefined), stop: async () => undefined };
  }
  return { ...(await serveRewardOf(config, { log: join(at, 'reward.txt'), signal })), isOurs: true };
}

interface Started {
  readonly config: TrainConfig;
  readonly engine: Engine;
  readonly folder: RunFolder;
  readonly at: string;
  readonly job: EngineJob;
  readonly journal: EngineJournal;
  readonly reward: ServedReward & { readonly isOurs: boolean };
  readonly options: EngineOptions;
}

/** Starts a job's programs and follows them to their end. */
async function followed(started: Started): Promise<TrainingOutcome> {
  const { config, folder, at, job, journal, options } = started;
  const running: EngineProcess[] = [];
  let endGuard: (() => void) | undefined;
  try {
    for (const command of [...job.services, job.training]) {
      running.push(await EngineProcess.start(command, { folder: at, log: logOf(at, command) }));
      await noteLaunched(
        at,
        running.map(({ pid }) => pid),
      );
    }
    const training = running.at(-1)!;
    const services = running.slice(0, -1);
    endGuard = startGuard(
      training.pid,
      services.map(({ pid }) => pid),
    );
    await folder.writeState(stateOf('running', journal.step, config));
    const isStopped = await toItsEnd(started, training, services);
    tellTaken(await journal.takeOver(), options);
    if (!isStopped && journal.step < config.max_steps) {
      throw await failureOf(
        `the training ended after step ${journal.step} of ${config.max_steps}`,
        logOf(at, job.training),
      );
    }
    const status = journal.step < config.max_steps ? 'stopped' : 'done';
    await folder.writeState(stateOf(status, journal.step, config));
    return await outcomeOf(status, journal.step, folder);
  } catch (error) {
    await Promise.all(running.map((each) => each.stop()));
    await journal.takeOver().catch(() => undefined);
    const message = error instanceof Error ? error.message : String(error);
    await folder
      .writeState({ ...stateOf('failed', journal.step, config), error: message })
      .catch(() => undefined);
    throw error;
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    endGuard?.();
  }
}

/** The file of what a program of a job prints. */
function logOf(at: string, { what }: { readonly what: string }): string {
  return join(at, what === 'training' ? 'log.txt' : `${what.toLowerCase()}.txt`);
}

/** Takes over what comes until the training ends. Returns whether it was stopped; throws where it failed. */
async function toItsEnd(
  { config, engine, folder, at, journal, reward, options }: Started,
  training: EngineProcess,
  services: readonly EngineProcess[],
): Promise<boolean> {
  const { signal } = options;
  const seconds: number[] = [];
  let last = performance.now();
  let asked = last;
  let silences = 0;
  let isStopping = false;
  let rewardEnded = false;
  void reward.ended.then(() => (rewardEnded = true));
  while (training.isRunning) {
    await Promise.race([training.ended, new Promise((wake) => setTimeout(wake, lookEvery))]);
    const taken = await journal.takeOver();
    if (taken.lines.length > 0) {
      const now = performance.now();
      seconds.push((now - last) / 1000 / taken.lines.length);
      last = now;
      await folder.writeState(stateOf('running', journal.step, config));
    }
    const left = (config.max_steps - journal.step) * meanOf(seconds.slice(-10));
    tellTaken(taken, options, seconds.length > 1 ? left : undefined);
    if (taken.diverged) {
      throw new QuernError('DIVERGED', `the loss of step ${taken.diverged.step} is ${taken.diverged.loss}`, {
        where: join(at, engine.log),
      });
    }
    if (signal?.aborted && !isStopping) {
      isStopping = true;
      await writeFile(join(at, stopFile), '');
    }
    const ended = services.find((service) => !service.isRunning);
    if (ended) throw await failureOf(`${ended.what} ended, and the training was stopped`, logOf(at, ended));
    if (rewardEnded) {
      const what = 'the server of rewards ended, and the training was stopped';
      throw await failureOf(what, join(at, 'reward.txt'));
    }
    if (performance.now() - asked > askEvery) {
      silences = (await isUp(reward.url)) ? 0 : silences + 1;
      asked = performance.now();
      if (silences >= mostSilences) {
        throw new QuernError('NETWORK', 'the server of rewards does not answer', {
          where: reward.url,
          hint: 'Start it again, then go on by --resume',
        });
      }
    }
  }
  const { code, signal: killed } = await training.ended;
  if (code !== 0) throw await trainingFailure(at, killed ?? code);
  // Whoever runs it may have made the file too.
  return isStopping || (await pathKindIfAny(join(at, stopFile))) !== undefined;
}

function stateOf(status: RunState['status'], step: number, { max_steps }: TrainConfig): RunState {
  return { status, step, max_steps };
}

function tellTaken(
  { lines, checkpoints }: Awaited<ReturnType<EngineJournal['takeOver']>>,
  { onEvent }: Pick<EngineOptions, 'onEvent'>,
  secondsLeft?: number,
): void {
  for (const line of lines) {
    onEvent?.({ kind: 'metrics', line, ...(secondsLeft !== undefined && { secondsLeft }) });
  }
  for (const folder of checkpoints) onEvent?.({ kind: 'checkpoint', folder, isBest: false });
}

async function outcomeOf(
  status: TrainingOutcome['status'],
  step: number,
  folder: RunFolder,
): Promise<TrainingOutcome> {
  const last = (await folder.checkpoints()).at(-1);
  return {
    status,
    step,
    folder: folder.path,
    ...(last !== undefined && { checkpoint: folder.checkpoint(last) }),
  };
}
