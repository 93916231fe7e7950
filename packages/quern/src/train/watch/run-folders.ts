import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QuernError } from '../../errors.ts';

/**
 * The real paths of the runs that `paths` name: each is the folder of a run, or holds such folders, which are then all of them.
 * Throws `NOT_FOUND` for what is neither, `NOT_FOUND` or `IO` for what is no folder, and `USAGE` for one that is named twice.
 */
export async function runFolders(paths: readonly string[]): Promise<string[]> {
  const named = new Set<string>();
  const runs = new Set<string>();
  for (const path of paths) {
    const folder = await realFolder(path);
    if (named.has(folder)) throw new QuernError('USAGE', 'is named twice', { where: path });
    named.add(folder);
    for (const run of await runsAt(folder, path)) runs.add(run);
  }
  return [...runs];
}

async function realFolder(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return await realpath(path);
  } catch (error) {
    throw fileError(error, path);
  }
  throw new QuernError('IO', 'is a file, not the folder of a run', { where: path });
}

async function runsAt(folder: string, path: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    if (isRun(entries.map(({ name }) => name))) return [folder];
    // A link is no folder here, and is not followed.
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
    const are = await Promise.all(
      folders.map(async (inner) => isRun(await readdir(inner).catch((): string[] => []))),
    );
    const runs = folders.filter((_, i) => are[i]).sort();
    if (runs.length > 0) return runs;
  } catch (error) {
    throw fileError(error, path);
  }
  throw new QuernError('NOT_FOUND', 'is no run of training, and holds none', {
    where: path,
    hint: 'Name a folder that was given to quern train as --out once that has begun, or one that holds such folders',
  });
}

/** Whether a folder is a run's, by the names in it. */
export function isRun(names: readonly string[]): boolean {
  if (['config.yaml', 'state.json', 'metrics.jsonl'].some((name) => names.includes(name))) return true;
  // While the model of a new run is loaded, there is nothing yet but what says that one is at it.
  return names.includes('lock') && names.every((name) => /^lock|^random-tiny$|\.partial$/.test(name));
}
