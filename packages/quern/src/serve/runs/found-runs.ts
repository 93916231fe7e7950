import { opendir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluationFiles } from '../../evaluate/saved-evaluation.ts';
import { isFolderBeside } from '../../folder-beside.ts';
import { isRun } from '../../train/watch/run-folders.ts';

/** What a run is of. */
export const runKinds = ['training', 'evaluation'] as const;

export type RunKind = (typeof runKinds)[number];

/** The folder of a run. */
export interface FoundRun {
  readonly kind: RunKind;
  /** Its real path. */
  readonly folder: string;
}

/** How far runs are looked for. */
export interface FindingLimits {
  /** Default 1,000. */
  readonly runs?: number;
  /** Folders that are looked into. Default 10,000. */
  readonly folders?: number;
  /** Names that are read of a folder. Default 10,000. */
  readonly names?: number;
}

/** Folders below one that is declared in which runs are found. */
const depth = 2;

/**
 * The runs in declared folders, each of which is a run, or holds runs, or folders that do. Links in them are not followed. What is not
 * there, or cannot be read, holds none; `isCut` says that there may be more than the limits let find.
 */
export async function foundRuns(
  declared: readonly string[],
  { runs: mostRuns = 1000, folders: mostFolders = 10_000, names: mostNames = 10_000 }: FindingLimits = {},
): Promise<{ readonly runs: readonly FoundRun[]; readonly isCut: boolean }> {
  const runs = new Map<string, FoundRun>();
  let looked = 0;
  let isCut = false;
  const look = async (folder: string, below: number): Promise<void> => {
    if (runs.size >= mostRuns || looked >= mostFolders) {
      isCut = true;
      return;
    }
    looked++;
    const found = await namesIn(folder, mostNames);
    isCut ||= found.isCut;
    const kind = kindOf(found.names);
    if (kind !== undefined) runs.set(folder, { kind, folder });
    if (kind !== undefined || below === depth) return;
    for (const name of found.folders.sort()) await look(join(folder, name), below + 1);
  };
  for (const each of declared) {
    const folder = await realpath(each).catch(() => undefined);
    if (folder !== undefined) await look(folder, 0);
  }
  return { runs: [...runs.values()], isCut };
}

function kindOf(names: readonly string[]): RunKind | undefined {
  if (names.includes(evaluationFiles.record)) return 'evaluation';
  return isRun(names) ? 'training' : undefined;
}

/** The names in a folder, and those of folders among them. */
async function namesIn(
  folder: string,
  most: number,
): Promise<{ readonly names: string[]; readonly folders: string[]; readonly isCut: boolean }> {
  const names: string[] = [];
  const folders: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      if (names.length >= most) return { names, folders, isCut: true };
      names.push(entry.name);
      if (entry.isDirectory() && !isFolderBeside(entry.name)) folders.push(entry.name);
    }
  } catch {
    // It went while it was read, or may not be read.
  }
  return { names, folders, isCut: false };
}
