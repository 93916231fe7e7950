/** Where addons that were built lie, and what is known of each. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a build depends on. */
export interface BuiltFor {
  /** The folder of LibTorch, which holds `lib` and `include`. */
  readonly libtorch: string;
  /** Its version, such as `2.13.0+cu130`. */
  readonly version: string;
  /** Node's version, such as `20.20.2`. */
  readonly node: string;
  /** A hash of the sources that it was built from. */
  readonly sources: string;
}

/** What `build.json` beside an addon says. */
export interface Build extends BuiltFor {
  /** What the compiler calls itself. */
  readonly compiler: string;
  /** The bytes of the addon. */
  readonly size: number;
  /** Their SHA-256. */
  readonly sha256: string;
}

/** The addon that is used, or why none is. */
export type BuildState =
  | { readonly state: 'current'; readonly build: Build & { readonly addon: string } }
  /** There is one that cannot be used, as `why` says: it is damaged, or was built for what is no more so. */
  | { readonly state: 'stale'; readonly why: string }
  | { readonly state: 'missing' };

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

/** The name of a build's folder: all that it depends on. */
export function buildName({ libtorch, version, node, sources }: BuiltFor): string {
  const path = createHash('sha256').update(libtorch).digest('hex').slice(0, 8);
  const parts = [version, path, `node${node}`, process.platform, process.arch, sources.slice(0, 8)];
  return parts.join('-').replaceAll(/[^\w.+-]/g, '_');
}

/** What a build for the LibTorch of this version in a folder has to be for here and now. */
export function builtForNow(libtorch: string, version: string): BuiltFor {
  return { libtorch, version, node: process.versions.node, sources: sourcesHash() };
}

/** The folder of the LibTorch that was set up last, as `current.json` in the folder of builds names it. */
export function chosenLibTorch(folder: string): string | undefined {
  const { libtorch } = jsonIn(join(folder, 'current.json')) as { libtorch?: unknown };
  return typeof libtorch === 'string' && libtorch !== '' ? libtorch : undefined;
}

/**
 * The build in `folder` for this Node, these sources and the LibTorch in `LIBTORCH`, else the one that was set up last; or
 * why there is none. The addon is as it was built, or is not `current`.
 */
export function addonState(
  folder: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): BuildState {
  const libtorch = env['LIBTORCH'] ? resolve(env['LIBTORCH']) : chosenLibTorch(folder);
  const builds = buildsIn(folder);
  if (libtorch === undefined) {
    const why = `${join(folder, 'current.json')} does not say which LibTorch is used`;
    return builds.length === 0 ? { state: 'missing' } : { state: 'stale', why };
  }
  const version = libtorchVersion(libtorch);
  if (version !== undefined) {
    const wanted = builtForNow(libtorch, version);
    const path = join(folder, buildName(wanted));
    if (existsSync(path)) {
      const found = buildIn(path, wanted);
      return 'damage' in found ? { state: 'stale', why: found.damage } : { state: 'current', build: found };
    }
  }
  const why = staleness(libtorch, version, builds);
  return why === undefined ? { state: 'missing' } : { state: 'stale', why };
}

/** The build in a folder, which must be `wanted`, with its addon as it was built; or what is wrong with it. */
export function buildIn(
  path: string,
  wanted?: BuiltFor,
): (Build & { readonly addon: string }) | { readonly damage: string } {
  const addon = join(path, 'libtorch.node');
  const build = factsIn(path);
  const facts = join(path, 'build.json');
  if (!build) return { damage: `${facts} does not say what was built` };
  if (wanted && buildFacts.some((fact) => build[fact] !== wanted[fact])) {
    return { damage: `${facts} is that of another build` };
  }
  try {
    const found = statSync(addon, { throwIfNoEntry: false });
    if (!found?.isFile()) return { damage: `${addon} is not there` };
    if (found.size !== build.size) {
      return { damage: `${addon} is damaged: it has ${found.size} bytes, and was built with ${build.size}` };
    }
    if (createHash('sha256').update(readFileSync(addon)).digest('hex') !== build.sha256) {
      return { damage: `${addon} is damaged: its bytes are not those that were built` };
    }
  } catch (error) {
    return { damage: `${addon} cannot be read: ${String(error)}` };
  }
  return { ...build, addon };
}

const buildFacts = ['libtorch', 'version', 'node', 'sources'] as const;

/** What `build.json` in a folder says, where it says all. */
function factsIn(path: string): Build | undefined {
  const facts = jsonIn(join(path, 'build.json')) as Partial<Record<keyof Build, unknown>>;
  const { libtorch, version, node, sources, compiler, size, sha256 } = facts;
  const texts = [libtorch, version, node, sources, compiler, sha256];
  return texts.every((text) => typeof text === 'string') && typeof size === 'number'
    ? ({ libtorch, version, node, sources, compiler, size, sha256 } as Build)
    : undefined;
}

/** An object or a list in a file; an empty object where it has none. */
function jsonIn(path: string): object {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** What the builds in a folder were built for, damaged or not. */
function buildsIn(folder: string): Build[] {
  try {
    const names = readdirSync(folder).filter((name) => !name.endsWith('.tmp'));
    return names.flatMap((name) => factsIn(join(folder, name)) ?? []);
  } catch {
    return [];
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

/** Why none of the builds fits LibTorch's folder with this version, this Node and these sources; undefined without any. */
function staleness(
  libtorch: string,
  version: string | undefined,
  builds: readonly Build[],
): string | undefined {
  if (builds.length === 0) return undefined;
  const same = builds.filter((build) => build.libtorch === libtorch);
  if (same.length === 0) return `it was built for the LibTorch in ${builds[0].libtorch}, not in ${libtorch}`;
  if (version === undefined) return `there is no LibTorch in ${libtorch} any more`;
  const fitting = same.filter((build) => build.version === version);
  if (fitting.length === 0) {
    return `it was built for LibTorch ${same[0].version}, and ${libtorch} now has ${version}`;
  }
  const { node } = process.versions;
  return fitting.some((build) => build.node === node)
    ? 'it was built from the sources of another version of this package'
    : `it was built for Node ${fitting[0].node}, and this is ${node}`;
}
