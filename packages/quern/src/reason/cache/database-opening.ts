import { randomUUID } from 'node:crypto';
import { access, constants, lstat, open as openFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RootDatabase, RootDatabaseOptions } from 'lmdb';
import { QuernError } from '../../errors.ts';
import { makePrivateFolder } from '../../private-folder.ts';
import type { Warnings } from '../../warnings.ts';
import { isAsStamped } from './database-stamp.ts';
import { databaseDamage } from './lmdb-file.ts';
import { setAside } from './set-aside.ts';

/** Bytes by keys of 32 bytes. */
export type Database = RootDatabase<Buffer, Buffer>;

type Open = (typeof import('lmdb'))['open'];

const keyBytes = 32;
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
    await makePrivateFolder(places.folder);
  };
  if (!(await isFolder(places.folder))) await beginAnew('its folder is not a folder');
  const isStamped = await isAsStamped(places.file, places.stamp).catch(() => false);
  const damage =
    (isStamped ? undefined : await damageAt(places.file)) ?? (await damageAt(places.lock, false));
  if (damage !== undefined) await beginAnew(damage);
  await removePassing(places.folder);
  await makeLockFile(places.lock);
  await checkOpening(places);
  return openDatabase(open, places.file);
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
    // With it, a commit that fails rejects a promise that nobody has, which ends the process.
    eventTurnBatching: false,
    permissionsMode: 0o600,
  };
  const database = open<Buffer, Buffer>(path, options);
  // Now it has a place in the table of readers.
  database.getBinary(Buffer.alloc(keyBytes));
  return database;
}

async function isFolder(path: string): Promise<boolean> {
  await makePrivateFolder(path);
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Removes what processes that were killed left under passing names. */
async function removePassing(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/\.[0-9a-f-]{36}\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
  }
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

/**
 * Throws where LMDB could not open the database. lmdb 3.5 ends the process when it fails halfway, so that it may not be the one
 * who finds out.
 */
async function checkOpening({ file, lock }: ReturnType<typeof databasePlaces>): Promise<void> {
  await access(lock, constants.R_OK | constants.W_OK);
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return { size: 0 };
  });
  const probe = `${file}.${randomUUID()}.tmp`;
  const handles: FileHandle[] = [];
  try {
    // It writes the first pages of a new one.
    if (size === 0) await writeFile(probe, Buffer.alloc(1 << 16), { flag: 'wx', flush: true });
    for (let i = 0; i < 4; i++) handles.push(await openFile(size === 0 ? probe : file, 'r+'));
  } finally {
    for (const handle of handles) await handle.close();
    await rm(probe, { force: true });
  }
}
