import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import { FileWriter } from '../lexical/file-writer.ts';
import { syncFolder } from '../whole-file.ts';
import type { EmbedderIdentity } from './embedder.ts';
import {
  readVectorManifest,
  vectorManifestFile,
  vectorManifestText,
  type VectorManifest,
} from './vector-manifest.ts';
import type { SearchMethod, VectorPrecision } from './vector-settings.ts';

/** A document with the vectors of its passages, one or more. */
export interface VectorDocument {
  readonly id: string;
  readonly vectors: readonly Float32Array[];
}

/** What is written beside vectors, and how. */
export interface VectorIndexSettings {
  readonly embedder: EmbedderIdentity;
  /** Kept as it is. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly precision?: VectorPrecision;
  readonly method?: SearchMethod;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface VectorIndexSummary {
  readonly documents: number;
  readonly vectors: number;
  readonly dimensions: number;
  readonly precision: VectorPrecision;
  readonly method: Exclude<SearchMethod, 'auto'>;
  readonly recall?: number;
  readonly bytes: number;
}

/**
 * Writes the vectors of documents into `folder`, in the place of those that are there once all are written. They are brought to
 * length 1. Throws `BAD_INPUT` for a vector that is zero or not finite, or a document without any, and file errors.
 */
export async function writeVectorIndex(
  folder: string,
  documents: AsyncIterable<VectorDocument> | Iterable<VectorDocument>,
  { embedder, facts, signal }: VectorIndexSettings,
): Promise<VectorIndexSummary> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  const generation = ((await readVectorManifest(folder).catch(() => undefined))?.generation ?? 0) + 1;
  const files = { vectors: `vectors-${generation}.bin`, documents: `documents-${generation}.json` };
  const writer = await FileWriter.create(join(folder, files.vectors));
  const ids: [string, number][] = [];
  let vectors = 0;
  let list: FileWriter | undefined;
  try {
    for await (const { id, vectors: own } of documents) {
      throwIfAborted(signal);
      if (own.length === 0) throw new QuernError('BAD_INPUT', 'has no vector', { where: `document ${id}` });
      for (const vector of own) await writer.write(unit(vector, embedder.dimensions, id));
      ids.push([id, own.length]);
      vectors += own.length;
    }
    await writer.flush();
    await writer.close();
    list = await FileWriter.create(join(folder, files.documents));
    await list.write(Buffer.from(JSON.stringify(ids)));
    await list.flush();
    await list.close();
    const { id, dimensions, contentHash } = embedder;
    const manifest: VectorManifest = {
      generation,
      embedder: { id, dimensions, contentHash },
      precision: 'f32',
      method: 'exact',
      documents: ids.length,
      vectors,
      files: {
        vectors: { file: files.vectors, bytes: writer.written, checksum: writer.checksum },
        documents: { file: files.documents, bytes: list.written, checksum: list.checksum },
      },
      facts,
    };
    await commit(folder, manifest);
    const bytes = writer.written + list.written;
    return { documents: ids.length, vectors, dimensions, precision: 'f32', method: 'exact', bytes };
  } catch (error) {
    await writer.close().catch(() => undefined);
    await list?.close().catch(() => undefined);
    for (const name of Object.values(files)) await rm(join(folder, name), { force: true });
    throw fileError(error, folder);
  }
}

async function commit(folder: string, manifest: VectorManifest): Promise<void> {
  const path = join(folder, vectorManifestFile);
  const passing = `${path}.partial`;
  const file = await open(passing, 'w');
  try {
    await file.writeFile(vectorManifestText(manifest));
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(folder);
  await rename(passing, path);
  await syncFolder(folder);
  const named = new Set([vectorManifestFile, ...Object.values(manifest.files).map(({ file: name }) => name)]);
  for (const name of await readdir(folder)) {
    if (/^(vectors|documents)-\d+\.(bin|json)$/.test(name) && !named.has(name)) {
      await rm(join(folder, name), { force: true });
    }
  }
}

/** A vector of length 1. Throws `BAD_INPUT`. */
function unit(vector: Float32Array, dimensions: number, id: string): Float32Array {
  const where = `document ${id}`;
  if (vector.length !== dimensions) {
    throw new QuernError('BAD_INPUT', `a vector of ${vector.length} numbers, not ${dimensions}`, { where });
  }
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (!(sum > 0) || !Number.isFinite(sum)) {
    const what = sum === 0 ? 'a vector of zeros' : 'a vector that is not finite';
    throw new QuernError('BAD_INPUT', what, { where });
  }
  const length = Math.sqrt(sum);
  return vector.map((value) => value / length);
}
