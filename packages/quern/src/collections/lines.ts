import { isUtf8 } from 'node:buffer';
import { QuernError } from '../errors.ts';
import { readBytes, type ReadOptions } from './bytes.ts';
import { LineSplitter } from './line-splitter.ts';

/** One line of a text file, without its line end. `number` counts from 1. */
export interface Line {
  readonly text: string;
  readonly number: number;
}

/** The longest line, and the longest text of one file, that is read: 256 MiB. */
export const LONGEST_TEXT_BYTES = 256 * 1024 * 1024;

const CARRIAGE_RETURN = 0x0d;

/**
 * The lines of a plain or gzipped UTF-8 file, in bounded memory. `\n` and `\r\n` end a line, a byte order mark at the
 * start is dropped. Throws `BAD_INPUT` at `file:line` for invalid UTF-8 and for a line over
 * {@link LONGEST_TEXT_BYTES}, and whatever {@link readBytes} throws.
 */
export function readLines(path: string, options: ReadOptions = {}): AsyncGenerator<Line, void> {
  return linesOf(readBytes(path, options), path);
}

/**
 * The lines of text that comes in pieces, as {@link readLines} gives them; errors call it `path`. A line has `longest` bytes
 * at most.
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  path: string,
  longest = LONGEST_TEXT_BYTES,
): AsyncGenerator<Line, void> {
  const splitter = new LineSplitter();
  let number = 1;
  for await (const chunk of chunks) {
    for (const bytes of splitter.lines(chunk)) {
      if (bytes.length > longest) throw tooLong(`${path}:${number}`, 'line', longest);
      yield { text: lineText(bytes, path, number), number };
      number++;
    }
    if (splitter.pending > longest) throw tooLong(`${path}:${number}`, 'line', longest);
  }
  const last = splitter.end();
  if (last) yield { text: lineText(last, path, number), number };
}

/**
 * The whole text of a plain or gzipped UTF-8 file, without its byte order mark. Throws `BAD_INPUT` for invalid UTF-8
 * and for a text over {@link LONGEST_TEXT_BYTES}, and whatever {@link readBytes} throws.
 */
export async function readText(path: string, options: ReadOptions = {}): Promise<string> {
  const pieces: Buffer[] = [];
  let total = 0;
  for await (const chunk of readBytes(path, options)) {
    pieces.push(chunk);
    total += chunk.length;
    if (total > LONGEST_TEXT_BYTES) throw tooLong(path, 'file', LONGEST_TEXT_BYTES);
  }
  return utf8Text(withoutByteOrderMark(Buffer.concat(pieces)), path);
}

/** `bytes` decoded as UTF-8. Throws `BAD_INPUT` at `where` when they are not valid UTF-8. */
export function utf8Text(bytes: Uint8Array, where: string): string {
  if (!isUtf8(bytes)) {
    throw new QuernError('BAD_INPUT', 'invalid UTF-8', { where, hint: 'Convert the file to UTF-8' });
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function lineText(bytes: Buffer, path: string, number: number): string {
  const line = bytes[bytes.length - 1] === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
  return utf8Text(number === 1 ? withoutByteOrderMark(line) : line, `${path}:${number}`);
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return marked ? bytes.subarray(3) : bytes;
}

function tooLong(where: string, unit: 'line' | 'file', bytes: number): QuernError {
  const limit = bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes} bytes`;
  return new QuernError('BAD_INPUT', `a ${unit} of more than ${limit}`, { where });
}
