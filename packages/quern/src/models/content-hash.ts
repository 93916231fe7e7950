import { createHash } from 'node:crypto';
import { open, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import { silentWork, type OnWork } from '../work.ts';
import { FileMemo, fileState, isSettled, type FileState } from './file-memo.ts';

/** How files are hashed. */
export interface ContentHashOptions {
  /** The folder of the cache: hashes are remembered in `hashes/` under it. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  /** Told of the bytes that are read; not at all where the hash is known. */
  readonly onWork?: OnWork;
}

const blockBytes = 1 << 20;

/**
 * The SHA-256 of the file at `path`, 64 hexadecimal digits. It is remembered as long as the file lies where it does, with the
 * same size, times and inode, so that a model of a gigabyte is read once; a file that changed in the last two seconds is not
 * remembered. Nothing of the memory is needed: where it cannot be read or written, the file is read.
 *
 * Throws `NOT_FOUND` and the like for the file, `BAD_INPUT` where it is none, and `ABORTED`.
 */
export async function contentHash(path: string, options: ContentHashOptions): Promise<string> {
  const { folder, signal, onWork } = options;
  throwIfAborted(signal);
  let file: FileHandle | undefined;
  try {
    const place = await realpath(path);
    // Opening a pipe would wait for a writer.
    if (!(await stat(place)).isFile()) throw new QuernError('BAD_INPUT', 'is not a file', { where: path });
    file = await open(place, 'r');
    const before = fileState(place, await file.stat({ bigint: true }));
    const memo = hashMemo(before, folder);
    const known = await remembered(memo);
    if (known !== undefined) return known;
    const started = Date.now();
    const hash = await hashOf(file, before.bytes, signal, onWork);
    const after = fileState(place, await file.stat({ bigint: true }));
    if (after.text === before.text && isSettled(before, started)) await memo.remember(hash);
    return hash;
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file?.close();
  }
}

/** What {@link contentHash} remembers of the file at `path`; undefined where it would have to read it. */
export async function rememberedHash(
  path: string,
  { folder }: Pick<ContentHashOptions, 'folder'>,
): Promise<string | undefined> {
  try {
    const place = await realpath(path);
    return await remembered(hashMemo(fileState(place, await stat(place, { bigint: true })), folder));
  } catch (error) {
    throw fileError(error, path);
  }
}

function hashMemo(state: FileState, folder: string): FileMemo {
  return new FileMemo([state], { folder, kind: 'hashes', ending: '.hash' });
}

async function remembered(memo: FileMemo): Promise<string | undefined> {
  const hash = await memo.fact();
  return hash !== undefined && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
}

async function hashOf(
  file: FileHandle,
  size: number,
  signal: AbortSignal | undefined,
  onWork: OnWork | undefined,
): Promise<string> {
  const work = onWork?.('hashing', size) ?? silentWork;
  try {
    const hash = createHash('sha256');
    const block = Buffer.alloc(blockBytes);
    for (let position = 0; ;) {
      throwIfAborted(signal);
      const { bytesRead } = await file.read(block, 0, blockBytes, position);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(block.subarray(0, bytesRead));
      position += bytesRead;
      work.update(position);
    }
  } finally {
    work.stop();
  }
}
