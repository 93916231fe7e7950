import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { resolve } from 'node:path';

const program = resolve(import.meta.dirname, '../bin/quern.js');

/** How a run of the command line ended. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Where {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the command line of the build, with no data folder but what `env` says. Throws where there is no build. */
export function startQuern(args: readonly string[], { cwd, env = {} }: Where = {}): ChildProcess {
  if (!existsSync(resolve(program, '../../dist/cli/main.js'))) {
    throw new Error('packages/quern is not built, and these tests run its command line: npm run build');
  }
  const { QUERN_DATA: _, ...rest } = process.env;
  return spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...rest, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits for a started command line to end. */
export async function finished(child: ChildProcess): Promise<Finished> {
  const closed = new Promise<number | null>((done, failed) => child.on('close', done).on('error', failed));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout!), text(child.stderr!), closed]);
  return { code, stdout, stderr };
}

/** Runs the command line to its end. */
export function quern(args: readonly string[], where?: Where): Promise<Finished> {
  return finished(startQuern(args, where));
}

/** The JSON document that a command printed. Throws, with what it said on stderr, unless it exited with 0. */
export async function quernJson<T>(args: readonly string[], where?: Where): Promise<T> {
  const { code, stdout, stderr } = await quern([...args, '--json'], where);
  if (code !== 0) throw new Error(`quern ${args.join(' ')} exited with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
