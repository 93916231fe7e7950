/** The folders that a run hands its outcome out into, and what may lie there before. */
import { lstat, mkdir, readdir, readFile, realpath, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { pathKindIfAny } from '../collections/files.ts';
import { fileError, QuernError } from '../errors.ts';
import { ProcessLock } from '../process-lock.ts';
import { checkFolderOf, syncFolder } from '../whole-file.ts';
import type { Curation } from './curation.ts';
import { resultFolder, retrievalFolder } from './stages/split.ts';
import { WorkFolder } from './work-folder.ts';

/** Gives what the last stage wrote its names: the collection first, so that where the data set is, all is. */
export async function handOut(folder: string, out: string, retrieval: string | undefined): Promise<void> {
  if (retrieval !== undefined) await move(join(folder, retrievalFolder), retrieval);
  await move(join(folder, resultFolder), out);
}

/** Renames a folder, where it is there, and makes that durable. */
async function move(from: string, to: string): Promise<void> {
  if ((await pathKindIfAny(from)) === undefined) return;
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to).catch((error: unknown) => {
    throw fileError(error, to);
  });
  await syncFolder(dirname(to));
}

/** Whether a run that was broken off was giving what it had written its names, the collection being the first. */
export async function isHandingOut(work: string): Promise<boolean> {
  const names = await readdir(work).catch(() => []);
  const last = names.find((name) => name.endsWith('-split'));
  if (last === undefined) return false;
  const record = await readFile(join(work, last, 'stage.json'), 'utf8').catch(() => '{}');
  const { curation } = JSON.parse(record) as { curation?: Curation };
  return (
    Boolean(curation?.retrieval) &&
    (await isThere(join(work, last), resultFolder)) &&
    !(await isThere(join(work, last), retrievalFolder))
  );
}

export async function isThere(folder: string, name: string): Promise<boolean> {
  return (await pathKindIfAny(join(folder, name))) !== undefined;
}

/** Removes what is left of a run whose outcome is there; what is not the work of one stays. */
export async function removeWork(path: string, out: string): Promise<void> {
  if ((await pathKindIfAny(path)) === undefined) return;
  const work = await WorkFolder.open(path).catch(() => undefined);
  if (!work) return;
  const lock = await ProcessLock.acquire(join(path, 'lock'), { kind: 'curation', where: out });
  try {
    await work.remove();
  } finally {
    await lock.release();
  }
}

/** Where a folder is or will be, whatever links lead to the one that it is in. Throws where that is not there. */
export async function realTarget(given: string): Promise<string> {
  const path = resolve(given);
  await checkFolderOf(path);
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() && (await pathKindIfAny(path)) === undefined) {
    throw new QuernError('IO', 'is a link that leads to nothing', {
      where: path,
      hint: 'Remove it, or name what it is to lead to',
    });
  }
  return found ? realpath(path) : join(await realpath(dirname(path)), basename(path));
}

function isWithin(inner: string, outer: string): boolean {
  return `${inner}${sep}`.startsWith(`${outer}${sep}`);
}

/** Throws `USAGE` where two folders are the same, or one is within the other or the other's work. */
export function checkApart(out: string, retrieval: string): void {
  for (const folder of [out, `${out}.work`]) {
    if (!isWithin(retrieval, folder) && !isWithin(folder, retrieval)) continue;
    throw new QuernError(
      'USAGE',
      `--retrieval and ${folder} are the same folder, or one is within the other`,
      {
        where: retrieval,
        hint: 'Choose a folder beside it',
      },
    );
  }
}
