/** Making the addon: from what is on this machine to a build that is known to work. */
import { createHash } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LibTorchError } from '../errors.ts';
import { buildIn, buildName, buildsFolder, builtForNow, chosenLibTorch, type Build } from '../location.ts';
import { buildAddon } from './build-addon.ts';
import { findCompiler } from './compiler.ts';
import { findLibTorch, obtainLibTorch, type LibTorch } from './find-libtorch.ts';
import { addonApiHeaders, nodeHeaders } from './node-headers.ts';
import { clearPassing, inPassingFolder, makeFolder, writeWhole } from './passing-folder.ts';
import { aborted, runProgram, type Environment } from './run-program.ts';
import { withSetupLock } from './setup-lock.ts';

/** What {@link setupLibTorch} can be told. */
export interface SetupOptions {
  /** Where builds lie; {@link buildsFolder} when not given. */
  readonly folder?: string;
  readonly env?: Environment;
  readonly signal?: AbortSignal;
  /** Is told what begins or is done. */
  readonly onStep?: (text: string) => void;
  /** Is given what pip and the compiler print, and the compiler's command lines. */
  readonly log?: (text: string) => void;
}

/** A build that is ready to be used. */
export interface ReadyBuild extends Build {
  /** The file of the addon. */
  readonly addon: string;
  /** How LibTorch was found; see {@link LibTorch}. */
  readonly from: string;
  /** Whether it was made now. */
  readonly isNew: boolean;
}

/** Tries the build in a folder. Throws `SETUP` where it does not work. */
export type AddonCheck = (
  path: string,
  options: { readonly env: Environment; readonly signal?: AbortSignal },
) => Promise<void>;

/**
 * Finds LibTorch or installs it, compiles the addon for it, tries it with a step of training, and makes this LibTorch the one
 * that is used. Builds nothing where that was done before with the same LibTorch, Node and sources, and nothing is damaged
 * since; waits where another process is at it. What does not come to its end leaves nothing under a final name.
 *
 * Throws `SETUP`, which says what is missing and how to mend it, and `ABORTED`.
 */
export function setupLibTorch(options: SetupOptions = {}): Promise<ReadyBuild> {
  return setUpWith(checkAddon, options);
}

/** {@link setupLibTorch} with another way to try an addon. */
export async function setUpWith(check: AddonCheck, options: SetupOptions): Promise<ReadyBuild> {
  const { env = process.env, signal, onStep = () => undefined, log } = options;
  const folder = options.folder ?? buildsFolder(env);
  try {
    const { libtorch: there } = await findLibTorch({ folder, env, signal });
    const ready = there && (await chosenBuild(folder, there));
    if (ready) return ready;
    // Before anything large is fetched.
    const compiler = await findCompiler(env, signal);
    const headers = [addonApiHeaders(), nodeHeaders(env)];
    await makeFolder(folder);
    const onWait = (): void => onStep('waiting for another setup that is at work');
    return await withSetupLock(folder, { signal, onWait }, async () => {
      await clearPassing(folder);
      const libtorch = await obtainLibTorch({ folder, env, signal, onStep, log });
      const made = await chosenBuild(folder, libtorch);
      if (made) return made;
      onStep(`LibTorch ${libtorch.version} is in ${libtorch.folder}`);
      const wanted = builtForNow(libtorch.folder, libtorch.version);
      const whole = join(folder, buildName(wanted));
      await inPassingFolder(whole, async (passing) => {
        const toolchain = { libtorch: libtorch.folder, compiler, headers };
        await buildAddon(passing, { ...toolchain, env, signal, onStep, log });
        const written = await writtenFile(join(passing, 'libtorch.node'));
        const build: Build = { ...wanted, compiler: compiler.version, ...written };
        await writeFile(join(passing, 'build.json'), jsonText(build), { flush: true });
        onStep('trying the addon with a step of training');
        await check(passing, { env, signal });
        if (signal?.aborted) throw aborted();
      });
      const built = await chosenBuild(folder, libtorch);
      if (!built) throw new LibTorchError('SETUP', `${whole} is not as it was written`);
      return { ...built, isNew: true };
    });
  } catch (error) {
    if (error instanceof LibTorchError || !(error instanceof Error) || !('syscall' in error)) throw error;
    throw new LibTorchError('SETUP', `cannot set up in ${folder}: ${error.message}`, { cause: error });
  }
}

/** The build for `libtorch`, this Node and these sources, where it is whole: `libtorch` is the one that is used from now on. */
async function chosenBuild(
  folder: string,
  { folder: libtorch, version, from }: LibTorch,
): Promise<ReadyBuild | undefined> {
  const wanted = builtForNow(libtorch, version);
  const found = buildIn(join(folder, buildName(wanted)), wanted);
  if ('damage' in found) return undefined;
  if (chosenLibTorch(folder) !== libtorch) {
    await writeWhole(join(folder, 'current.json'), jsonText({ libtorch }));
  }
  return { ...found, from, isNew: false };
}

/** The size and the SHA-256 of a file, which is on the disk when they are known. */
async function writtenFile(path: string): Promise<Pick<Build, 'size' | 'sha256'>> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
    const bytes = await file.readFile();
    return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  } finally {
    await file.close();
  }
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** From `src` and from `dist` this is the same program: a child process has no compiler of TypeScript. */
const checkProgram = fileURLToPath(new URL('../../dist/setup/check.js', import.meta.url));

const checkAddon: AddonCheck = async (path, { env, signal }) => {
  const { failure } = await runProgram(process.execPath, [checkProgram, path], { env, signal });
  if (failure === undefined) return;
  throw new LibTorchError('SETUP', `the addon was built, but does not work: ${failure}`);
};
