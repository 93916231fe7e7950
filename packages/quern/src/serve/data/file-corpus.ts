import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { Placed, TextCorpus } from '../../collections/corpus.ts';
import { placedDocuments } from '../../collections/documents.ts';
import { jsonlRecords } from '../../collections/jsonl.ts';
import { linesOf } from '../../collections/lines.ts';
import type { Document } from '../../collections/records.ts';
import { fileError, throwIfAborted } from '../../errors.ts';

const readAt = promisify(read);
const blockBytes = 1 << 18;

/** An open file of a corpus. */
export interface OpenCorpusFile {
  /** Its descriptor, which counts on every thread of the process. */
  readonly fd: number;
  readonly bytes: number;
}

/**
 * The corpus in a file that is open: what is read from it twice is the same, whatever takes the file's place meanwhile. Errors call
 * the file `corpus.jsonl`. `onDocument` is called before each document is given.
 */
export function fileCorpus(
  { fd, bytes }: OpenCorpusFile,
  { signal, onDocument }: { readonly signal?: AbortSignal; readonly onDocument?: () => void } = {},
): TextCorpus {
  const name = 'corpus.jsonl';
  async function* documents(onBytes?: (count: number) => void): AsyncGenerator<Placed<Document>> {
    const lines = linesOf(blocksOf(fd, name, { signal, onBytes }), name);
    for await (const placed of placedDocuments(jsonlRecords(lines, name))) {
      onDocument?.();
      yield placed;
    }
  }
  return { kind: 'text', bytes, documents };
}

async function* blocksOf(
  fd: number,
  name: string,
  { signal, onBytes }: { readonly signal?: AbortSignal; readonly onBytes?: (count: number) => void },
): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    throwIfAborted(signal);
    const buffer = Buffer.allocUnsafe(blockBytes);
    const { bytesRead } = await readAt(fd, buffer, 0, blockBytes, position).catch((error: unknown) => {
      throw fileError(error, name);
    });
    if (bytesRead === 0) return;
    position += bytesRead;
    onBytes?.(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}
