import { readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileError, QuernError } from '../errors.ts';
import { clearFoldersBeside, makeFolderBeside, removeFolderBeside } from '../folder-beside.ts';
import type { ProcessLock } from '../process-lock.ts';
import { syncFolder } from '../whole-file.ts';
import { areOfAnIndex, manifestFileName, removeUnnamed } from './index-folder.ts';
import { segmentFileName, segmentNumber } from './index-folder.ts';
import { contentAfter, namedFiles, readManifest, writeManifest, type Manifest } from './manifest.ts';
import type { WrittenSegment } from './segment-draft.ts';
import { lockWriter } from './writer-lock.ts';

/**
 * The folder beside the final one in which an index is built, and which is renamed at the end: a crash at any moment
 * leaves the old index or none. Where the final one is there already, its lock is held, and the new segment and a manifest
 * of it alone are put into it. The work folder is called `OUT.partial-PID-RANDOM`; the next build clears what a killed one
 * left.
 */
export class WorkFolder {
  /** The final folder, links followed. */
  readonly out: string;
  readonly #path: string;
  #lock: ProcessLock | undefined;

  private constructor(out: string, path: string) {
    this.out = out;
    this.#path = path;
  }

  /**
   * Makes the work folder for an index in `given`. Throws `ALREADY_EXISTS` when that is a file, or a folder with other
   * content than an index, `LOCKED` when somebody writes to that, `NOT_FOUND` when the folder above it does not exist,
   * and `USAGE` when it is the root of a volume.
   */
  static async create(given: string): Promise<WorkFolder> {
    // The work folder has to lie on the volume of the final one, so a link is followed first.
    const out = await realpath(given).catch(() => resolve(given));
    await checkTarget(out);
    await clearFoldersBeside(out);
    const work = new WorkFolder(out, await makeFolderBeside(out));
    try {
      if (await isFolder(out)) work.#lock = await lockWriter(out);
      return work;
    } catch (error) {
      await work.remove();
      throw error;
    }
  }

  /** The path of a file in it. */
  file(name: string): string {
    return join(this.#path, name);
  }

  /** The path that the segment is to be written to. */
  get segmentPath(): string {
    return this.file(segmentFileName(1));
  }

  /** Makes what was built at {@link segmentPath} the index, durable, and removes the folder with all else in it. */
  async putInPlace(
    { facts, bytes, checksum }: WrittenSegment,
    { analyzer, stored }: Pick<Manifest, 'analyzer' | 'stored'>,
  ): Promise<void> {
    const { documents, documentsWithTerms, postings, tokens } = facts;
    const manifestOf = (segment: number, generation: number): Manifest => ({
      generation,
      analyzer,
      stored,
      nextSegment: segment + 1,
      segments: [{ file: segmentFileName(segment), documents, postings, bytes, checksum }],
      totals: { documents, documentsWithTerms, postings, tokens, deleted: 0 },
      content: contentAfter(undefined, [{ checksum }]),
    });
    if (!(await isFolder(this.out))) {
      await writeManifest(this.#path, manifestOf(1, 1));
      if (await this.#renamed()) await syncFolder(dirname(this.out));
      else await rm(this.file(manifestFileName));
    }
    if (await isFolder(this.#path)) await this.#replaceIndex(manifestOf);
    await this.remove();
  }

  /** Removes the folder and lets go of the final one. */
  async remove(): Promise<void> {
    await removeFolderBeside(this.#path);
    await this.#lock?.release();
  }

  async #replaceIndex(manifestOf: (segment: number, generation: number) => Manifest): Promise<void> {
    this.#lock ??= await lockWriter(this.out);
    const old = await readManifest(this.out).catch(() => undefined);
    // Of an index whose manifest is damaged, readers may have any segment open.
    const numbers = (await readdir(this.out)).map((name) => segmentNumber(name) ?? 0);
    const segment = Math.max(old?.nextSegment ?? 1, 1 + Math.max(0, ...numbers));
    const manifest = manifestOf(segment, (old?.generation ?? 0) + 1);
    await rename(this.segmentPath, join(this.out, segmentFileName(segment)));
    await writeManifest(this.out, manifest);
    await removeUnnamed(this.out, namedFiles(manifest));
  }

  /** Renames the folder to the final one; false where another build has made that in the meantime. */
  async #renamed(): Promise<boolean> {
    try {
      await rename(this.#path, this.out);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
  }
}

async function hasManifest(folder: string): Promise<boolean> {
  return readManifest(folder).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

async function checkTarget(out: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(out);
  } catch (error) {
    const mapped = fileError(error, out);
    if (mapped instanceof QuernError && mapped.code === 'NOT_FOUND') return;
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') {
      throw new QuernError('ALREADY_EXISTS', 'is a file; an index is a folder', { where: out });
    }
    throw mapped;
  }
  if (!areOfAnIndex(entries) && !(await hasManifest(out))) {
    throw new QuernError('ALREADY_EXISTS', 'the folder holds other things than an index', {
      where: out,
      hint: 'Choose a new or an empty folder',
    });
  }
  if ((await stat(out)).dev !== (await stat(dirname(out))).dev) {
    throw new QuernError('USAGE', 'is the root of a volume, and a finished index cannot be moved into it', {
      where: out,
      hint: `Choose a folder in it, such as ${join(out, 'index')}`,
    });
  }
}
