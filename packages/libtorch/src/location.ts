/** Where addons that were built lie, and what is known of each. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `build.json` beside an addon says. */
export interface Build {
  /** The folder of LibTorch, which holds `lib` and `include`. */
  readonly libtorch: string;
  /** Its version, such as `2.13.0+cu130`. */
  readonly version: string;
  /** Node's version, such as `20.20.2`. */
  readonly node: string;
  /** {@link sourcesHash} of the sources that it was built from. */
  readonly sources: string;
  /** What the compiler calls itself. */
  readonly compiler: string;
}

/** The C++ sources; from `src` and from `dist` this is the same folder. */
export const nativeFolder = fileURLToPath(new URL('../native/', import.meta.url));

/** The SHA-256 of the C++ sources. */
export function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(nativeFolder).sort()) {
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(nativeFolder, name)))
      .update('\0');
  }
  return hash.digest('hex');
}

/**
 * Where builds are made and looked for: `LIBTORCH_BUILDS`, else `libtorch` in `QUERN_CACHE`, else `quern/libtorch` in the
 * system's folder for caches (`XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`).
 */
export function buildsFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env['LIBTORCH_BUILDS']) return env['LIBTORCH_BUILDS'];
  if (env['QUERN_CACHE']) return join(env['QUERN_CACHE'], 'libtorch');
  const system = process.platform === 'darwin' ? ['Library', 'Caches'] : ['.cache'];
  return join(env['XDG_CACHE_HOME'] || join(homedir(), ...system), 'quern', 'libtorch');
}

/** The build that is used in `folder`, as `current.json` names it; undefined where there is none. */
export function currentBuild(folder: string): (Build & { readonly addon: string }) | undefined {
  try {
    const { build } = JSON.parse(readFileSync(join(folder, 'current.json'), 'utf8')) as { build: string };
    if (!/^[\w.+-]+$/.test(build)) return undefined;
    const facts = JSON.parse(readFileSync(join(folder, build, 'build.json'), 'utf8')) as Build;
    return { ...facts, addon: join(folder, build, 'libtorch.node') };
  } catch {
    return undefined;
  }
}

/** The version of the LibTorch in a folder, a Python package's or an archive's; undefined where none is. */
export function libtorchVersion(folder: string): string | undefined {
  for (const [file, pattern] of [
    ['version.py', /^__version__ = '([^']+)'/m],
    ['build-version', /^(\d\S*)/],
  ] as const) {
    try {
      const found = pattern.exec(readFileSync(join(folder, file), 'utf8'))?.[1];
      if (found !== undefined) return found;
    } catch {
      // The other kind of folder, or none.
    }
  }
  return undefined;
}

/** Why a build no longer fits what is here; undefined where it does. */
export function staleness({ libtorch, version, node, sources }: Build): string | undefined {
  const now = libtorchVersion(libtorch);
  if (now === undefined) return `there is no LibTorch in ${libtorch} any more`;
  if (now !== version) return `it was built for LibTorch ${version}, and ${libtorch} now has ${now}`;
  if (node !== process.versions.node) {
    return `it was built for Node ${node}, and this is ${process.versions.node}`;
  }
  if (sources !== sourcesHash()) return 'it was built from the sources of another version of this package';
  return undefined;
}
