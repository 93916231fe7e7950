/** Programs of a job: each in a process group of its own, so that all of it can be ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { access, constants, open, type FileHandle } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { fileError, QuernError } from '../../errors.ts';
import type { EngineCommand } from './engine.ts';
import { programFolder } from './engine-programs.ts';

/** How a program ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long a program has to end by itself once it is told to, in milliseconds. */
const patience = 10_000;

/** A program that runs, and writes what it prints to the end of a file. */
export class EngineProcess {
  readonly what: string;
  readonly pid: number;
  /** Resolves when the program has ended, however it did. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  #end: ProcessEnd | undefined;

  private constructor(what: string, child: ChildProcess) {
    this.what = what;
    this.pid = child.pid!;
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  /** Starts a command in a folder. Throws `NOT_FOUND` where the program is not there. */
  static async start(
    { what, program, args, environment }: EngineCommand,
    { folder, log }: { readonly folder: string; readonly log: string },
  ): Promise<EngineProcess> {
    const output = await opened(log);
    try {
      const child = spawn(program, args, {
        cwd: folder,
        // A training that nobody follows any more ends by itself, with a checkpoint, where its program looks for that.
        env: { ...process.env, ...environment, QUERN_OWNER: String(process.pid) },
        // A group of its own, which Ctrl-C in a terminal does not reach: the training is told to stop instead.
        detached: true,
        stdio: ['ignore', output.fd, output.fd],
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.on('error', () => undefined);
      return new EngineProcess(what, child);
    } catch (error) {
      throw new QuernError('NOT_FOUND', `${what} cannot be started: ${(error as Error).message}`, {
        where: program,
        hint: 'Name the Python that has the engine: --python PROGRAM',
        cause: error,
      });
    } finally {
      await output.close();
    }
  }

  get isRunning(): boolean {
    return this.#end === undefined;
  }

  /** Has the program and all that it started end, and waits for it: first they are told, later they are killed. */
  async stop(): Promise<void> {
    kill(this.pid, 'SIGTERM');
    const timer = setTimeout(() => kill(this.pid, 'SIGKILL'), patience);
    try {
      await this.ended;
    } finally {
      clearTimeout(timer);
    }
    // What it started may outlive it.
    kill(this.pid, 'SIGKILL');
  }

  /** Lets this process end while the program runs. */
  unref(): void {
    this.#child.unref();
  }
}

/**
 * Starts what ends a training's group and its services after the training, should this process be killed. Returns what takes it
 * away, once all of them have ended.
 */
export function startGuard(training: number, services: readonly number[]): () => void {
  const guard = spawn(
    process.execPath,
    [join(programFolder(), 'quern_guard.mjs'), ...[training, ...services].map(String)],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  // Without it a training goes on as well.
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  return () => {
    guard.kill('SIGKILL');
  };
}

/** Throws `NOT_FOUND` unless a program is there, by its path or in a folder of PATH. */
export async function checkProgram(program: string): Promise<void> {
  const places = program.includes('/')
    ? [program]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program));
  for (const place of program === '' ? [] : places) {
    if (
      await access(place, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return;
  }
  throw new QuernError('NOT_FOUND', 'is no program that can be started', {
    where: program === '' ? '--python' : program,
    hint: 'Name the Python that has the engine: --python PROGRAM',
  });
}

/** A signal to a group of processes, if it is there. */
export function kill(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // It has ended.
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a');
  } catch (error) {
    throw fileError(error, path);
  }
}

/** The last lines of what was printed, control characters left out. */
export async function lastLines(path: string, most: number): Promise<string[]> {
  const text = await tailOf(path, 64_000).catch(() => '');
  return stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.replaceAll(/[\p{Cc}]+/gu, ' ').trim())
    .filter((line) => line !== '')
    .slice(-most);
}

/** The last bytes of a file as text. */
async function tailOf(path: string, most: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(size, most));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
