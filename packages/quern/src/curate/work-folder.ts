import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../errors.ts';
import { syncFolder, writeLines } from '../whole-file.ts';
import type { StageRecord } from './stage-record.ts';

/** What a stage is given to work in. */
export interface StagePlace {
  /** The folder that it writes into; it gets its name when the stage is done. */
  readonly folder: string;
  /** What the stage's outcome depends on, as a hash. */
  readonly identity: string;
}

/**
 * The folder in which a run keeps what its stages have done, so that it can be broken off at any moment, looked at, and gone on
 * with: a folder a stage, `NN-name`, with a record in `stage.json`. A stage's identity is a hash of its settings and of the
 * identity of the one before; where it is another than that of the folder that is there, the stage is done again, and so are all
 * that follow.
 */
export class WorkFolder {
  readonly path: string;
  #number = 0;
  #identity = '';

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder where it is not there. */
  static async open(path: string): Promise<WorkFolder> {
    await mkdir(path, { recursive: true }).catch((error: unknown) => {
      throw fileError(error, path);
    });
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
    { resumes = false }: { readonly resumes?: boolean } = {},
  ): Promise<{ readonly record: T; readonly folder: string; readonly wasDone: boolean }> {
    const identity = createHash('sha256')
      .update(JSON.stringify([this.#identity, name, settings]))
      .digest('hex');
    this.#identity = identity;
    const folder = this.folderOf(name);
    const unfinished = `${folder}.unfinished`;
    const done = await readRecord<T>(folder);
    if (done?.identity === identity) return { record: done.record, folder, wasDone: true };
    await rm(folder, { recursive: true, force: true });
    const begun = await readIdentity(unfinished);
    if (!resumes || begun !== identity) {
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished).catch((error: unknown) => {
        throw fileError(error, unfinished);
      });
      await writeLines(join(unfinished, 'identity'), [identity]);
    }
    const record = await work({ folder: unfinished, identity });
    await writeLines(join(unfinished, 'stage.json'), [JSON.stringify({ identity, ...record }, null, 2)]);
    await rename(unfinished, folder);
    await syncFolder(this.path);
    return { record, folder, wasDone: false };
  }

  /** The hash of all that the stages so far depend on. */
  get identity(): string {
    return this.#identity;
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

async function readRecord<T>(folder: string): Promise<{ identity: string; record: T } | undefined> {
  try {
    const { identity, ...record } = JSON.parse(await readFile(join(folder, 'stage.json'), 'utf8')) as {
      identity: string;
    };
    return { identity, record: record as T };
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
