import type { FileHandle } from 'node:fs/promises';
import { QuernError } from '../../errors.ts';
import { headSchema, tailSchema, type SetRecord } from './set-answers.ts';

/** The record of a set, and the only file by which one is known. */
export const recordFile = 'dataset.json';

/** As the record is written: the posts between these are a line each, and can be millions. */
const beforePosts = Buffer.from(',\n  "posts": [');
const afterPosts = Buffer.from('\n  ],\n  "domains": ');

/** What is read first of either end, and at most. */
const firstBytes = 256 << 10;
const mostBytes = 4 << 20;

/**
 * Reads the two ends of a record, and not its posts. Throws `CORRUPT_FILE` where it is none of `quern curate`, and `UNSUPPORTED` where
 * an end is larger than 4 MiB.
 */
export async function readSetRecord(file: FileHandle): Promise<SetRecord> {
  const { size } = await file.stat();
  for (const bytes of [firstBytes, mostBytes]) {
    const length = Math.min(size, bytes);
    const start = await bytesAt(file, 0, length);
    const end = await bytesAt(file, size - length, length);
    const headEnd = start.indexOf(beforePosts);
    const tailStart = end.lastIndexOf(afterPosts);
    if (headEnd >= 0 && tailStart >= 0) {
      const tail = end.subarray(end.indexOf('"', tailStart));
      return checked(start.toString('utf8', 0, headEnd), tail.toString('utf8'));
    }
    if (size <= length) throw noRecord();
  }
  throw new QuernError(
    'UNSUPPORTED',
    `what ${recordFile} says beside its posts is larger than ${mostBytes} bytes`,
  );
}

function checked(head: string, tail: string): SetRecord {
  try {
    return { ...headSchema.parse(JSON.parse(`${head}\n}`)), ...tailSchema.parse(JSON.parse(`{${tail}`)) };
  } catch (cause) {
    throw noRecord(cause);
  }
}

function noRecord(cause?: unknown): QuernError {
  return new QuernError('CORRUPT_FILE', `${recordFile} is no whole record of quern curate`, { cause });
}

async function bytesAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
