import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileError, throwIfAborted } from '../errors.ts';
import { readBytes } from '../lexical/file-writer.ts';
import { silentWork, type OnWork } from '../work.ts';
import { checksumOf } from './checked-file.ts';
import { VectorGraph } from './vector-graph.ts';
import type { IndexedFile } from './vector-manifest.ts';

/** Rows that are added to the graph between two turns of the event loop. */
const rowsAtOnce = 64;

/** The rows of 32-bit floats that a graph is made of. */
export interface FloatRows {
  readonly path: string;
  readonly width: number;
  readonly rows: number;
}

/** How a graph is built. */
export interface GraphOptions {
  /** Default 1, which makes the same graph of the same rows. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** Writes the graph of these rows to the file `name` in `folder`, durable, and returns its entry. */
export async function writeGraph(
  folder: string,
  name: string,
  { path, width, rows }: FloatRows,
  { threads = 1, signal, onWork }: GraphOptions,
): Promise<IndexedFile> {
  const graph = await VectorGraph.create(width);
  const work = onWork?.('building the graph', rows) ?? silentWork;
  const file = await open(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  try {
    for (let row = 0; row < rows; row += rowsAtOnce) {
      await setImmediate();
      throwIfAborted(signal);
      const count = Math.min(rowsAtOnce, rows - row);
      const { buffer } = await readBytes(file, path, 4 * row * width, 4 * count * width);
      graph.add(new Float32Array(buffer), width, threads);
      work.update(row + count);
    }
  } finally {
    work.stop();
    await file.close();
  }
  graph.save(join(folder, name));
  return syncedEntry(folder, name);
}

/** The entry of a file that another has written, made durable. */
async function syncedEntry(folder: string, name: string): Promise<IndexedFile> {
  const path = join(folder, name);
  try {
    const file = await open(path, 'r+');
    try {
      await file.sync();
      const { size } = await file.stat();
      return { file: name, bytes: size, checksum: await checksumOf(file, path, size) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path);
  }
}
