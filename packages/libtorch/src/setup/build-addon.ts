/** Compiling the addon. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { LibTorchError } from '../errors.ts';
import { nativeFolder } from '../location.ts';
import type { Compiler } from './compiler.ts';
import { runProgram, type Environment } from './run-program.ts';

/** Bytes that one compiler takes with LibTorch's headers, at the most. */
const bytesEach = 3e9;

const compilerHint = 'g++ 11, clang 14 and newer ones can; CXX names another';
const diskHint =
  'The disk, or your part of it, is full. Make room, or set QUERN_CACHE (for the addon) or TMPDIR (for the compiler)';

/** What an addon is compiled from and with. */
export interface Toolchain {
  /** The folder of LibTorch. */
  readonly libtorch: string;
  readonly compiler: Compiler;
  /** The folders of Node's headers and node-addon-api's. */
  readonly headers: readonly string[];
}

/**
 * Compiles the C++ files in `sources` and links them to `libtorch.node` in the folder `to`, which exists. As many compilers
 * run at once as there are cores and memory for. Throws `SETUP` with the first errors that a compiler gives, and `ABORTED`.
 */
export async function buildAddon(
  to: string,
  {
    libtorch,
    compiler,
    headers,
    env,
    sources = nativeFolder,
    signal,
    onStep,
    log,
  }: Toolchain & {
    readonly env: Environment;
    readonly sources?: string;
    readonly signal?: AbortSignal;
    readonly onStep: (text: string) => void;
    readonly log?: (text: string) => void;
  },
): Promise<void> {
  const objects = join(to, 'objects');
  await mkdir(objects);
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const run = async (what: string, args: readonly string[]): Promise<void> => {
    const all = [...compiler.args, ...args];
    log?.(`${[compiler.program, ...all].join(' ')}\n`);
    const { failure, stderr } = await runProgram(compiler.program, all, {
      env: { ...env, LC_ALL: 'C' },
      signal: either,
      log,
    });
    if (failure === undefined) return;
    const errors = firstErrors(stderr) || failure;
    throw new LibTorchError('SETUP', `${compiler.program} cannot ${what}: ${errors}`, {
      hint: diskFull.test(stderr) ? diskHint : compilerHint,
    });
  };
  const files = readdirSync(sources)
    .filter((name) => name.endsWith('.cc'))
    .sort();
  const left = files.values();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const file of left) {
      const object = join(objects, `${basename(file, '.cc')}.o`);
      const flags = compileFlags(libtorch, headers);
      await run(`compile ${file}`, [...flags, '-c', join(sources, file), '-o', object]);
      onStep(`compiled ${++done} of ${files.length} files`);
    }
  };
  const workers = Array.from({ length: Math.min(files.length, compilersAtOnce()) }, () =>
    work().catch((error: unknown) => {
      failed.abort();
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers);
  const errors = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  // Of several errors one began it, and the others were stopped by it.
  if (errors.length > 0) throw errors.find((error) => !isAborted(error)) ?? errors[0];
  onStep('linking');
  const inputs = files.map((file) => join(objects, `${basename(file, '.cc')}.o`));
  const addon = join(to, 'libtorch.node');
  await run('link the addon', ['-shared', '-o', addon, ...inputs, ...linkFlags(libtorch)]);
  if (!existsSync(addon)) {
    throw new LibTorchError('SETUP', `${compiler.program} linked nothing, and says that it did`, {
      hint: compilerHint,
    });
  }
  await rm(objects, { recursive: true });
}

/** How many compilers may run at once. */
function compilersAtOnce(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(process.availableMemory() / bytesEach)));
}

function compileFlags(libtorch: string, headers: readonly string[]): string[] {
  return [
    '-std=c++20',
    '-O2',
    '-fPIC',
    '-fvisibility=hidden',
    '-DNAPI_VERSION=8',
    '-DNODE_ADDON_API_CPP_EXCEPTIONS',
    '-D_GLIBCXX_USE_CXX11_ABI=1',
    '-isystem',
    join(libtorch, 'include'),
    '-isystem',
    join(libtorch, 'include/torch/csrc/api/include'),
    ...headers.flatMap((folder) => ['-I', folder]),
  ];
}

function linkFlags(libtorch: string): string[] {
  const library = join(libtorch, 'lib');
  return [
    // Nothing of libtorch.so itself is used, and it would bring CUDA's part along, which is loaded where there is a GPU.
    ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-Wl,--as-needed']),
    `-L${library}`,
    '-ltorch',
    '-ltorch_cpu',
    '-lc10',
    '-Xlinker',
    '-rpath',
    '-Xlinker',
    library,
  ];
}

/** What a compiler says that cannot write; it is asked not to translate. */
const diskFull = /No space left on device|Disk quota exceeded/;

/** The first lines of what a compiler says that are errors, on one line. */
function firstErrors(stderr: string): string {
  const lines = stderr
    .split('\n')
    .filter((line) => /error|undefined reference/i.test(line) || diskFull.test(line));
  return lines.slice(0, 3).join('; ');
}

function isAborted(error: unknown): boolean {
  return error instanceof LibTorchError && error.code === 'ABORTED';
}
