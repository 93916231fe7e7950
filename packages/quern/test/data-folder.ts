import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DataFolder, type DataFolderOptions } from '../src/serve/data/data-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What opens data folders for the tests of a file, a new one unless a path is given, and closes each after its test. */
export function dataFolders(): (
  options?: DataFolderOptions,
  path?: string,
) => Promise<{ readonly data: DataFolder; readonly path: string }> {
  const folder = temporaryFolder();
  let opened = 0;
  return async (options = {}, path = join(folder, `data-${opened++}`)) => {
    const data = await DataFolder.open(path, options);
    onTestFinished(() => data.close());
    return { data, path };
  };
}

/** Texts and bytes as the pieces of a body. */
export async function* pieces(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text;
}

/** Bytes of which nothing comes after the first ones, until `stopped` is called. */
export function stalled(first: string): {
  bytes: AsyncGenerator<Uint8Array>;
  arrived: Promise<void>;
  stop: () => void;
} {
  let stop!: () => void;
  let arrive!: () => void;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(first);
    arrive();
    await stopped;
  }
  onTestFinished(() => stop());
  return { bytes: bytes(), arrived, stop };
}

/** A document as a line of a corpus. */
export function line(id: string, text = 'of jets'): string {
  return `${JSON.stringify({ _id: id, title: 'Jets', text })}\n`;
}

/** All entries of a data folder but its lock and the two folders that it always has. */
export async function entries(path: string): Promise<string[]> {
  const all = await readdir(path, { recursive: true });
  return all.filter((name) => !['service.lock', 'corpora', 'indexes'].includes(name)).sort();
}
