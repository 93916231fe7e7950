import { opendir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { isFolderBeside } from '../../folder-beside.ts';

/** How far folders are looked through. */
export interface FolderLimits {
  /** Folders that are found. Default 1,000. */
  readonly most?: number;
  /** Folders that are looked into. Default 10,000. */
  readonly folders?: number;
  /** Names that are read of a folder. Default 10,000. */
  readonly names?: number;
}

/** A folder of a kind. */
export interface FoundFolder<K> {
  readonly kind: K;
  /** Its real path. */
  readonly folder: string;
}

/** Folders below one that is declared in which others are found. */
const depth = 2;

/**
 * The folders of which `kindOf` knows the kind by the names in them, among those that are declared, those in them, and those in these.
 * Links in them are not followed. What is not there, or cannot be read, holds none; `isCut` says that there may be more than the
 * limits let find.
 */
export async function foundFolders<K>(
  declared: readonly string[],
  kindOf: (names: readonly string[]) => K | undefined,
  { most = 1000, folders: mostFolders = 10_000, names: mostNames = 10_000 }: FolderLimits = {},
): Promise<{ readonly found: readonly FoundFolder<K>[]; readonly isCut: boolean }> {
  const found = new Map<string, FoundFolder<K>>();
  let looked = 0;
  let isCut = false;
  const look = async (folder: string, below: number): Promise<void> => {
    if (found.size >= most || looked >= mostFolders) {
      isCut = true;
      return;
    }
    looked++;
    const inside = await namesIn(folder, mostNames);
    isCut ||= inside.isCut;
    const kind = kindOf(inside.names);
    if (kind !== undefined) found.set(folder, { kind, folder });
    if (kind !== undefined || below === depth) return;
    for (const name of inside.folders.sort()) await look(join(folder, name), below + 1);
  };
  for (const each of declared) {
    const folder = await realpath(each).catch(() => undefined);
    if (folder !== undefined) await look(folder, 0);
  }
  return { found: [...found.values()], isCut };
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
