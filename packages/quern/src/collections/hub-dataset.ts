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

/**
 * The error for a collection called `name`, of whose files those in `wanted` were looked for. It proposes to put the
 * first of them into the first of `datasets`.
 */
export function datasetNotFound(
  what: string,
  name: string,
  wanted: readonly string[],
  searched: SearchedFolders,
  dataset: HubDataset,
  { data }: HubPlaces,
): QuernError {
  const places = [...searched.folders, ...searched.empty].join(', ');
  const [folder] = dataset.folders;
  const home = data === undefined ? `a folder ${folder} in the data folder (QUERN_DATA)` : join(data, folder);
  return new QuernError('NOT_FOUND', `no ${what}: looked for ${wanted.join(' and ')} in ${places}`, {
    where: name,
    hint: `Put ${wanted[0]} of the Hugging Face data set ${dataset.repository} into ${home}`,
  });
}
