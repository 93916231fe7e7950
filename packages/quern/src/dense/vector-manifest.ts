/**
 * The manifest of a vector index, `dense.json`: what it is of, which files make it up, and their checksums. A folder holds a
 * vector index from the moment when the manifest is renamed into place; the files that it names never change.
 */
import { open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { fileError, QuernError } from '../errors.ts';
import { syncFolder } from '../whole-file.ts';
import type { EmbedderIdentity } from './embedder.ts';
import { precisions, type Precision } from './row-layout.ts';

/** How the nearest vectors are found: all are compared, or those that a graph of neighbours leads to. */
export type SearchMethod = 'exact' | 'hnsw';

/** The embedder whose vectors an index holds. */
export interface IndexedEmbedder extends EmbedderIdentity {
  readonly isNormalized: boolean;
}

/** How many of the true best the index finds, measured when it was built. */
export interface MeasuredRecall {
  /** The mean share of the `at` best documents by 32-bit floats and exact search that are among the index's `at` best. */
  readonly mean: number;
  readonly at: number;
  /** How many vectors of the index served as queries, each without its own document. */
  readonly queries: number;
}

/** A file of a vector index. */
export interface IndexedFile {
  readonly file: string;
  readonly bytes: number;
  /** CRC-32 of the whole file. */
  readonly checksum: number;
}

/** What makes up a vector index. */
export interface VectorManifest {
  /** Goes up by one each time the index is written anew. */
  readonly generation: number;
  readonly embedder: IndexedEmbedder;
  readonly precision: Precision;
  readonly method: SearchMethod;
  readonly documents: number;
  readonly vectors: number;
  /** The most vectors that a document has. */
  readonly longest: number;
  readonly files: {
    readonly vectors: IndexedFile;
    readonly documents: IndexedFile;
    readonly graph?: IndexedFile;
  };
  readonly recall?: MeasuredRecall;
  /** What the caller wants to know of the index later, as JSON. */
  readonly facts: unknown;
}

/** The name of the manifest in its folder. */
export const vectorManifestName = 'dense.json';

const format = 'quern vector index';
const version = 1;

/** Reads the manifest in `folder`. Throws `NOT_FOUND`, `CORRUPT_FILE` or `WRONG_VERSION`. */
export async function readVectorManifest(folder: string): Promise<VectorManifest> {
  const path = join(folder, vectorManifestName);
  let text: string;
  try {
    // Opening a pipe would wait for a writer.
    if (!(await stat(path)).isFile()) throw damaged(path, 'is not a regular file');
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(error, path);
  }
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(text) as Record<string, unknown>;
    if (content['format'] !== format) throw new Error('another format');
  } catch (error) {
    throw damaged(path, 'is not the manifest of a vector index', error);
  }
  const { checksum, ...rest } = content;
  if (rest['version'] !== version) {
    throw new QuernError(
      'WRONG_VERSION',
      `has format version ${String(rest['version'])}; this Quern reads ${version}`,
      { where: path, hint: 'Build the vector index again, or use the Quern that built it' },
    );
  }
  if (checksum !== crc32(JSON.stringify(rest))) throw damaged(path, 'the checksum does not match');
  if (!isManifest(rest)) throw damaged(path, 'does not say what a manifest has to say');
  const { format: _, version: __, ...manifest } = rest as Record<string, unknown> & VectorManifest;
  return manifest;
}

/** Puts a manifest in place: after this, `folder` holds the index that it describes, even if the power fails. */
export async function writeVectorManifest(folder: string, manifest: VectorManifest): Promise<void> {
  const path = join(folder, vectorManifestName);
  const passing = `${path}.partial`;
  // What JSON makes of the facts is what the checksum is of.
  const content = JSON.parse(JSON.stringify({ format, version, ...manifest })) as object;
  try {
    const file = await open(passing, 'w');
    try {
      const checksum = crc32(JSON.stringify(content));
      await file.writeFile(`${JSON.stringify({ ...content, checksum }, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(folder);
    await rename(passing, path);
    await syncFolder(folder);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** A vector index in the folder of an index, or why it cannot be read. */
export type ListedVectorIndex =
  | { readonly folder: string; readonly manifest: VectorManifest }
  | { readonly folder: string; readonly error: QuernError };

/**
 * The vector indexes in the folder of an index, by name: its folders `dense-…` that have a manifest. Throws `NOT_FOUND` where
 * there is no such folder.
 */
export async function listVectorIndexes(index: string): Promise<ListedVectorIndex[]> {
  const entries = await readdir(index, { withFileTypes: true }).catch((error: unknown) => {
    throw fileError(error, index);
  });
  const listed: ListedVectorIndex[] = [];
  for (const name of entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()) {
    if (!name.startsWith('dense-')) continue;
    const folder = join(index, name);
    try {
      listed.push({ folder, manifest: await readVectorManifest(folder) });
    } catch (error) {
      if (!(error instanceof QuernError)) throw error;
      // One that was never finished.
      if (error.code !== 'NOT_FOUND') listed.push({ folder, error });
    }
  }
  return listed;
}

/** The error for a damaged file of a vector index. */
export function damaged(where: string, what: string, cause?: unknown): QuernError {
  return new QuernError('CORRUPT_FILE', what, {
    where,
    hint: 'The vector index is damaged: build it again',
    cause,
  });
}

function isManifest(value: Record<string, unknown>): boolean {
  const { generation, embedder, precision, method, documents, vectors, longest, files, recall } =
    value as Partial<VectorManifest>;
  if (![generation, documents, vectors, longest].every(isCount)) return false;
  if (!precisions.includes(precision!) || (method !== 'exact' && method !== 'hnsw')) return false;
  if (!isObject(embedder) || !isObject(files) || (recall !== undefined && !isObject(recall))) return false;
  if (typeof embedder.id !== 'string' || typeof embedder.contentHash !== 'string') return false;
  if (!isCount(embedder.dimensions) || embedder.dimensions < 1) return false;
  if (!isFile(files.vectors, 'vectors') || !isFile(files.documents, 'documents')) return false;
  return method === 'hnsw' ? isFile(files.graph, 'graph') : files.graph === undefined;
}

function isFile(value: unknown, name: string): boolean {
  if (!isObject(value)) return false;
  const { file, bytes, checksum } = value as Partial<IndexedFile>;
  return new RegExp(`^${name}-\\d+\\.[a-z]+$`).test(String(file)) && isCount(bytes) && isCount(checksum);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
