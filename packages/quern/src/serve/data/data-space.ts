import { statfs } from 'node:fs/promises';
import { byteSize } from '../../byte-size.ts';
import { fileError, QuernError } from '../../errors.ts';
import type { DataLimits } from './data-limits.ts';
import { readPassingName } from './data-names.ts';
import type { PlainTree } from './plain-tree.ts';

/** How many more bytes are written before the volume is asked again what is free. */
const step = 16 * 2 ** 20;

/** Room for what is on its way into the data folder. */
export interface Reservation {
  /** Takes room for more bytes. Throws `DISK_FULL` where there is none. */
  take(bytes: number): Promise<void>;
  /** Gives the room back: what it was for is in its place now, or gone. */
  release(): Promise<void>;
}

/** How much the data folder holds, and may. */
export class DataSpace {
  readonly #tree: PlainTree;
  readonly #limits: Pick<DataLimits, 'mostTotalBytes' | 'leastFreeBytes'>;
  #settled = 0;
  #passing = 0;
  #measured: Promise<void> = Promise.resolve();

  constructor(tree: PlainTree, limits: Pick<DataLimits, 'mostTotalBytes' | 'leastFreeBytes'>) {
    this.#tree = tree;
    this.#limits = limits;
  }

  /** Bytes of all corpora and indexes, what is on its way included. */
  get bytes(): number {
    return this.#settled + this.#passing;
  }

  /** Counts anew what is in its place. One count follows the other, so that the last to end has seen the most. */
  measure(): Promise<void> {
    const counted = this.#measured.then(() => this.#measure());
    this.#measured = counted.catch(() => undefined);
    return counted;
  }

  async #measure(): Promise<void> {
    let sum = 0;
    for (const folder of ['corpora', 'indexes']) {
      for (const name of await this.#tree.names(folder)) {
        if (readPassingName(name)) continue;
        sum += await this.#tree.hasFolder(folder, name).then(
          (isThere) => (isThere ? this.#tree.bytes([folder, name]) : 0),
          () => 0,
        );
      }
    }
    this.#settled = sum;
  }

  /** Throws `DISK_FULL` unless the volume has room for `bytes` and keeps free what it should. */
  async checkDisk(bytes = 0): Promise<void> {
    const { root } = this.#tree;
    const { bavail, bsize } = await statfs(root).catch((error: unknown) => {
      throw fileError(error, 'data folder');
    });
    if (bavail * bsize - bytes >= this.#limits.leastFreeBytes) return;
    throw new QuernError('DISK_FULL', 'no space left on the volume of the data folder', {
      hint: `Free some: ${byteSize(this.#limits.leastFreeBytes)} are kept free`,
    });
  }

  /** Room for what is about to be written, none so far. Throws `DISK_FULL`. */
  async reserve(): Promise<Reservation> {
    await this.checkDisk();
    let taken = 0;
    let checked = 0;
    return {
      take: async (bytes) => {
        if (this.bytes + bytes > this.#limits.mostTotalBytes) {
          throw new QuernError(
            'DISK_FULL',
            `the data folder would hold more than ${byteSize(this.#limits.mostTotalBytes)}`,
            { hint: 'Delete corpora or indexes that are no longer needed' },
          );
        }
        this.#passing += bytes;
        taken += bytes;
        if (taken - checked < step) return;
        checked = taken;
        await this.checkDisk();
      },
      release: async () => {
        await this.measure().finally(() => {
          this.#passing -= taken;
          taken = 0;
        });
      },
    };
  }
}
