/** The folder of a run: its configuration, what is told of its steps, samples, checkpoints, and how it fares. */
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathKindIfAny } from '../collections/files.ts';
import { fileError, QuernError } from '../errors.ts';
import { mergedModelFolder, tinyModelFolder } from '../models/checkpoint-parts.ts';
import { isOfLock, ProcessLock } from '../process-lock.ts';
import { syncFiles, syncFolder, writeLines } from '../whole-file.ts';
import type { MetricsLine } from './metrics.ts';

/** What a checkpoint knows of the run beside its weights. */
export interface TrainerState {
  /** Optimiser steps that were made. */
  readonly step: number;
  /** Tokens of prompts and completions that went through the model. */
  readonly tokens: number;
  readonly best?: BestCheckpoint;
  /** Completions that were generated at a time. */
  readonly rows?: number;
  /** What tells the data apart that was learnt from. */
  readonly data?: string;
}

/** The checkpoint that was the best at validation. */
export interface BestCheckpoint {
  readonly step: number;
  readonly metric: string;
  readonly value: number;
  /** What it was measured on: the fields of the configuration that say so, as JSON. */
  readonly on: string;
}

/** How a run fares, as `state.json` tells. */
export interface RunState {
  readonly status: 'running' | 'done' | 'stopped' | 'failed';
  readonly step: number;
  readonly max_steps: number;
  readonly best?: BestCheckpoint;
  readonly error?: string;
}

const files = {
  config: 'config.yaml',
  metrics: 'metrics.jsonl',
  state: 'state.json',
  samples: 'samples',
} as const;
const trainerStateFile = 'trainer_state.json';
const lockFile = 'lock';

/** The folder of the job of a run on another engine. */
export const jobFolderName = 'engine';

/** What a run makes before it begins. */
const madeBefore: ReadonlySet<string> = new Set([tinyModelFolder(''), mergedModelFolder(''), jobFolderName]);

/** Whether something in a run's folder is what a killed process left half-written, going by the names that are written under. */
function isHalfWritten(name: string): boolean {
  return [
    /^(?:checkpoint-\d+|merged-model|config\.yaml|state\.json)(?:\.[0-9a-f]{8}\.partial)+$/,
    /^(?:checkpoint-\d+|random-tiny)\.partial(?:\.[0-9a-f]{8}\.partial)?$/,
    /^metrics\.jsonl\.[0-9a-f-]{36}\.tmp$/,
  ].some((form) => form.test(name));
}

/** Whether something is more than what a run leaves that never began. */
function isKept(name: string): boolean {
  return !madeBefore.has(name) && !isLock(name) && !isHalfWritten(name);
}

function isLock(name: string): boolean {
  return name === lockFile || isOfLock(name, lockFile);
}

/** Whether these files are no more than that. Without the lock of a process that was killed, a model is somebody's own. */
function areLeft(names: readonly string[], wasLocked: boolean): boolean {
  return !names.some((name) => isKept(name) || (madeBefore.has(name) && !wasLocked));
}

/** Throws `ALREADY_EXISTS` for a new run where there is something, and `NOT_FOUND` where there is no run to go on. */
async function checkFolder(
  path: string,
  { resume, isLocked }: { readonly resume: boolean; readonly isLocked: boolean },
): Promise<void> {
  const kind = await pathKindIfAny(path);
  const isRun = kind?.isFolder === true && (await pathKindIfAny(join(path, files.config))) !== undefined;
  if (resume && !isRun) {
    throw new QuernError('NOT_FOUND', 'holds no run that could go on', {
      where: path,
      hint: 'Name the folder that was given as --out, or leave --resume out',
    });
  }
  if (resume || kind === undefined) return;
  const names = kind.isFolder ? await readdir(path) : undefined;
  if (names && areLeft(names, isLocked || names.some(isLock))) return;
  throw new QuernError('ALREADY_EXISTS', isRun ? 'holds a run already' : 'exists already', {
    where: path,
    hint: isRun ? 'Go on with it by --resume, or name another folder' : 'Name another folder',
  });
}

function isMetricsLine(value: unknown): value is MetricsLine {
  return typeof value === 'object' && value !== null && 'step' in value && typeof value.step === 'number';
}

/** An open run, which no other process writes meanwhile. */
export class RunFolder {
  readonly path: string;
  readonly #lock: ProcessLock;
  #isDiscarded = false;

  /** The first folder that was made for it, if any. */
  readonly #made: string | undefined;

  private constructor(path: string, lock: ProcessLock, made: string | undefined) {
    this.path = path;
    this.#lock = lock;
    this.#made = made;
  }

  /**
   * Makes the folder of a new run, or opens that of one which goes on. Throws `ALREADY_EXISTS` for a new run where there is
   * something, `NOT_FOUND` where there is no run to go on, `LOCKED` where another process is at it.
   */
  static async open(path: string, { resume }: { readonly resume: boolean }): Promise<RunFolder> {
    await checkFolder(path, { resume, isLocked: false });
    let made: string | undefined;
    try {
      made = await mkdir(path, { recursive: true });
    } catch (error) {
      throw fileError(error, path);
    }
    const lock = await ProcessLock.acquire(join(path, lockFile), { kind: 'run', where: path });
    try {
      // Another process may have made a run of it meanwhile.
      await checkFolder(path, { resume, isLocked: true });
      // What a killed process left half-written.
      for (const name of await readdir(path)) {
        if (isHalfWritten(name) || (!resume && madeBefore.has(name))) {
          await rm(join(path, name), { recursive: true, force: true });
        }
      }
      const samples = join(path, files.samples);
      for (const name of (await pathKindIfAny(samples))?.isFolder ? await readdir(samples) : []) {
        if (/^(?:step|validation)-\d+\.jsonl\.[0-9a-f-]{36}\.tmp$/.test(name))
          await rm(join(samples, name), { force: true });
      }
    } catch (error) {
      await lock.release();
      throw fileError(error, path);
    }
    return new RunFolder(path, lock, made);
  }

  /** Takes away what a run leaves that never began, once it is closed also the folder, if it was made for it. */
  async discard(): Promise<void> {
    this.#isDiscarded = true;
    for (const name of await readdir(this.path).catch(() => [])) {
      if (!isKept(name) && name !== lockFile) {
        await rm(join(this.path, name), { recursive: true, force: true }).catch(() => undefined);
      }
    }
  }

  /** The configuration's file. */
  get configFile(): string {
    return join(this.path, files.config);
  }

  async writeConfig(yaml: string): Promise<void> {
    await this.#replace(files.config, yaml);
  }

  async writeState(state: RunState): Promise<void> {
    const told = { ...state, pid: process.pid, updated: new Date().toISOString() };
    await this.#replace(files.state, `${JSON.stringify(told, null, 2)}\n`);
  }

  /** Adds a line. Numbers that are none come to be null, as JSON has no words for them. */
  async addMetrics(line: MetricsLine): Promise<void> {
    const told = { ...line, time: new Date().toISOString() };
    const path = join(this.path, files.metrics);
    try {
      await appendFile(path, `${JSON.stringify(told)}\n`);
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /** The lines so far. */
  async metrics(): Promise<MetricsLine[]> {
    const path = join(this.path, files.metrics);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw fileError(error, path);
    });
    return text.split('\n').flatMap((line) => {
      try {
        const read: unknown = line === '' ? undefined : JSON.parse(line);
        return isMetricsLine(read) ? [read] : [];
      } catch {
        // A line that a killed process did not end.
        return [];
      }
    });
  }

  /** Keeps questions with what was made of them: of the rollout that a step learnt from, or of the validation after it. */
  async addSamples(
    step: number,
    records: readonly unknown[],
    kind: 'step' | 'validation' = 'step',
  ): Promise<void> {
    const folder = join(this.path, files.samples);
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw fileError(error, folder);
    });
    await writeLines(
      join(folder, `${kind}-${step}.jsonl`),
      records.map((each) => JSON.stringify(each)),
    );
  }

  /** Takes away what was written of steps after `step`, as they will be made again, and for 0 all that was written. */
  async rewind(step: number): Promise<void> {
    try {
      await this.#rewound(step);
    } catch (error) {
      throw fileError(error, this.path);
    }
  }

  async #rewound(step: number): Promise<void> {
    const kept = step === 0 ? [] : (await this.metrics()).filter((line) => line.step <= step);
    const path = join(this.path, files.metrics);
    if (await pathKindIfAny(path))
      await writeLines(
        path,
        kept.map((line) => JSON.stringify(line)),
      );
    const samples = join(this.path, files.samples);
    for (const name of (await pathKindIfAny(samples)) ? await readdir(samples) : []) {
      const at = /^(?:step|validation)-(\d+)\.jsonl$/.exec(name)?.[1];
      if (at !== undefined && (Number(at) > step || step === 0)) await rm(join(samples, name));
    }
    for (const other of await this.checkpoints()) {
      if (other > step) await rm(this.checkpoint(other), { recursive: true });
    }
  }

  /** The steps of the checkpoints that are there, the last one last. */
  async checkpoints(): Promise<number[]> {
    const names = await readdir(this.path);
    return names
      .flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  checkpoint(step: number): string {
    return join(this.path, `checkpoint-${step}`);
  }

  /** Adds a checkpoint, which `write` makes in a folder that is not there yet: whole, or not at all. */
  async addCheckpoint(state: TrainerState, write: (folder: string) => Promise<void>): Promise<void> {
    const to = this.checkpoint(state.step);
    const beside = `${to}.${randomBytes(4).toString('hex')}.partial`;
    try {
      await write(beside);
      await writeFile(join(beside, trainerStateFile), `${JSON.stringify(state, null, 2)}\n`);
      await syncFiles(beside);
      await rename(beside, to);
      await syncFolder(this.path);
    } catch (error) {
      await rm(beside, { recursive: true, force: true }).catch(() => undefined);
      throw fileError(error, to);
    }
  }

  /** Has a checkpoint know more of the run than when it was made. */
  async writeTrainerState(state: TrainerState): Promise<void> {
    await this.#replace(
      join(`checkpoint-${state.step}`, trainerStateFile),
      `${JSON.stringify(state, null, 2)}\n`,
    );
  }

  /** What a checkpoint knows of the run. Throws `CORRUPT_FILE`. */
  async trainerState(step: number): Promise<TrainerState> {
    const path = join(this.checkpoint(step), trainerStateFile);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw fileError(error, path);
    });
    try {
      const state = JSON.parse(text) as TrainerState;
      if (state.step === step && Number.isSafeInteger(state.tokens)) return state;
    } catch {
      // Told below.
    }
    throw new QuernError('CORRUPT_FILE', `is not what belongs to checkpoint-${step}`, {
      where: path,
      hint: 'Take this checkpoint away, and the run goes on from the one before',
    });
  }

  /** Takes away all checkpoints but the last `count` and the best one. */
  async keepCheckpoints(count: number, best: number | undefined): Promise<void> {
    const all = await this.checkpoints();
    for (const step of all.slice(0, Math.max(0, all.length - count))) {
      if (step === best) continue;
      // First out of its name, so that what is half-deleted is no checkpoint.
      const passing = `${this.checkpoint(step)}.partial`;
      await rename(this.checkpoint(step), passing);
      await rm(passing, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await this.#lock.release();
    if (!this.#isDiscarded || this.#made === undefined) return;
    const first = resolve(this.#made);
    // Folders that somebody has put something in meanwhile stay.
    for (let path = resolve(this.path); path.startsWith(first); path = dirname(path)) {
      await rmdir(path).catch(() => undefined);
    }
  }

  async #replace(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    const beside = `${path}.${randomBytes(4).toString('hex')}.partial`;
    try {
      await writeFile(beside, text, { flush: true });
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true }).catch(() => undefined);
      throw fileError(error, path);
    }
  }
}
