import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import { readDeletions, type Deletions } from './deletions.ts';
import { IndexFile } from './index-file.ts';
import type { Manifest, SegmentEntry } from './manifest.ts';
import { StringPool } from './string-pool.ts';

/** The open files of a segment. */
export interface SegmentFiles {
  readonly file: IndexFile;
  readonly deletions: Deletions | undefined;
}

/**
 * Opens a segment of the index in `folder` as its manifest names it. Throws `NOT_FOUND` where a file is gone (see
 * `openSnapshot`), `WRONG_VERSION`, and `CORRUPT_FILE`, also where the files are not those that the manifest means.
 */
export async function openSegmentFiles(
  folder: string,
  { file: name, documents, postings, bytes, checksum, deletions: named }: SegmentEntry,
  { analyzer, stored }: Pick<Manifest, 'analyzer' | 'stored'>,
): Promise<SegmentFiles> {
  const file = await IndexFile.open(join(folder, name));
  try {
    const { table } = file;
    const isMeant =
      file.checksum === checksum &&
      file.size === bytes &&
      table.documents === documents &&
      table.postings === postings &&
      table.analyzer === analyzer &&
      file.has('store') === stored;
    if (!isMeant) throw notMeant(file.path);
    if (!named) return { file, deletions: undefined };
    const path = join(folder, named.file);
    const deletions = await readDeletions(path, table);
    if (deletions.documents.length !== named.documents) throw notMeant(path);
    return { file, deletions };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where the ids of a segment lie. */
export interface SegmentIds {
  readonly bytes: Uint8Array;
  readonly offsets: Float64Array;
  /** Document numbers in ascending byte order of ids. */
  readonly order: Uint32Array;
}

/** Reads the ids of a segment. Throws `CORRUPT_FILE`. */
export async function readIds(file: IndexFile): Promise<SegmentIds> {
  const { documents } = file.table;
  const bytes = await file.array('ids', 'u8');
  const offsets = await file.places('id-offsets', 'f64', documents + 1, bytes.length);
  const order = await file.array('id-order', 'u32', documents);
  if (order.some((document) => document >= documents)) {
    throw file.corrupt('id-order', 'names a document that the index does not have');
  }
  return { bytes, offsets, order };
}

/** The ids of a segment: number ↔ id. */
export function idPool({ bytes, offsets, order }: SegmentIds): StringPool {
  return new StringPool(bytes, offsets, (place) => order[place]);
}

function notMeant(where: string): QuernError {
  return new QuernError('CORRUPT_FILE', 'not the file that the manifest means', {
    where,
    hint: 'The index is damaged: build it again',
  });
}
