import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QuernError } from '../errors.ts';
import { syncFolder, writeLines } from '../whole-file.ts';
import type { StageRecord } from './stage-record.ts';

/** The file by which the folder is known for what it is. */
const markerName = 'quern-curate';

/** What is special about a stage. */
export interface StageOptions {
  /** Whether its unfinished folder can be gone on with. */
  readonly resumes?: boolean;
  /** Which of its files may be gone when it is done. */
  readonly mayLack?: (name: string) => boolean;
  /** Whether all that it made is still where it is looked for, beside its own files. */
  readonly isWhole?: (folder: string) => Promise<boolean>;
}

/** What a stage is given to work in. */
export interface StagePlace {
  /** The folder that it writes into; it gets its name when the stage is done. */
  readonly folder: string;
}

/**
 * The folder in which a run keeps what its stages have done, so that it can be broken off at any moment, looked at, and
 * gone on with: a folder a stage, `NN-name`, with a record in `stage.json`. A stage's identity is a hash of its settings
 * and of the identity of the one before; where it is another than that of the folder that is there, the stage is done
 * again, and so are all that follow.
 */
export class WorkFolder {
  readonly path: string;
  #number = 0;
  #identity = '';

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes the folder where it is not there. Throws `ALREADY_EXISTS` where it is there and no run has made it: what is in
   * it would be removed.
   */
  static async open(path: string): Promise<WorkFolder> {
    const marker = join(path, markerName);
    const foreign = new QuernError(
      'ALREADY_EXISTS',
      'is there already, and is not the work of quern curate',
      {
        where: path,
        hint: 'Move it away, or choose another --out: the work is kept under this name until it is done',
      },
    );
    const found = await lstat(path).catch(() => undefined);
    if (found && !found.isDirectory()) throw foreign;
    try {
      await mkdir(path, { recursive: true });
      const names = await readdir(path);
      if (names.length > 0 && !names.includes(markerName)) throw foreign;
      await writeFile(marker, 'The work of quern curate: safe to delete.\n');
    } catch (error) {
      throw fileError(error, path);
    }
    return new WorkFolder(path);
  }

  /**
   * What a stage came to: as its record says, where it was done before, else by `work`. A stage whose unfinished folder may be
   * gone on with says so by `resumes`; any other begins anew.
   */
  async stage<T extends StageRecord>(
    name: string,
    settings: unknown,
    work: (place: StagePlace) => Promise<T>,
    { resumes = false, mayLack = () => false, isWhole = () => Promise.resolve(true) }: StageOptions = {},
  ): Promise<{ readonly record: T; readonly folder: string; readonly wasDone: boolean }> {
    const identity = createHash('sha256')
      .update(JSON.stringify([this.#identity, name, settings]))
      .digest('hex');
    this.#identity = identity;
    const folder = this.folderOf(name);
    const unfinished = `${folder}.unfinished`;
    const done = await readRecord<T>(folder);
    const isSame = done?.identity === identity && (await hasFiles(folder, done.sizes, mayLack));
    if (isSame && (await isWhole(folder))) return { record: done.record, folder, wasDone: true };
    await rm(folder, { recursive: true, force: true });
    const begun = await readIdentity(unfinished);
    if (!resumes || begun !== identity) {
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished).catch((error: unknown) => {
        throw fileError(error, unfinished);
      });
      await writeLines(join(unfinished, 'identity'), [identity]);
    }
    const record = await work({ folder: unfinished });
    const sizes = await filesOf(unfinished);
    await writeLines(join(unfinished, 'stage.json'), [
      JSON.stringify({ identity, sizes, ...record }, null, 2),
    ]);
    await rename(unfinished, folder);
    await syncFolder(this.path);
    return { record, folder, wasDone: false };
  }

  /** Says what the stages that follow depend on besides. */
  depend(settings: unknown): void {
    this.#identity = createHash('sha256')
      .update(JSON.stringify([this.#identity, settings]))
      .digest('hex');
  }

  /** Whether a stage is done, as far as its own folder tells. */
  async hasStage(number: number, name: string): Promise<boolean> {
    const folder = join(this.path, `${String(number).padStart(2, '0')}-${name}`);
    const done = await readRecord(folder);
    return done !== undefined && hasFiles(folder, done.sizes, () => false);
  }

  /** Removes the folder, and all in it. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  private folderOf(name: string): string {
    this.#number++;
    return join(this.path, `${String(this.#number).padStart(2, '0')}-${name}`);
  }
}

/** A folder's files with their lengths, and those of its folders as none. */
async function filesOf(folder: string): Promise<Record<string, number>> {
  const files: Record<string, number> = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) files[entry.name] = (await stat(join(folder, entry.name))).size;
  }
  return files;
}

/** Whether a folder has these files with their lengths, but for those that may be gone. */
async function hasFiles(
  folder: string,
  files: Readonly<Record<string, number>>,
  mayLack: (name: string) => boolean,
): Promise<boolean> {
  const there = await filesOf(folder).catch((): Record<string, number> => ({}));
  return Object.entries(files).every(
    ([name, size]) => there[name] === size || (!(name in there) && mayLack(name)),
  );
}

async function readRecord<T>(
  folder: string,
): Promise<{ identity: string; sizes: Record<string, number>; record: T } | undefined> {
  try {
    const { identity, sizes, ...record } = JSON.parse(await readFile(join(folder, 'stage.json'), 'utf8')) as {
      identity: string;
      sizes: Record<string, number>;
    };
    return typeof sizes === 'object' ? { identity, sizes, record: record as T } : undefined;
  } catch {
    return undefined;
  }
}

async function readIdentity(folder: string): Promise<string | undefined> {
  return readFile(join(folder, 'identity'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}
