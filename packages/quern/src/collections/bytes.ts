import { open, type FileHandle } from 'node:fs/promises';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { QuernError, fileError, throwIfAborted } from '../errors.ts';

/** Options of everything here that reads a file from its beginning to its end. */
export interface ReadOptions {
  /** Stops the reading with `ABORTED`. */
  readonly signal?: AbortSignal;
  /** Told how many more bytes of the file (compressed, where it is) have been read. */
  readonly onBytes?: (count: number) => void;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of a file in chunks; gzip is undone, and recognised by its magic bytes whatever the file's name. Pipes are
 * read as well. Throws `NOT_FOUND` or `IO` where the file cannot be read, `CORRUPT_FILE` where its gzip data is
 * damaged or ends early.
 */
export async function* readBytes(path: string, options: ReadOptions = {}): AsyncGenerator<Buffer> {
  if (path === '' || path.includes('\0')) {
    throw new QuernError('NOT_FOUND', `${JSON.stringify(path)} is not a path`);
  }
  try {
    throwIfAborted(options.signal);
    const file = await open(path);
    try {
      const head = await firstBytes(file, options);
      if (head.length === 0 && path.endsWith('.gz')) {
        throw new QuernError('CORRUPT_FILE', 'is empty, which no gzip file is', { where: path });
      }
      const stored = remainingBytes(head, file, options);
      yield* isGzip(head) ? gunzipped(stored) : stored;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw gzipError(fileError(error, path), path);
  }
}

function isGzip(head: Buffer): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/** Enough bytes to recognise the file's kind by, fewer only where the file is shorter. */
async function firstBytes(file: FileHandle, options: ReadOptions): Promise<Buffer> {
  let head = await nextBytes(file, options);
  while (head.length > 0 && head.length < 4) {
    const more = await nextBytes(file, options);
    if (more.length === 0) break;
    head = Buffer.concat([head, more]);
  }
  return head;
}

async function nextBytes(file: FileHandle, options: ReadOptions): Promise<Buffer> {
  throwIfAborted(options.signal);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
  if (bytesRead > 0) options.onBytes?.(bytesRead);
  return buffer.subarray(0, bytesRead);
}

async function* remainingBytes(
  head: Buffer,
  file: FileHandle,
  options: ReadOptions,
): AsyncGenerator<Buffer, void> {
  for (let chunk = head; chunk.length > 0; chunk = await nextBytes(file, options)) yield chunk;
}

async function* gunzipped(stored: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // The error of either stream reaches the loop below, which destroys both when it is left early.
  pipeline(Readable.from(stored, { objectMode: false }), gunzip, () => undefined);
  for await (const chunk of gunzip) yield chunk as Buffer;
}

function gzipError(error: unknown, path: string): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === undefined || !code.startsWith('Z_')) return error;
  const what = code === 'Z_BUF_ERROR' ? 'its gzip data ends early' : 'its gzip data is damaged';
  return new QuernError('CORRUPT_FILE', what, {
    where: path,
    hint: 'Fetch or compress the file again',
    cause: error,
  });
}
