/** PyTorch's own archives of LibTorch, for machines without Python. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry } from 'yauzl';
import { LibTorchError } from '../errors.ts';
import { installedVersion, libtorchIn } from './libtorch-folder.ts';
import { inPassingFolder } from './passing-folder.ts';
import { aborted, type Environment } from './run-program.ts';

const official = 'https://download.pytorch.org/libtorch/cpu';

const names: Readonly<Record<string, string>> = {
  'linux-x64': `libtorch-shared-with-deps-${installedVersion}%2Bcpu.zip`,
  'darwin-arm64': `libtorch-macos-arm64-${installedVersion}.zip`,
};

/** The folder under `folder` that the archive is unpacked to. */
export function archiveFolder(folder: string): string {
  return join(folder, `libtorch-${installedVersion}`);
}

/**
 * The address of the archive for a machine; undefined where PyTorch has none for it. `LIBTORCH_ARCHIVE` is the address of a
 * folder with the same files.
 */
export function archiveAddress(
  env: Environment,
  machine = `${process.platform}-${process.arch}`,
): string | undefined {
  const base = (env['LIBTORCH_ARCHIVE'] || official).replace(/\/+$/, '');
  const name = names[machine];
  return name === undefined ? undefined : `${base}/${name}`;
}

/**
 * Fetches the archive at `address`, unpacks it and returns its folder under `folder`, {@link archiveFolder}. Nothing is
 * there before it is whole. Throws `SETUP` where it cannot be had, is damaged or has entries that lie elsewhere, and
 * `ABORTED`.
 */
export async function fetchArchive(
  folder: string,
  { address, signal }: { readonly address: string; readonly signal?: AbortSignal },
): Promise<string> {
  const whole = archiveFolder(folder);
  try {
    await inPassingFolder(whole, async (passing) => {
      const archive = join(passing, 'archive.zip');
      await download(address, archive, signal);
      await unpack(archive, join(passing, 'unpacked'), signal);
      const made = join(passing, 'unpacked', 'libtorch');
      const found = libtorchIn(made);
      if ('problem' in found) throw new Error(`its folder libtorch is none: ${found.problem}`);
      return made;
    });
    return whole;
  } catch (error) {
    if (signal?.aborted) throw aborted();
    throw new LibTorchError('SETUP', `${address}: ${reasonOf(error)}`, { cause: error });
  }
}

async function download(address: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const response = await fetch(address, { signal });
  if (!response.ok || !response.body) {
    throw new Error(`the server answers ${response.status}`);
  }
  // The same to Node, whatever a program that also has a browser's types takes it for.
  const body = Readable.fromWeb(response.body as ReadableStream);
  await pipeline(body, createWriteStream(to, { flags: 'wx' }), { signal });
}

/** Unpacks an archive. Names that lead out of `to` are refused by yauzl, links and sums that differ here. */
async function unpack(archive: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const zip = await openPromise(archive, { lazyEntries: true, autoClose: false });
  try {
    const made = new Set<string>();
    for await (const entry of zip.eachEntry()) {
      if (signal?.aborted) throw aborted();
      if (entry.fileName.endsWith('/')) continue;
      if (isLink(entry)) throw new Error(`${entry.fileName} in the archive is a link`);
      const path = join(to, entry.fileName);
      if (!made.has(dirname(path))) {
        await mkdir(dirname(path), { recursive: true });
        made.add(dirname(path));
      }
      await pipeline(
        await zip.openReadStreamPromise(entry),
        (chunks: AsyncIterable<Buffer>) => checked(chunks, entry),
        createWriteStream(path, { flags: 'wx' }),
        { signal },
      );
    }
  } finally {
    zip.close();
  }
}

/** Whether an entry that was made on a Unix system is a symbolic link. */
function isLink({ externalFileAttributes }: Entry): boolean {
  return ((externalFileAttributes >>> 16) & 0o170000) === 0o120000;
}

async function* checked(chunks: AsyncIterable<Buffer>, entry: Entry): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of chunks) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== entry.crc32) throw new Error(`${entry.fileName} in the archive is damaged`);
}

/** What went wrong; fetch says it in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== ''
    ? `${error.message}: ${error.cause.message}`
    : error.message;
}
