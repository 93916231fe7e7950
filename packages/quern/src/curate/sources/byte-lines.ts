import { QuernError } from '../../errors.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** A line of a file, as bytes. */
export interface ByteLine {
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
  /** Bytes of the file up to its end. */
  readonly end: number;
}

/**
 * The lines of bytes that come in pieces, without their ends; whatever encoding they may be in. Throws `BAD_INPUT` where a line
 * is longer than `longest`; errors call the file `name`.
 */
export async function* byteLines(
  chunks: AsyncIterable<Buffer>,
  from: { readonly offset: number; readonly rows: number },
  { longest = Infinity, name = '' }: { readonly longest?: number; readonly name?: string } = {},
): AsyncGenerator<ByteLine> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let { offset: end, rows: number } = from;
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, start)) {
      const part = chunk.subarray(start, at);
      const bytes = rest.length === 0 ? part : Buffer.concat([...rest, part]);
      start = at + 1;
      rest = [];
      restBytes = 0;
      end += bytes.length + 1;
      yield { bytes: withoutReturn(bytes), number: ++number, end };
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > longest) {
      throw new QuernError('BAD_INPUT', `a line of more than ${longest} bytes`, {
        where: `${name}:${number + 1}`,
      });
    }
  }
  if (rest.length === 0) return;
  const bytes = Buffer.concat(rest);
  yield { bytes: withoutReturn(bytes), number: ++number, end: end + bytes.length };
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes[bytes.length - 1] === carriageReturn ? bytes.subarray(0, -1) : bytes;
}
