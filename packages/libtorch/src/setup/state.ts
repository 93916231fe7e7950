/** What is there for the addon, looked at without installing or loading anything. */
import { existsSync } from 'node:fs';
import { LibTorchError } from '../errors.ts';
import { addonState, buildsFolder, type BuildState } from '../location.ts';
import { findCompiler, type Compiler } from './compiler.ts';
import { findLibTorch, type LibTorch } from './find-libtorch.ts';
import { findNodeHeaders } from './node-headers.ts';
import type { Python } from './python-environment.ts';
import { programOnPath, runProgram, type Environment } from './run-program.ts';

export { addonState, type BuildState };

/** A part that is there, or why it is not. */
export type Looked<T> = { readonly found: T } | { readonly missing: string };

/** What {@link libtorchState} returns. */
export interface LibTorchState {
  readonly libtorch: Looked<LibTorch>;
  readonly python: Looked<Python>;
  readonly compiler: Looked<Compiler>;
  /** The folder of Node's headers. */
  readonly headers: Looked<string>;
  /** What the NVIDIA driver calls the GPUs, or that there is one. */
  readonly gpu: Looked<string>;
  readonly addon: BuildState;
}

/** How long the driver may take to answer, in milliseconds. */
const driverPatience = 10_000;

/** What is there for the addon: nothing is installed, loaded or changed. Throws `ABORTED`. */
export async function libtorchState({
  env = process.env,
  folder = buildsFolder(env),
  signal,
}: {
  readonly folder?: string;
  readonly env?: Environment;
  readonly signal?: AbortSignal;
} = {}): Promise<LibTorchState> {
  // Where LIBTORCH is set, no Python is looked for.
  const pythons = await looked(() => findLibTorch({ folder, env: { ...env, LIBTORCH: undefined }, signal }));
  const [libtorch, compiler, headers, gpu] = await Promise.all([
    env['LIBTORCH'] ? looked(() => findLibTorch({ folder, env, signal })) : pythons,
    looked(() => findCompiler(env, signal)),
    looked(() => findNodeHeaders(env)),
    gpuState(env, signal),
  ]);
  return {
    libtorch:
      'missing' in libtorch
        ? libtorch
        : present(libtorch.found.libtorch, libtorch.found.passedOver.join('; ')),
    python: 'missing' in pythons ? pythons : present(pythons.found.python, 'there is no python3 that works'),
    compiler,
    headers: 'missing' in headers ? headers : present(headers.found, 'there is no node_api.h'),
    gpu,
    addon: addonState(folder, env),
  };
}

function present<T>(found: T | undefined, missing: string): Looked<T> {
  return found === undefined ? { missing } : { found };
}

async function looked<T>(look: () => T | Promise<T>): Promise<Looked<T>> {
  try {
    return { found: await look() };
  } catch (error) {
    if (!(error instanceof LibTorchError) || error.code !== 'SETUP') throw error;
    return { missing: error.message };
  }
}

const drivers = [
  '/proc/driver/nvidia/version',
  '/usr/lib/x86_64-linux-gnu/libcuda.so.1',
  '/usr/lib/aarch64-linux-gnu/libcuda.so.1',
  '/usr/lib64/libcuda.so.1',
  '/usr/lib/wsl/lib/libcuda.so.1',
];

async function gpuState(env: Environment, signal: AbortSignal | undefined): Promise<Looked<string>> {
  const program = programOnPath('nvidia-smi', env);
  if (program !== undefined) {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader'];
    const { failure, stdout } = await runProgram(program, query, {
      env,
      signal,
      milliseconds: driverPatience,
    });
    const gpus = stdout.trim();
    return failure === undefined && gpus !== ''
      ? { found: gpus.split('\n').join('; ') }
      : { missing: `nvidia-smi finds none: ${failure ?? 'it names none'}` };
  }
  const driver = drivers.find((path) => existsSync(path));
  return driver === undefined
    ? { missing: 'there is no NVIDIA driver' }
    : { found: `an NVIDIA driver (${driver})` };
}
