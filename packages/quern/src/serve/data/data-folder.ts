import { realpath } from 'node:fs/promises';
import { fileError } from '../../errors.ts';
import { makePrivateFolder } from '../../private-folder.ts';
import { ProcessLock } from '../../process-lock.ts';
import { Builds, type Build } from './builds.ts';
import { Corpora } from './corpora.ts';
import { defaultDataLimits, type DataLimits } from './data-limits.ts';
import { DataSpace } from './data-space.ts';
import { Indexes } from './indexes.ts';
import { clearLeftovers } from './leftovers.ts';
import { PlainTree } from './plain-tree.ts';

/** How the data folder is opened. */
export interface DataFolderOptions {
  readonly limits?: Partial<DataLimits>;
  /** Told of an index that has been built, replaced or deleted. */
  readonly onIndexChange?: (index: string) => void;
  /** Told of each build that has ended. */
  readonly onBuildEnd?: (build: Build) => void;
}

/**
 * The data folder of a service: corpora that were received, and indexes that were built of them. Whatever is under its final
 * name is whole, however a process ended; links are not followed; one process has it open at a time.
 */
export class DataFolder {
  readonly corpora: Corpora;
  readonly indexes: Indexes;
  readonly builds: Builds;
  readonly #lock: ProcessLock;
  readonly #space: DataSpace;

  private constructor(tree: PlainTree, lock: ProcessLock, options: DataFolderOptions) {
    const limits = { ...defaultDataLimits, ...options.limits };
    this.#lock = lock;
    this.#space = new DataSpace(tree, limits);
    this.builds = new Builds(limits.mostWaiting, options.onBuildEnd);
    this.corpora = new Corpora(tree, this.#space, limits, this.builds);
    this.indexes = new Indexes(tree, this.#space, limits, this.builds, options.onIndexChange);
  }

  /**
   * Opens a data folder, which is made where it is missing, and clears away what a killed process left. Throws `LOCKED` while
   * another has it open, and `IO` where it holds a link in place of `corpora` or `indexes`.
   */
  static async open(path: string, options: DataFolderOptions = {}): Promise<DataFolder> {
    let root: string;
    try {
      await makePrivateFolder(path);
      root = await realpath(path);
    } catch (error) {
      throw fileError(error, path);
    }
    const tree = new PlainTree(root);
    const lock = await ProcessLock.acquire(tree.path('service.lock'), { kind: 'data folder', where: path });
    try {
      for (const folder of ['corpora', 'indexes'] as const) {
        await tree.makeFolder(folder);
        await clearLeftovers(tree, folder);
      }
      const data = new DataFolder(tree, lock, options);
      await data.#space.measure();
      await data.indexes.lookUp();
      return data;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Bytes of all corpora and indexes, what is on its way included. */
  get bytes(): number {
    return this.#space.bytes;
  }

  /** Stops what is under way, waits until it has ended, and lets go of the folder. */
  async close(): Promise<void> {
    await Promise.all([this.corpora.close(), this.builds.close()]);
    await this.#lock.release();
  }
}
