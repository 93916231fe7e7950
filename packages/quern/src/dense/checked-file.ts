import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { fileError } from '../errors.ts';
import { readInto } from '../lexical/file-writer.ts';
import { damaged, type IndexedFile } from './vector-manifest.ts';

/** Bytes that are read at once where they are not kept. */
const pieceBytes = 1 << 24;

/** Opens a file of the vector index in `folder`. Throws `CORRUPT_FILE` where it is missing or of another length. */
export async function openIndexed(folder: string, { file: name, bytes }: IndexedFile): Promise<FileHandle> {
  const path = join(folder, name);
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw damaged(path, 'is missing, though the manifest names it', error);
    throw fileError(error, path);
  });
  const { size } = await file.stat();
  if (size === bytes) return file;
  await file.close();
  throw damaged(path, `has ${size} bytes, not ${bytes}`);
}

/** Fills `bytes` with such a file. Throws `CORRUPT_FILE` also where its checksum is another. */
export async function readIndexed(bytes: Uint8Array, folder: string, entry: IndexedFile): Promise<void> {
  const path = join(folder, entry.file);
  const file = await openIndexed(folder, entry);
  try {
    await readInto(bytes, file, path, 0);
  } finally {
    await file.close();
  }
  checkChecksum(crc32(bytes), path, entry);
}

/** Reads such a file and throws `CORRUPT_FILE` unless it has its length and checksum. */
export async function verifyIndexed(folder: string, entry: IndexedFile): Promise<void> {
  const path = join(folder, entry.file);
  const file = await openIndexed(folder, entry);
  try {
    checkChecksum(await checksumOf(file, path, entry.bytes), path, entry);
  } finally {
    await file.close();
  }
}

/** The CRC-32 of the first `bytes` bytes of an open file. */
export async function checksumOf(file: FileHandle, path: string, bytes: number): Promise<number> {
  let checksum = 0;
  const buffer = new Uint8Array(Math.min(pieceBytes, bytes));
  for (let at = 0; at < bytes; at += buffer.length) {
    const piece = buffer.subarray(0, bytes - at);
    await readInto(piece, file, path, at);
    checksum = crc32(piece, checksum);
  }
  return checksum;
}

function checkChecksum(found: number, path: string, { checksum }: IndexedFile): void {
  if (found !== checksum) throw damaged(path, 'the checksum does not match');
}
