import { LineSplitter } from '../../collections/line-splitter.ts';
import { QuernError } from '../../errors.ts';

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
 * The lines of bytes that come in pieces, without their ends; whatever encoding they may be in. Throws `BAD_INPUT` where a
 * line is longer than `longest`; errors call the file `name`.
 */
export async function* byteLines(
  chunks: AsyncIterable<Buffer>,
  from: { readonly offset: number; readonly rows: number },
  { longest = Infinity, name = '' }: { readonly longest?: number; readonly name?: string } = {},
): AsyncGenerator<ByteLine> {
  const splitter = new LineSplitter();
  let { offset: end, rows: number } = from;
  for await (const chunk of chunks) {
    for (const bytes of splitter.lines(chunk)) {
      end += bytes.length + 1;
      yield { bytes: withoutReturn(bytes), number: ++number, end };
    }
    if (splitter.pending > longest) {
      throw new QuernError('BAD_INPUT', `a line of more than ${longest} bytes`, {
        where: `${name}:${number + 1}`,
      });
    }
  }
  const last = splitter.end();
  if (last) yield { bytes: withoutReturn(last), number: ++number, end: end + last.length };
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes[bytes.length - 1] === carriageReturn ? bytes.subarray(0, -1) : bytes;
}
