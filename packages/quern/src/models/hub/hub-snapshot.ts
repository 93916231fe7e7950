/** What a cache holds of a repository, without asking anybody. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compareBytes } from '../../byte-order.ts';
import type { RepositoryCache } from './hub-cache-layout.ts';
import type { HubFile } from './hub-listing.ts';
import { isWholeModel, type ChooseFiles } from '../model-files.ts';

/** A file of a snapshot. */
export interface ModelFile {
  /** Its path within the snapshot, with `/` between the parts. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** The SHA-256 of its content, where the hub tells it: for what it keeps outside of git, as it does weights. */
  readonly sha256?: string;
}

/** A snapshot in the cache that holds all that is needed. */
export interface Snapshot {
  readonly folder: string;
  readonly commit: string;
  readonly files: readonly ModelFile[];
}

/** The files of `wanted` that are not in the snapshot of a commit, or not with their size. */
export async function missingFiles(
  cache: RepositoryCache,
  commit: string,
  wanted: readonly HubFile[],
): Promise<HubFile[]> {
  const missing: HubFile[] = [];
  for (const file of wanted) {
    const found = await stat(cache.file(commit, file.name)).catch(() => undefined);
    if (!found?.isFile() || found.size !== file.size) missing.push(file);
  }
  return missing;
}

/** The snapshot of a commit, where a list of the repository's files is at hand and all that is needed of it is there. */
export async function listedSnapshot(
  cache: RepositoryCache,
  commit: string,
  choose: ChooseFiles,
): Promise<Snapshot | undefined> {
  const listing = await cache.listing(commit);
  if (!listing) return undefined;
  const wanted = chosenFiles(listing.files, choose);
  if (wanted.length === 0 || (await missingFiles(cache, commit, wanted)).length > 0) return undefined;
  return { folder: cache.snapshot(commit), commit, files: wanted.map(modelFile) };
}

/**
 * The snapshot of a commit as far as it can be told without asking the hub. Older versions of `huggingface_hub` note no
 * list of files; of what these left, a snapshot counts as whole when no part that its own files speak of is missing.
 */
export async function cachedSnapshot(
  cache: RepositoryCache,
  commit: string,
  choose: ChooseFiles,
): Promise<Snapshot | undefined> {
  if (await cache.listing(commit)) return listedSnapshot(cache, commit, choose);
  const folder = cache.snapshot(commit);
  const names = await filesBelow(folder);
  const wanted = names.filter((name) => choose(name, names));
  const files: ModelFile[] = [];
  for (const name of wanted) {
    const path = cache.file(commit, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) return undefined;
    const etag = basename(await readlink(path).catch(() => ''));
    files.push({ name, size: found.size, ...(/^[0-9a-f]{64}$/.test(etag) ? { sha256: etag } : {}) });
  }
  const read = (name: string): Promise<string> => readFile(cache.file(commit, name), 'utf8').catch(() => '');
  return (await isWholeModel(wanted, read)) ? { folder, commit, files } : undefined;
}

/** The files of a list that are chosen by their names, in the order of these. */
export function chosenFiles(files: readonly HubFile[], choose: ChooseFiles): HubFile[] {
  const names = files.map(({ name }) => name);
  return files.filter(({ name }) => choose(name, names)).toSorted((a, b) => compareBytes(a.name, b.name));
}

/** A file without what only the download needs. */
export function modelFile({ name, size, sha256 }: HubFile): ModelFile {
  return { name, size, ...(sha256 === undefined ? {} : { sha256 }) };
}

async function filesBelow(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => []);
  const names: string[] = [];
  for (const entry of entries) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) names.push(...(await filesBelow(folder, name)));
    else names.push(name);
  }
  return names.sort(compareBytes);
}
