import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { fileError, QuernError } from './errors.ts';

/**
 * Writes `lines` to `path`, each followed by a line feed; as gzip when `path` ends in `.gz`. The file comes to be under
 * a passing name in the same folder and is renamed when it is whole: a failure leaves nothing, and an older file as it
 * was. Links are followed; a pipe or a device is written to as it is.
 *
 * Throws what `lines` throws, and what {@link fileError} makes of the file system's errors.
 */
export async function writeLines(
  path: string,
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const found = await stat(target).catch(() => undefined);
  const isStream = found !== undefined && !found.isFile() && !found.isDirectory();
  const passing = `${target}.${randomUUID()}.tmp`;
  try {
    const inBlocks = Symbol.asyncIterator in lines ? asyncBlocksOf(lines) : blocksOf(lines);
    const blocks = Readable.from(inBlocks, { objectMode: true });
    const file = isStream
      ? createWriteStream(target)
      : createWriteStream(passing, { flags: 'wx', flush: true });
    await (path.endsWith('.gz') ? pipeline(blocks, createGzip(), file) : pipeline(blocks, file));
    if (!isStream) await rename(passing, target);
  } catch (error) {
    if (!isStream) await rm(passing, { force: true }).catch(() => undefined);
    throw fileError(error, path);
  }
}

function* blocksOf(lines: Iterable<string>): Generator<Buffer> {
  let block = '';
  for (const line of lines) {
    block += `${line}\n`;
    if (block.length < 1 << 16) continue;
    yield Buffer.from(block);
    block = '';
  }
  if (block !== '') yield Buffer.from(block);
}

async function* asyncBlocksOf(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let block = '';
  for await (const line of lines) {
    block += `${line}\n`;
    if (block.length < 1 << 16) continue;
    yield Buffer.from(block);
    block = '';
  }
  if (block !== '') yield Buffer.from(block);
}

/** Throws unless the folder that `path` would lie in exists: to be asked before work that ends in writing it. */
export async function checkFolderOf(path: string): Promise<void> {
  const folder = dirname(path);
  const found = await stat(folder).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  if (!found.isDirectory()) throw new QuernError('IO', 'is a file, not a folder', { where: folder });
}

/** Makes the files in a folder durable, and then its entries. Throws what the file system does. */
export async function syncFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), 'r+');
    await file.sync().finally(() => file.close());
  }
  await syncFolder(folder);
}

/** Makes the entries of a folder durable, as far as the system can: Windows and some networks cannot. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
