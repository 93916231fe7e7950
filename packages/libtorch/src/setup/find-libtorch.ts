/** Where LibTorch is, and how it is had where it is not. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LibTorchError } from '../errors.ts';
import { chosenLibTorch } from '../location.ts';
import { archiveAddress, archiveFolder, fetchArchive } from './archive.ts';
import { installedVersion, libtorchIn } from './libtorch-folder.ts';
import { makePrivateEnvironment, privateTorch, pythons, type Python } from './python-environment.ts';
import type { Environment } from './run-program.ts';

/** A LibTorch that an addon can be built against. */
export interface LibTorch {
  /** The folder that holds `lib` and `include`. */
  readonly folder: string;
  /** Its version, such as `2.13.0+cu130`. */
  readonly version: string;
  /** How it was found: `LIBTORCH`, the path of a Python, or what was built or installed before. */
  readonly from: string;
}

/** What {@link findLibTorch} saw. */
export interface Search {
  readonly libtorch?: LibTorch;
  /** The first Python that works. */
  readonly python?: Python;
  /** What was looked at and why it is not what is used, in order. */
  readonly passedOver: readonly string[];
}

/** Where to look, and what ends the looking. */
export interface SearchOptions {
  /** The folder of builds, under which LibTorch may have been installed. */
  readonly folder: string;
  readonly env: Environment;
  readonly signal?: AbortSignal;
}

const environmentName = 'a private Python environment';
const archiveName = "PyTorch's archive";
const install =
  'Install PyTorch (python3 -m pip install torch), or unpack LibTorch and set LIBTORCH to its folder';

/**
 * Looks for LibTorch: in `LIBTORCH`, in the Pythons `PYTHON`, `python3` and `python`, then that of the build that is used,
 * so that a Python which is out of sight is not missed, and what was installed under `folder` before. Installs nothing.
 * Throws `SETUP` where `LIBTORCH` is set and is no LibTorch, or else `PYTHON` is and is no Python that works, and `ABORTED`.
 */
export async function findLibTorch({ folder, env, signal }: SearchOptions): Promise<Search> {
  const passedOver: string[] = [];
  if (env['LIBTORCH']) {
    const named = resolve(env['LIBTORCH']);
    const found = libtorchIn(named);
    if ('version' in found) return { libtorch: { folder: named, ...found, from: 'LIBTORCH' }, passedOver };
    throw new LibTorchError('SETUP', `LIBTORCH is ${named}, and ${found.problem}`, {
      hint: "Set it to LibTorch's folder, an unpacked archive's or the folder torch of a Python package",
    });
  }
  passedOver.push('LIBTORCH is not set');
  let first: Python | undefined;
  for await (const python of pythons(env, passedOver, signal)) {
    first ??= python;
    if (python.torch === undefined) {
      passedOver.push(`${python.program} has no torch`);
      continue;
    }
    const found = libtorchIn(python.torch);
    if ('version' in found) {
      return {
        libtorch: { folder: python.torch, ...found, from: python.program },
        python: first,
        passedOver,
      };
    }
    passedOver.push(`${python.program} has ${python.torch}, and ${found.problem}`);
  }
  for (const [path, from] of [
    [chosenLibTorch(folder), 'the build in use'],
    [privateTorch(folder), environmentName],
    [archiveFolder(folder), archiveName],
  ] as const) {
    if (path === undefined || !existsSync(path)) continue;
    const found = libtorchIn(path);
    if ('version' in found) return { libtorch: { folder: path, ...found, from }, python: first, passedOver };
    passedOver.push(`${path} is no LibTorch: ${found.problem}`);
  }
  return { python: first, passedOver };
}

/**
 * {@link findLibTorch}, or where there is none, one that is installed under `folder`: by pip in a private Python
 * environment, else from PyTorch's archive. Throws `SETUP` with every way that was tried and why it failed, and `ABORTED`.
 */
export async function obtainLibTorch(
  options: SearchOptions & {
    readonly onStep: (text: string) => void;
    readonly log?: (text: string) => void;
  },
): Promise<LibTorch> {
  const { folder, env, signal, onStep, log } = options;
  const { libtorch, python, passedOver } = await findLibTorch(options);
  if (libtorch) return libtorch;
  const failures = [...passedOver];
  const address = archiveAddress(env);
  if (address === undefined) failures.push(`PyTorch has no archive for ${process.platform}-${process.arch}`);
  const ways = [
    python && {
      from: environmentName,
      step: `installing PyTorch ${installedVersion} by ${python.program} in ${join(folder, 'python')}: some GB`,
      make: () => makePrivateEnvironment(folder, { python, env, signal, log }),
    },
    address !== undefined && {
      from: archiveName,
      step: `fetching ${address} to ${archiveFolder(folder)}`,
      make: () => fetchArchive(folder, { address, signal }),
    },
  ].filter((way) => way !== undefined && way !== false);
  if (ways.length > 0) {
    onStep(`there is no LibTorch (${passedOver.join('; ')}); LIBTORCH=folder or PYTHON=program names one`);
  }
  for (const way of ways) {
    onStep(way.step);
    try {
      const made = await way.make();
      const found = libtorchIn(made);
      if ('version' in found) return { folder: made, ...found, from: way.from };
      failures.push(`${way.from}: ${found.problem}`);
    } catch (error) {
      if (!(error instanceof LibTorchError) || error.code !== 'SETUP') throw error;
      failures.push(`${way.from}: ${error.message}`);
    }
  }
  throw new LibTorchError('SETUP', `there is no LibTorch: ${failures.join('; ')}`, { hint: install });
}
