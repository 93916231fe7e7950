import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import { cachedDataset } from './hub-cache.ts';

/** Where data sets of the Hugging Face hub are looked for. */
export interface HubPlaces {
  /** A folder that holds data sets, each in a folder of its name. */
  readonly data?: string;
  /** A Hugging Face cache that may hold snapshots of them. */
  readonly hubCache: string;
}

/** A data set of the Hugging Face hub. */
export interface HubDataset {
  /** `owner/name`. */
  readonly repository: string;
  /**
   * Where it may lie in the data folder, `''` being the data folder itself. The first is where an error tells to put it.
   */
  readonly folders: readonly [string, ...string[]];
}

/** The folders that were asked for a data set, and where it was looked for besides. */
export interface SearchedFolders {
  /** The folders that may hold it, in the order in which they are asked. */
  readonly folders: readonly string[];
  /** Caches without a snapshot of it, as an error names them. */
  readonly empty: readonly string[];
}

/** The folders that may hold one of `datasets`: first those in the data folder, then the snapshots in the cache. */
export async function datasetFolders(
  datasets: readonly HubDataset[],
  { data, hubCache }: HubPlaces,
): Promise<SearchedFolders> {
  const folders = new Set<string>();
  if (data !== undefined) {
    for (const dataset of datasets) for (const name of dataset.folders) folders.add(join(data, name));
  }
  const empty: string[] = [];
  for (const { repository } of datasets) {
    const snapshot = await cachedDataset(hubCache, repository);
    if (snapshot === undefined) empty.push(`${hubCache} (no snapshot of ${repository})`);
    else folders.add(snapshot);
  }
  return { folders: [...folders], empty };
}

/** What was not found of a collection. */
export interface MissingFiles {
  /** The collection's canonical name. */
  readonly name: string;
  /** `topics` or `documents`. */
  readonly what: string;
  /** The files that were looked for. */
  readonly wanted: readonly string[];
  /** Those of them that an error tells to put there. */
  readonly needed: readonly string[];
}

/** The error for files that lie in none of the searched folders. It tells to put them where `dataset` is looked for first. */
export function datasetNotFound(
  { name, what, wanted, needed }: MissingFiles,
  searched: SearchedFolders,
  dataset: HubDataset,
  { data }: HubPlaces,
): QuernError {
  const places = [...searched.folders, ...searched.empty].join(', ');
  const [folder] = dataset.folders;
  const home = data === undefined ? `a folder ${folder} in the data folder (QUERN_DATA)` : join(data, folder);
  return new QuernError('NOT_FOUND', `no ${what}: looked for ${wanted.join(' and ')} in ${places}`, {
    where: name,
    hint: `Put ${needed.join(' and ')} of the Hugging Face data set ${dataset.repository} into ${home}`,
  });
}
