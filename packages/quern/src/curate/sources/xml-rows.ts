import { isUtf8 } from 'node:buffer';
import { SaxesParser } from 'saxes';
import { QuernError } from '../../errors.ts';
import type { FaultCounts } from '../faults.ts';

/** The attributes of a row of a dump, by their names. */
export type Attributes = Readonly<Record<string, string>>;

/** A place in a stream of rows that reading can go on from. */
export interface RowPosition {
  /** Bytes before it. */
  readonly offset: number;
  /** Rows before it, malformed ones among them. */
  readonly rows: number;
}

export const firstRow: RowPosition = { offset: 0, rows: 0 };

/** What a chunk of the stream completed. */
export interface RowBatch {
  readonly rows: readonly { readonly attributes: Attributes; readonly where: string }[];
  /** After the last of them. */
  readonly position: RowPosition;
}

/** The longest row that is read. The longest post that a site takes is a thousandth of it. */
const longestRow = 64 << 20;
/** So much of a file without a row cannot be the beginning of a dump. */
const longestPrologue = 1 << 20;

/** Bytes after the last row that are kept: a part of `<row` may be among them, and at the end the end tag. */
const tailBytes = 256;

const rowStart = Buffer.from('<row');
const lessThan = 0x3c;
const greaterThan = 0x3e;

/**
 * The rows of a Stack Exchange dump (`<posts><row Id="1" … /> … </posts>`) as its bytes come, in memory bounded by the longest
 * row. A row ends before the next `<`, which none can hold, so that a malformed one spoils no other: it is counted in `faults`
 * with its place and passed over, as is one that is not UTF-8. Entities other than XML's own five are malformed: a DTD is not
 * read. `chunks` begin at `from`; errors and places call the stream `name`. Throws `BAD_INPUT` where it is no such dump
 * (has no row), and `CORRUPT_FILE` where it ends inside of a row.
 */
export async function* xmlRows(
  chunks: AsyncIterable<Buffer>,
  {
    name,
    faults,
    from = firstRow,
    mayBeEmpty = false,
  }: { name: string; faults: FaultCounts; from?: RowPosition; mayBeEmpty?: boolean },
): AsyncGenerator<RowBatch> {
  const parser = new RowParser();
  let { offset, rows } = from;
  let rest: Buffer = Buffer.alloc(0);
  /** Whether `rest` begins with a row; else with what stands between rows. */
  let inRow = false;
  /** Bytes of `rest` that are known to hold no `<` after its first. */
  let searched = 0;
  let isFirst = from.offset === 0;
  for await (const chunk of chunks) {
    if (isFirst && chunk.length > 0) {
      assertUtf8Start(chunk, name);
      isFirst = false;
    }
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const found: { attributes: Attributes; where: string }[] = [];
    let start = 0;
    for (;;) {
      if (!inRow) {
        const next = bytes.indexOf(rowStart, start);
        if (next < 0) {
          start = Math.max(start, bytes.length - tailBytes);
          break;
        }
        start = next;
        if (next + rowStart.length >= bytes.length) break;
        inRow = true;
        searched = 1;
      }
      const end = bytes.indexOf(lessThan, start + searched);
      if (end < 0) {
        searched = bytes.length - start;
        break;
      }
      rows++;
      const where = `${name} (row ${rows})`;
      const row = parsedRow(parser, bytes.subarray(start, end));
      if (typeof row === 'string') faults.add(row, where);
      else if (row) found.push({ attributes: row, where });
      else rows--;
      start = end;
      inRow = false;
    }
    rest = bytes.subarray(start);
    offset += chunk.length;
    if (rows === 0 && !inRow && offset > longestPrologue) throw noDump(name);
    if (rest.length > longestRow) {
      throw new QuernError('BAD_INPUT', `a row of more than ${longestRow} bytes`, {
        where: `${name} (row ${rows + 1})`,
      });
    }
    yield { rows: found, position: { offset: offset - rest.length, rows } };
  }
  if (inRow) {
    throw new QuernError('CORRUPT_FILE', `ends inside of row ${rows + 1}`, {
      where: name,
      hint: 'It was cut off: fetch it again',
    });
  }
  if (rows === 0 && !mayBeEmpty) throw noDump(name);
  if (
    !/<\/[a-z]+\s*>\s*$/i.test(rest.toString('latin1')) &&
    !(rows === 0 && /\/>\s*$/.test(rest.toString('latin1')))
  ) {
    throw new QuernError('CORRUPT_FILE', `ends without its end tag, after row ${rows}`, {
      where: name,
      hint: 'It was cut off: fetch it again',
    });
  }
}

/** The attributes of a row; the kind of fault of a malformed one; undefined for another element (`<rows>`). */
function parsedRow(parser: RowParser, bytes: Buffer): Attributes | string | undefined {
  if (!/^[\s/>]$/.test(String.fromCharCode(bytes[rowStart.length] ?? 0x20))) return undefined;
  if (!isUtf8(bytes)) return 'a row that is not UTF-8';
  const last = bytes.lastIndexOf(greaterThan);
  if (last < 0) return 'a row that is not closed';
  return parser.parse(bytes.toString('utf8', 0, last + 1));
}

/** Reads rows one by one, as elements of a document that never ends. */
class RowParser {
  #parser: SaxesParser | undefined;
  #attributes: Attributes | undefined;
  #fault: string | undefined;

  parse(text: string): Attributes | string {
    this.#attributes = undefined;
    this.#fault = undefined;
    const parser = (this.#parser ??= this.#started());
    parser.write(text.endsWith('/>') ? text : `${text}</row>`);
    if (this.#fault === undefined && this.#attributes) return this.#attributes;
    // It may still wait for the end of what it has begun.
    this.#parser = undefined;
    return this.#fault ?? 'a malformed row';
  }

  #started(): SaxesParser {
    const parser = new SaxesParser({ xmlns: false, position: false });
    parser.on('error', ({ message }) => (this.#fault ??= `a malformed row (${faultOf(message)})`));
    parser.on('opentag', ({ name, attributes }) => {
      if (name === 'row') this.#attributes = attributes;
    });
    parser.write('<rows>');
    return parser;
  }
}

/** A fault without what differs from row to row. */
function faultOf(message: string): string {
  return message
    .replace(/:.*$/s, '')
    .replace(/\.$/, '')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .slice(0, 80);
}

/** Throws `BAD_INPUT` where the first bytes of a file are not UTF-8's. */
export function assertUtf8Start(chunk: Buffer, name: string): void {
  const [a, b] = chunk;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || a === 0 || b === 0) {
    throw new QuernError('BAD_INPUT', 'is not UTF-8 but UTF-16 or binary', {
      where: name,
      hint: 'Convert it to UTF-8',
    });
  }
}

function noDump(name: string): QuernError {
  return new QuernError('BAD_INPUT', 'holds no <row …>: it is not a file of a Stack Exchange dump', {
    where: name,
    hint: 'Posts are in Posts.xml',
  });
}
