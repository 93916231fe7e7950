/**
 * The folder of an index: `manifest.json`, which says what the index is made of (`manifest.ts`), the immutable files
 * that it names, and while somebody writes the `writer.lock`. Of the files with names of ours that the manifest does not
 * name, none is needed: a writer that was killed left them, or readers had them open when they were replaced.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The name of the manifest in its folder. */
export const manifestFileName = 'manifest.json';
/** The name of the one file that an index was before there were segments. */
export const oldIndexFileName = 'index.quern';
/** The name of the lock; what passes on the way to it begins with this name too. */
export const lockFileName = 'writer.lock';

/** The name of a segment. */
export function segmentFileName(segment: number): string {
  return `segment-${segment}.quern`;
}

/** The name of the deletions in a segment that the commit `generation` wrote. */
export function deletionsFileName(segment: number, generation: number): string {
  return `deleted-${segment}-${generation}.quern`;
}

/** The number of a segment by its file's name; undefined for other names. */
export function segmentNumber(file: string): number | undefined {
  const match = /^segment-([1-9]\d{0,15})\.quern$/.exec(file);
  return match ? Number(match[1]) : undefined;
}

/** What a file is called until it is whole. */
export function partialName(file: string): string {
  return `${file}.partial`;
}

const ownNames =
  /^(index\.quern|segment-\d+\.quern|deleted-\d+-\d+\.quern|(manifest\.json|(segment|deleted)-[-\d]+\.[a-z]+)\.partial)$/;

/** Removes every file of ours but the manifest and the files that it names (`named`). Only for who holds the lock. */
export async function removeUnnamed(folder: string, named: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (ownNames.test(name) && !named.has(name)) await removeFile(join(folder, name));
  }
}

/** Removes a file. What cannot be removed now is left to the next writer: it must not hide how this one went. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}

/** Whether a folder with these entries is that of an index, or of one begun. A manifest alone may be anyone's. */
export function areOfAnIndex(entries: readonly string[]): boolean {
  const own = entries.filter((name) => ownNames.test(name) || name.startsWith(lockFileName));
  return (
    own.length === entries.length ||
    own.includes(oldIndexFileName) ||
    (entries.includes(manifestFileName) && own.some((name) => segmentNumber(name) !== undefined))
  );
}
