/** Running other programs, always by a list of arguments and never through a shell. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { LibTorchError } from '../errors.ts';

/** Environment variables by name, as `process.env` has them; an empty value is the same as none. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How a program ended. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** Why it did not do what it was to; undefined where it did. */
  readonly failure?: string;
}

/** What {@link runProgram} can be told. */
export interface RunOptions {
  readonly env: Environment;
  readonly signal?: AbortSignal;
  /** Ends it after so many milliseconds, which then is its failure. */
  readonly milliseconds?: number;
  /** Is given what the program prints, as it comes. */
  readonly log?: (text: string) => void;
}

/** How long a program may take to say what it is, in milliseconds. */
export const patience = 30_000;

/** Characters of each of a program's outputs that are kept: errors come first. */
const kept = 1 << 20;

/**
 * Runs a program to its end; one that cannot be started is a failure like any other. With `signal` it is killed, and all
 * that it started. Throws `ABORTED`.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { env, signal, milliseconds, log }: RunOptions,
): Promise<Ended> {
  return new Promise((done, failed) => {
    if (signal?.aborted) return void failed(aborted());
    // A group of its own on systems that have them: a compiler's driver leaves its parts running when it alone is killed.
    const hasGroup = process.platform !== 'win32';
    const child = spawn(program, args, {
      env: { ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: hasGroup,
    });
    const kill = (): void => {
      try {
        if (hasGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // It ended by itself.
      }
    };
    let isLate = false;
    const timer =
      milliseconds === undefined
        ? undefined
        : setTimeout(() => {
            isLate = true;
            kill();
          }, milliseconds);
    signal?.addEventListener('abort', kill, { once: true });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        printed[name] = (printed[name] + text).slice(0, kept);
        log?.(text);
      });
    }
    const end = (failure: string | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      if (signal?.aborted) failed(aborted());
      else done({ ...printed, failure });
    };
    child.on('error', (error) => end(`it cannot be started: ${error.message}`));
    child.on('close', (code, killer) => {
      if (isLate) return end('it did not end in time');
      if (code === 0) return end(undefined);
      const last = printed.stderr.trim().split('\n').at(-1);
      end(last || (killer === null ? `it exited with ${code}` : `it was ended by ${killer}`));
    });
  });
}

/** The error of everything here that is stopped by a signal. */
export function aborted(): LibTorchError {
  return new LibTorchError('ABORTED', 'stopped on request');
}

/** The path of the program that a name stands for in `PATH`, or that a path is; undefined where there is none. */
export function programOnPath(name: string, env: Environment): string | undefined {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  const isPath = /[\\/]/.test(name);
  const folders = isPath ? [''] : (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter(Boolean);
  return folders
    .flatMap((folder) =>
      endings.map((ending) => (isPath ? resolve(name + ending) : join(folder, name + ending))),
    )
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
