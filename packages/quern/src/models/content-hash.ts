import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import { makePrivateFolder } from '../private-folder.ts';
import { silentWork, type OnWork } from '../work.ts';

export interface ContentHashOptions {
  /** The folder of the cache: hashes are remembered in `hashes/` under it. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  /** Told of the bytes that are read; not at all where the hash is known. */
  readonly onWork?: OnWork;
}

/** A file that changed this recently, in milliseconds, may change again without another time of its last change. */
const recent = 2000;
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
    const before = await file.stat({ bigint: true });
    const memo = memoOf(place, folder);
    const state = stateOf(place, before);
    const known = await remembered(memo, state);
    if (known !== undefined) return known;
    const started = BigInt(Date.now());
    const hash = await hashOf(file, Number(before.size), signal, onWork);
    const after = await file.stat({ bigint: true });
    if (stateOf(place, after) === state && started - before.mtimeMs > recent) {
      await remember(memo, state, hash);
    }
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
    return await remembered(memoOf(place, folder), stateOf(place, await stat(place, { bigint: true })));
  } catch (error) {
    throw fileError(error, path);
  }
}

function memoOf(place: string, folder: string): string {
  return join(folder, 'hashes', `${sha256(Buffer.from(place)).slice(0, 32)}.hash`);
}

/** The time of the last change of any kind is in it too, as that of the content can be set by hand. */
function stateOf(place: string, { size, mtimeNs, ctimeNs, dev, ino }: BigIntStats): string {
  return JSON.stringify([place, ...[size, mtimeNs, ctimeNs, dev, ino].map(String)]);
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

/** The hash that `memo` has for this state of a file; undefined where it has none, or is damaged. */
async function remembered(memo: string, state: string): Promise<string | undefined> {
  const text = await readFile(memo, 'utf8').catch(() => '');
  const [of, hash, check, ...rest] = text.split('\n');
  const isWhole = rest.length === 1 && rest[0] === '' && check === sha256(Buffer.from(`${of}\n${hash}`));
  return isWhole && of === state && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
}

async function remember(memo: string, state: string, hash: string): Promise<void> {
  const passing = `${memo}.${randomUUID()}.tmp`;
  const lines = `${state}\n${hash}`;
  try {
    await makePrivateFolder(dirname(memo));
    await writeFile(passing, `${lines}\n${sha256(Buffer.from(lines))}\n`, {
      flag: 'wx',
      mode: 0o600,
      flush: true,
    });
    await rename(passing, memo);
  } catch {
    await rm(passing, { force: true }).catch(() => undefined);
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
