/** The C++ compiler of this machine. */
import { LibTorchError } from '../errors.ts';
import { patience, programOnPath, runProgram, type Environment } from './run-program.ts';

/** A C++ compiler that can be started. */
export interface Compiler {
  readonly program: string;
  /** What comes before all other arguments: `CXX` may be `ccache g++`. */
  readonly args: readonly string[];
  /** What it calls itself. */
  readonly version: string;
}

const hint =
  'Install one (the package g++, build-essential or gcc-c++; on macOS xcode-select --install), or set CXX';

/**
 * The compiler that `CXX` names, else `c++`, `g++` or `clang++`. Throws `SETUP` where there is none, on Windows always, and
 * `ABORTED`.
 */
export async function findCompiler(
  env: Environment,
  signal?: AbortSignal,
  platform: NodeJS.Platform = process.platform,
): Promise<Compiler> {
  if (platform === 'win32') {
    throw new LibTorchError('SETUP', 'the addon is not built on Windows', {
      hint: 'Use the Windows Subsystem for Linux (WSL)',
    });
  }
  const candidates = env['CXX'] ? [named(env['CXX'], env)] : ['c++', 'g++', 'clang++'].map((name) => [name]);
  const passedOver: string[] = [];
  for (const [name, ...args] of candidates) {
    const program = programOnPath(name, env);
    if (program === undefined) continue;
    const asked = await runProgram(program, [...args, '--version'], {
      env,
      signal,
      milliseconds: patience,
    });
    if (asked.failure === undefined) return { program, args, version: asked.stdout.split('\n')[0].trim() };
    passedOver.push(`${program} does not work: ${asked.failure}`);
  }
  const why = passedOver.length > 0 ? passedOver.join('; ') : 'there is none';
  throw env['CXX']
    ? new LibTorchError('SETUP', `CXX is ${env['CXX']}, and ${passedOver[0] ?? 'there is no such program'}`, {
        hint,
      })
    : new LibTorchError('SETUP', `a C++ compiler is needed, and ${why}`, { hint });
}

/** The words of `CXX`, unless it is the path of a program as it stands. */
function named(text: string, env: Environment): string[] {
  return programOnPath(text, env) === undefined ? text.trim().split(/\s+/) : [text];
}
