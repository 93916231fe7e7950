/** Making the addon: from what is on this machine to a build that is known to work. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LibTorchError } from '../errors.ts';
import { buildsFolder, currentBuild, sourcesHash, type Build } from '../location.ts';
import { buildAddon, buildName } from './build-addon.ts';
import { findCompiler } from './compiler.ts';
import { findLibTorch, obtainLibTorch, type LibTorch } from './find-libtorch.ts';
import { addonApiHeaders, nodeHeaders } from './node-headers.ts';
import { clearPassing, inPassingFolder, writeWhole } from './passing-folder.ts';
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

/** Tries an addon. Throws `SETUP` where it does not work. */
export type AddonCheck = (
  addon: string,
  options: { readonly env: Environment; readonly signal?: AbortSignal },
) => Promise<void>;

/**
 * Finds LibTorch or installs it, compiles the addon for it, tries it with a step of training, and makes it the one that is
 * used. Does nothing where that was done before with the same LibTorch, Node and sources; waits where another process is
 * at it. What does not come to its end leaves nothing under a final name.
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
    const ready = there && readyBuild(folder, there);
    if (ready) return ready;
    // Before anything large is fetched.
    const compiler = await findCompiler(env, signal);
    const headers = [addonApiHeaders(), nodeHeaders(env)];
    await mkdir(folder, { recursive: true });
    const onWait = (): void => onStep('waiting for another setup that is at work');
    return await withSetupLock(folder, { signal, onWait }, async () => {
      await clearPassing(folder);
      const libtorch = await obtainLibTorch({ folder, env, signal, onStep, log });
      const made = readyBuild(folder, libtorch);
      if (made) return made;
      onStep(`LibTorch ${libtorch.version} is in ${libtorch.folder}`);
      const build = { ...factsOf(libtorch), compiler: compiler.version };
      const name = buildName(build);
      const addon = join(folder, name, 'libtorch.node');
      if (!existsSync(addon)) {
        await inPassingFolder(join(folder, name), async (passing) => {
          const toolchain = { libtorch: libtorch.folder, compiler, headers };
          await buildAddon(passing, { ...toolchain, env, signal, onStep, log });
          await writeFile(join(passing, 'build.json'), `${JSON.stringify(build, null, 2)}\n`);
        });
      }
      onStep('trying the addon with a step of training');
      await check(addon, { env, signal });
      if (signal?.aborted) throw aborted();
      await writeWhole(join(folder, 'current.json'), `${JSON.stringify({ build: name })}\n`);
      return { ...build, addon, from: libtorch.from, isNew: true };
    });
  } catch (error) {
    if (error instanceof LibTorchError || !(error instanceof Error) || !('syscall' in error)) throw error;
    throw new LibTorchError('SETUP', `cannot set up in ${folder}: ${error.message}`, { cause: error });
  }
}

function factsOf({ folder, version }: LibTorch): Omit<Build, 'compiler'> {
  return { libtorch: folder, version, node: process.versions.node, sources: sourcesHash() };
}

/** The build that is used, where it is the one for `libtorch`, this Node and these sources. */
function readyBuild(folder: string, libtorch: LibTorch): ReadyBuild | undefined {
  const current = currentBuild(folder);
  if (current?.addon !== join(folder, buildName(factsOf(libtorch)), 'libtorch.node')) return undefined;
  return existsSync(current.addon) ? { ...current, from: libtorch.from, isNew: false } : undefined;
}

/** From `src` and from `dist` this is the same program: a child process has no compiler of TypeScript. */
const checkProgram = fileURLToPath(new URL('../../dist/setup/check.js', import.meta.url));

const checkAddon: AddonCheck = async (addon, { env, signal }) => {
  const { failure, stderr } = await runProgram(process.execPath, [checkProgram, addon], { env, signal });
  if (failure === undefined) return;
  const why = /^(?:\w*Error.*: .+)$/m.exec(stderr)?.[0] ?? failure;
  throw new LibTorchError('SETUP', `the addon was built, but does not work: ${why}`);
};
