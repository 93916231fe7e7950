import { lstat, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RootDatabase, RootDatabaseOptions } from 'lmdb';
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { isAsStamped } from './database-stamp.ts';
import { databaseDamage } from './lmdb-file.ts';
import { setAside } from './set-aside.ts';

/** Bytes by keys of 32 bytes. */
export type Database = RootDatabase<Buffer, Buffer>;

type Open = (typeof import('lmdb'))['open'];

const keyBytes = 32;
/** What LMDB reports of a file that is none of its own: page not found, corrupted, version mismatch, invalid. */
const damageCodes = new Set<unknown>([-30_797, -30_796, -30_794, -30_793]);
const lockFileReaders = 1000;

/** Where the parts of the database in the folder of a cache lie. */
export function databasePlaces(
  folder: string,
): Readonly<Record<'folder' | 'file' | 'lock' | 'stamp', string>> {
  const reasoned = join(folder, 'reasoned');
  const file = join(reasoned, 'queries.mdb');
  return { folder: reasoned, file, lock: `${file}-lock`, stamp: join(reasoned, 'whole.json') };
}

/** The package, which is loaded when it is first used. Throws `MISSING_PACKAGE` without it. */
export async function lmdb(): Promise<typeof import('lmdb')> {
  try {
    return await import('lmdb');
  } catch (cause) {
    throw new QuernError('MISSING_PACKAGE', 'the cache of reasoned queries needs the package lmdb', {
      hint: 'npm install lmdb',
      cause,
    });
  }
}

/**
 * Opens the database in the folder of a cache, made where there is none; one that is damaged is set aside, which `warnings`
 * are told. For one process at a time.
 */
export async function openWhole(folder: string, open: Open, warnings: Warnings): Promise<Database> {
  const places = databasePlaces(folder);
  const beginAnew = async (why: string): Promise<void> => {
    const aside = await setAside(places.folder);
    warnings.add(
      `the cache of reasoned queries was damaged and begins anew (${why}); it was set aside`,
      aside,
    );
    await mkdir(places.folder, { mode: 0o700 });
  };
  if (!(await isFolder(places.folder))) await beginAnew('its folder is not a folder');
  const isStamped = await isAsStamped(places.file, places.stamp).catch(() => false);
  const damage = isStamped
    ? undefined
    : ((await damageAt(places.file)) ?? (await damageAt(places.lock, false)));
  if (damage !== undefined) await beginAnew(damage);
  await makeLockFile(places.lock);
  try {
    return openDatabase(open, places.file);
  } catch (error) {
    if (!damageCodes.has((error as { code?: unknown }).code)) throw error;
    await beginAnew((error as Error).message);
    await makeLockFile(places.lock);
    return openDatabase(open, places.file);
  }
}

/** Opens the file at `path`, which must be whole. */
export function openDatabase(open: Open, path: string): Database {
  const options: RootDatabaseOptions & { permissionsMode: number } = {
    keyEncoding: 'binary',
    encoding: 'binary',
    noSubdir: true,
    maxDbs: 1,
    maxReaders: lockFileReaders,
    // Every commit is on disk before the next begins, so that the newest state is whole also when the machine stops.
    overlappingSync: false,
    permissionsMode: 0o600,
  };
  const database = open<Buffer, Buffer>(path, options);
  // Now it has a place in the table of readers.
  database.getBinary(Buffer.alloc(keyBytes));
  return database;
}

async function isFolder(path: string): Promise<boolean> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function damageAt(path: string, isDatabase = true): Promise<string | undefined> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return undefined;
  if (!found.isFile()) return `${basename(path)} is not a file`;
  return isDatabase ? databaseDamage(path, keyBytes) : undefined;
}

/**
 * Makes LMDB's table of readers, filled with zeros. LMDB would make one without any space on disk, map it into memory and end
 * the process when there is none to be had.
 */
async function makeLockFile(path: string): Promise<void> {
  await writeFile(path, Buffer.alloc(1 << 16), { flag: 'wx', mode: 0o600, flush: true }).catch(
    async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return;
      await rm(path, { force: true });
      throw error;
    },
  );
}
