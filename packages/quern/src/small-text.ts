import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { fileError, QuernError } from './errors.ts';

const mostBytes = 1024 * 1024;

/**
 * The text of a file of at most a MiB that is to be a `kind` (`configuration`, `gate`), without a byte order mark. Throws
 * `BAD_INPUT` where it is larger or not UTF-8, and what {@link fileError} makes of the file system's errors. Of a pipe or
 * device no more than that is read.
 */
export async function readSmallText(path: string, kind: string): Promise<string> {
  const bytes = await firstBytes(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (bytes.length > mostBytes) {
    throw new QuernError('BAD_INPUT', `is larger than ${mostBytes} bytes, and no ${kind}`, { where: path });
  }
  if (!isUtf8(bytes)) throw new QuernError('BAD_INPUT', 'is not valid UTF-8', { where: path });
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

/** The bytes of a file, and no more than one over the limit, whatever the file is. */
async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(mostBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}
