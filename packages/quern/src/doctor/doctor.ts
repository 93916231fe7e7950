/** What Quern finds on a machine: everything that it can use, with the command that mends what is missing. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  libtorchState,
  programOnPath,
  type Environment,
  type LibTorchState,
  type Looked,
} from '@quern/libtorch/setup';
import { defaultCacheFolder } from '../cache-folder.ts';
import { optionalPackages } from './optional-packages.ts';
import { namedDevice } from '../models/torch/named-device.ts';
import type { Part } from './part.ts';

const setupTorch = 'quern setup torch';

/** Looks at every part, without installing, loading or changing anything. Throws a LibTorchError `ABORTED`. */
export async function examination({
  env = process.env,
  signal,
}: { readonly env?: Environment; readonly signal?: AbortSignal } = {}): Promise<Part[]> {
  const torch = await libtorchState({ env, signal });
  const packages = optionalPackages();
  return [
    nodePart(process.versions.node),
    ...packages,
    sevenZipPart(env, packages),
    ...torchParts(torch),
    devicePart(env, torch.gpu),
    dataPart(env),
    cachePart(defaultCacheFolder(env)),
  ];
}

/** Node itself. */
export function nodePart(version: string): Part {
  const [major, minor] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? { part: 'Node', state: 'ok', what: version }
    : { part: 'Node', state: 'stale', what: `${version}, and 20.19 or newer is needed` };
}

/** A program that reads `.7z` archives; the package `7zip-bin` brings one. */
export function sevenZipPart(env: Environment, packages: readonly Part[]): Part {
  const part = '7-Zip';
  const packaged =
    packages.find((one) => one.part === '7zip-bin')?.state === 'ok' ? 'that of 7zip-bin' : undefined;
  const what = ['7zz', '7z', '7za'].map((name) => programOnPath(name, env)).find(Boolean) ?? packaged;
  return what === undefined
    ? {
        part,
        state: 'missing',
        what: 'no 7zz, 7z or 7za; it reads .7z archives',
        mend: 'npm install 7zip-bin',
      }
    : { part, state: 'ok', what };
}

/** What training and LibTorch need, and whether the addon is built. */
export function torchParts({ libtorch, python, compiler, headers, gpu, addon }: LibTorchState): Part[] {
  return [
    lookedPart('Python', python, ({ program, version }) => `${version} (${program})`),
    lookedPart('C++ compiler', compiler, ({ program, version }) => `${version} (${program})`),
    lookedPart("Node's headers", headers, (folder) => folder),
    lookedPart(
      'LibTorch',
      libtorch,
      ({ version, folder, from }) => `${version} in ${folder} (${from})`,
      setupTorch,
    ),
    addonPart(addon),
    lookedPart('GPU', gpu, (names) => names),
  ];
}

function lookedPart<T>(part: string, looked: Looked<T>, text: (found: T) => string, mend?: string): Part {
  if ('found' in looked) return { part, state: 'ok', what: text(looked.found) };
  return { part, state: 'missing', what: looked.missing, ...(mend !== undefined && { mend }) };
}

function addonPart(addon: LibTorchState['addon']): Part {
  const part = 'LibTorch addon';
  switch (addon.state) {
    case 'missing':
      return { part, state: 'missing', what: 'not built; it trains models and runs them', mend: setupTorch };
    case 'stale':
      return { part, state: 'stale', what: addon.why, mend: setupTorch };
    case 'current':
      return { part, state: 'ok', what: `for LibTorch ${addon.build.version} (${addon.build.addon})` };
  }
}

/** What models on LibTorch run on. */
export function devicePart(env: Environment, gpu: LibTorchState['gpu']): Part {
  const part = 'device';
  const mend = 'unset QUERN_DEVICE';
  try {
    const device = namedDevice(env);
    if (device === undefined) {
      return { part, state: 'ok', what: 'a GPU where LibTorch can use one, else the processor' };
    }
    return device !== 'cpu' && 'missing' in gpu
      ? { part, state: 'missing', what: `QUERN_DEVICE is ${device}, and ${gpu.missing}`, mend }
      : { part, state: 'ok', what: `${device} (QUERN_DEVICE)` };
  } catch (error) {
    return { part, state: 'missing', what: (error as Error).message, mend };
  }
}

/** The folder with local data. */
export function dataPart(env: Environment): Part {
  const part = 'local data';
  const folder = env['QUERN_DATA'];
  if (!folder) {
    return {
      part,
      state: 'missing',
      what: 'QUERN_DATA is not set; collections come from the hub without it',
    };
  }
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory()
    ? { part, state: 'ok', what: folder }
    : { part, state: 'missing', what: `QUERN_DATA is ${folder}, and that is no folder` };
}

/** The folder of what is remembered; it need not be there yet. */
export function cachePart(folder: string): Part {
  const part = 'cache folder';
  const there = nearest(folder);
  const why = statSync(there).isDirectory() ? writingProblem(there) : `${there} is no folder`;
  return why === undefined
    ? { part, state: 'ok', what: folder }
    : { part, state: 'missing', what: `${folder} cannot be used: ${why}; QUERN_CACHE names another` };
}

function writingProblem(folder: string): string | undefined {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return `${folder} cannot be written to`;
  }
}

/** The folder itself or the nearest above it that is there. */
function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}
