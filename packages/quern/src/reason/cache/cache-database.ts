/**
 * The database of reasoned queries, `reasoned/queries.mdb` in the folder of the cache, which several processes may have open
 * at once. LMDB looks after that; what is added is that opening it is safe (database-opening.ts) and that it gets smaller
 * again. Both are done under a lock, as a file may be renamed then.
 */
import { randomUUID } from 'node:crypto';
import { chmod, open as openFile, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { QuernError } from '../../errors.ts';
import { makePrivateFolder } from '../../private-folder.ts';
import { ProcessLock } from '../../process-lock.ts';
import type { Warnings } from '../../warnings.ts';
import { databasePlaces, lmdb, openDatabase, openWhole, type Database } from './database-opening.ts';
import { writeStamp } from './database-stamp.ts';

/** The key of an entry, and how its value begins. */
export interface KeyedHead {
  readonly key: Buffer;
  readonly head: Buffer;
}

/** How many entries are removed in one transaction. */
const removedAtOnce = 1000;
/** How long to wait for others that open it, in milliseconds. */
const patience = 10_000;

/**
 * The databases that this process has open, by their folder: each only once, since closing the second opening of a lock
 * file would release the locks of the first.
 */
const opened = new Map<string, Opened>();

interface Opened {
  database: Database;
  users: number;
  /** While its file is being replaced. */
  shrinking?: Promise<void>;
}

/** The last opening, closing or shrinking of each folder: one follows the other. */
const turns = new Map<string, Promise<unknown>>();

function inTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(folder) ?? Promise.resolve()).then(work, work);
  turns.set(folder, turn);
  const end = (): void => {
    if (turns.get(folder) === turn) turns.delete(folder);
  };
  turn.then(end, end);
  return turn;
}

/** An open database of bytes by keys of 32 bytes. */
export class CacheDatabase {
  readonly #folder: string;
  #isClosed = false;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Opens it, made where there is none; one that is damaged is set aside, which `warnings` are told. Throws `MISSING_PACKAGE`
   * without lmdb, and otherwise whatever stands in the way.
   */
  static async open(folder: string, warnings: Warnings): Promise<CacheDatabase> {
    const { open } = await lmdb();
    await makePrivateFolder(folder);
    const place = await realpath(folder);
    return inTurn(place, async () => {
      const already = opened.get(place);
      if (already) already.users++;
      else {
        const database = await locked(place, () => openWhole(place, open, warnings));
        opened.set(place, { database, users: 1 });
      }
      return new CacheDatabase(place);
    });
  }

  async #database(): Promise<Database> {
    await opened.get(this.#folder)?.shrinking;
    const shared = opened.get(this.#folder);
    if (this.#isClosed || !shared) {
      throw new QuernError('USAGE', 'the cache is closed', { where: this.#folder });
    }
    return shared.database;
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    const database = await this.#database();
    // Else what was read last, up to a turn of the event loop ago, is looked at: others may have stored since.
    database.resetReadTxn();
    return database.getBinary(key);
  }

  /** Resolves when it is on disk. */
  async put(key: Buffer, value: Buffer): Promise<void> {
    const database = await this.#database();
    await written(database.put(key, value));
  }

  /** Removes those of these entries whose values still begin with `head`. Returns how many. */
  async remove(entries: readonly KeyedHead[]): Promise<number> {
    let removed = 0;
    for (let from = 0; from < entries.length; from += removedAtOnce) {
      const database = await this.#database();
      await written(
        database.transaction(() => {
          for (const { key, head } of entries.slice(from, from + removedAtOnce)) {
            const isSame = database.getBinary(key)?.subarray(0, head.length).equals(head);
            if (isSame && database.removeSync(key)) removed++;
          }
        }),
      );
    }
    return removed;
  }

  /** All entries, in the order of their keys. A value is good up to the next. */
  async *entries(): AsyncGenerator<{ readonly key: Buffer; readonly value: Buffer }> {
    const database = await this.#database();
    for (const { key, value } of database.getRange()) yield { key: Buffer.from(key), value };
  }

  /** The bytes that entries take in the file; the rest of it is free for others. */
  async usedBytes(): Promise<number> {
    const stats = (await this.#database()).getStats() as Record<string, number>;
    const { treeBranchPageCount, treeLeafPageCount, overflowPages, pageSize } = stats;
    return (treeBranchPageCount + treeLeafPageCount + overflowPages) * pageSize;
  }

  /** Gives free space in the file back to the system, unless another process, or another part of this one, has it open. */
  shrink(): Promise<void> {
    return inTurn(this.#folder, () =>
      locked(this.#folder, async () => {
        const shared = opened.get(this.#folder);
        if (!shared || shared.users > 1 || readers(shared.database) > 1) return;
        shared.shrinking = replaceByCompact(shared, databasePlaces(this.#folder).file);
        try {
          await shared.shrinking;
        } finally {
          shared.shrinking = undefined;
        }
      }),
    );
  }

  /** Closes it when all else is done. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await inTurn(this.#folder, async () => {
      const shared = opened.get(this.#folder)!;
      if (--shared.users > 0) return;
      opened.delete(this.#folder);
      await shared.database.close();
      const { file, stamp } = databasePlaces(this.#folder);
      await writeStamp(file, stamp);
    });
  }
}

/** What `writing` resolves to; throws the reason where lmdb says only that the commit failed. */
async function written<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (error instanceof Error && 'commitError' in error) await error.commitError;
    throw error;
  }
}

/** Replaces the file of an open database by a copy of it without free space. */
async function replaceByCompact(shared: Opened, file: string): Promise<void> {
  const { open } = await lmdb();
  const passing = `${file}.${randomUUID()}.tmp`;
  // What is being written when this begins is in the copy, as it waits for that; what comes later waits for this.
  await shared.database.flushed;
  try {
    await shared.database.backup(passing, true);
    await chmod(passing, 0o600);
    await synced(passing);
  } catch (error) {
    await rm(passing, { force: true });
    throw error;
  }
  await shared.database.close();
  try {
    await rename(passing, file);
  } finally {
    shared.database = openDatabase(open, file);
  }
}

/** Does `work` while no other process opens or shrinks the database. */
async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const end = performance.now() + patience;
  const guarded = { kind: 'cache', where: folder };
  const lock = await ProcessLock.acquireInTurn(join(folder, 'opening.lock'), guarded, async (taken) => {
    if (performance.now() > end) throw taken;
    await wait(10 + 20 * Math.random());
  });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function readers(database: Database): number {
  database.readerCheck();
  // A line of heads, and one for each.
  return database.readerList().trimEnd().split('\n').length - 1;
}

async function synced(path: string): Promise<void> {
  const file = await openFile(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
