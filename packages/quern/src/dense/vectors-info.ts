import { passagesName } from './passages.ts';
import { VectorIndex } from './vector-index.ts';
import { listVectorIndexes, type VectorManifest } from './vector-manifest.ts';
import { readIndexVectorsFacts } from './vectors-facts.ts';

/** What the vectors of an index are. */
export interface VectorsInfo extends Pick<
  VectorManifest,
  'documents' | 'vectors' | 'precision' | 'method' | 'recall'
> {
  readonly folder: string;
  readonly embedder: string;
  readonly dimensions: number;
  /** How documents were cut, as `passagesName` writes it. */
  readonly passages: string;
  /** Of all files. */
  readonly bytes: number;
}

/**
 * What the vectors of the index in `folder` are, an entry for each embedder. With `verify`, every file is read and held against
 * its checksum. Throws what reading one throws, `CORRUPT_FILE` where it is damaged.
 */
export async function vectorsInfo(
  folder: string,
  { verify = false }: { readonly verify?: boolean } = {},
): Promise<VectorsInfo[]> {
  const all: VectorsInfo[] = [];
  for (const listed of await listVectorIndexes(folder)) {
    if ('error' in listed) throw listed.error;
    const { manifest } = listed;
    const { documents, vectors, precision, method, recall, embedder, files } = manifest;
    const { passages } = readIndexVectorsFacts({ facts: manifest.facts, folder: listed.folder });
    if (verify) {
      const open = await VectorIndex.open(listed.folder);
      await open.verify().finally(() => open.close());
    }
    all.push({
      folder: listed.folder,
      embedder: embedder.id,
      dimensions: embedder.dimensions,
      documents,
      vectors,
      precision,
      method,
      ...(recall && { recall }),
      passages: passagesName(passages),
      bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0),
    });
  }
  return all;
}
