/** The Pythons of this machine, the PyTorch that they have, and a private environment with one. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LibTorchError } from '../errors.ts';
import { installedVersion, libtorchIn } from './libtorch-folder.ts';
import { inPassingFolder } from './passing-folder.ts';
import { patience, programOnPath, runProgram, type Environment } from './run-program.ts';

/** A Python that can be run. */
export interface Python {
  readonly program: string;
  readonly version: string;
  /** The folder of its package `torch`, where it has one. */
  readonly torch?: string;
}

/** Asks where `torch` lies without importing it, which would take seconds; a folder of that name at hand is none. */
const question = `
import importlib.util, json, sys
sys.path[:] = [path for path in sys.path if path]
spec = importlib.util.find_spec('torch')
torch = list(spec.submodule_search_locations)[0] if spec and spec.origin and spec.submodule_search_locations else None
print(json.dumps({'version': sys.version.split()[0], 'torch': torch}))
`;

/**
 * The Pythons that `PYTHON`, `python3` and `python` stand for, in this order; `passedOver` is told of those that cannot be
 * run. Throws `SETUP` where that is the one in `PYTHON`, and `ABORTED`.
 */
export async function* pythons(
  env: Environment,
  passedOver: string[],
  signal?: AbortSignal,
): AsyncGenerator<Python> {
  const seen = new Set<string>();
  for (const name of [env['PYTHON'], 'python3', 'python']) {
    if (!name) continue;
    const program = programOnPath(name, env);
    if (program !== undefined && seen.has(program)) continue;
    const found = program === undefined ? undefined : await askedPython(program, env, signal);
    if (found && 'version' in found) {
      seen.add(found.program);
      yield found;
    } else if (name === env['PYTHON']) {
      const why = found?.problem ?? 'there is no such program';
      throw new LibTorchError('SETUP', `PYTHON is ${name}, and ${why}`, {
        hint: 'Set it to a Python 3, or leave it out',
      });
    } else {
      passedOver.push(found?.problem ?? `${name} is not there`);
    }
  }
}

async function askedPython(
  program: string,
  env: Environment,
  signal: AbortSignal | undefined,
): Promise<Python | { readonly problem: string }> {
  const asked = await runProgram(program, ['-c', question], { env, signal, milliseconds: patience });
  const python = asked.failure === undefined ? answered(program, asked.stdout) : undefined;
  return python ?? { problem: `${program} does not work: ${asked.failure ?? 'it printed something else'}` };
}

function answered(program: string, printed: string): Python | undefined {
  try {
    const { version, torch } = JSON.parse(printed) as { version: unknown; torch: unknown };
    if (typeof version !== 'string') return undefined;
    return { program, version, ...(typeof torch === 'string' && { torch }) };
  } catch {
    return undefined;
  }
}

/** The folder of PyTorch in the private environment under `folder`; undefined where there is none. */
export function privateTorch(folder: string): string | undefined {
  return torchOf(join(folder, 'python'));
}

function torchOf(environment: string): string | undefined {
  const library = join(environment, 'lib');
  const versions = existsSync(library) ? readdirSync(library) : [];
  return versions
    .map((name) => join(library, name, 'site-packages', 'torch'))
    .find((path) => existsSync(path));
}

/**
 * Makes the private environment under `folder`, with PyTorch in it, and returns the folder of that. It comes to be under a
 * passing name. Throws `SETUP` with what venv or pip said, and `ABORTED`.
 */
export async function makePrivateEnvironment(
  folder: string,
  {
    python,
    env,
    signal,
    log,
  }: {
    readonly python: Python;
    readonly env: Environment;
    readonly signal?: AbortSignal;
    readonly log?: (text: string) => void;
  },
): Promise<string> {
  const whole = join(folder, 'python');
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input'];
  await inPassingFolder(whole, async (passing) => {
    for (const [program, args] of [
      [python.program, ['-m', 'venv', passing]],
      [join(passing, 'bin', 'python'), [...pip, `torch==${installedVersion}`]],
    ] as const) {
      const { failure, stdout } = await runProgram(program, args, { env, signal, log });
      // venv says on stdout what it lacks.
      if (failure !== undefined) throw new LibTorchError('SETUP', lastLine(failure, stdout));
    }
    const torch = torchOf(passing);
    if (torch === undefined) throw new LibTorchError('SETUP', 'pip installed no torch');
    const found = libtorchIn(torch);
    if ('problem' in found)
      throw new LibTorchError('SETUP', `pip installed a torch that is none: ${found.problem}`);
  });
  return privateTorch(folder)!;
}

function lastLine(failure: string, stdout: string): string {
  return failure.startsWith('it exited with') ? stdout.trim().split('\n').at(-1) || failure : failure;
}
